/* SPDX-License-Identifier: MIT */
/* transactor.h -- the transactional producer of an exactly-once group, and the thread that runs its
** transactions one after the other: the calls of a transaction block, and the group's thread must
** not.
**
** A transaction carries a batch: what records emitted, in order, and the offsets that follow from
** them. It is tried once; the answer says for certain whether the broker has it. What librdkafka
** says of an error is obeyed: "retriable" is called again, "abortable" is aborted; after anything
** else the producer is retired and a new one with the same transactional.id ends what the old one
** left. When that was a commit, the group's committed offsets tell how it ended.
**
** Threads:   the group's thread calls everything here; dm_transactor_new and _free any.
** Ownership: the batch and its works are the transactor's from give to take. The consumer and the
**            feed are borrowed.
** Order:     new; start; give and take by turns; stop before the consumer ends; free.
*/
#ifndef DM_TRANSACTOR_H
#define DM_TRANSACTOR_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "kafka/feed.h"
#include "runtime/inbox.h"
#include "runtime/work.h"

typedef struct dm_transactor dm_transactor;

typedef struct dm_batch {
  dm_work_list works;                        /* with their outboxes */
  rd_kafka_topic_partition_list_t *offsets;
} dm_batch;

typedef enum dm_txn_result {
  DM_TXN_RUNNING,    /* or there was nothing to take */
  DM_TXN_COMMITTED,
  DM_TXN_ABORTED,    /* nothing of it is visible. Works whose events were refused for good have an
                     ** error; the others are to be given again */
  DM_TXN_BROKEN      /* aborted, and no transaction will ever succeed */
} dm_txn_result;

/* A transactor whose producers are made from copies of 'conf'; NULL with the reason otherwise. */
dm_transactor *dm_transactor_new (const rd_kafka_conf_t *conf, dm_feed *feed, char *reason,
                                  size_t size);

/* Starts the thread, which readies the producer at once: that ends what a predecessor with the same
** transactional.id has left open. False: no thread. */
bool dm_transactor_start (dm_transactor *transactor, rd_kafka_t *consumer, dm_inbox *inbox);

/* Begins a transaction; the inbox is woken at its end. */
void dm_transactor_give (dm_transactor *transactor, const dm_batch *batch);

/* Takes the result of what was given. BROKEN may come before anything was. */
dm_txn_result dm_transactor_take (dm_transactor *transactor);

/* Nothing of the running transaction is wanted any more: it need not be tried to the end. Holds
** until the next is given. */
void dm_transactor_hurry (dm_transactor *transactor);

/* Why it is BROKEN or was last ABORTED; the group's thread, while nothing runs. */
const char *dm_transactor_trouble (const dm_transactor *transactor);

/* Ends the thread and the producer; nothing runs. */
void dm_transactor_stop (dm_transactor *transactor);
void dm_transactor_free (dm_transactor *transactor);

#endif
