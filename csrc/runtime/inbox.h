/* SPDX-License-Identifier: MIT */
/* inbox.h -- what reaches a group thread: works that were handled or delivered, and a descriptor
** that wakes it. librdkafka writes to the same descriptor when a queue gets its first record.
**
** Threads:   dm_inbox_put, _push and _wake from any; take and wait on the group thread.
** Ownership: works that were pushed are the inbox's until they are taken.
*/
#ifndef DM_INBOX_H
#define DM_INBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "runtime/work.h"

struct dm_inbox {
  pthread_mutex_t lock;
  dm_work_list works;
  int fd;                    /* an eventfd */
  atomic_bool woken;         /* the descriptor was written to since the last wait */
};

/* False: no descriptor could be had. */
bool dm_inbox_open (dm_inbox *inbox);
void dm_inbox_close (dm_inbox *inbox);

/* Adds a work without waking the group thread: it looks again before long in any case. */
void dm_inbox_put (dm_inbox *inbox, dm_work *work);

/* Moves the works in and wakes the group thread. */
void dm_inbox_push (dm_inbox *inbox, dm_work_list *works);

/* Wakes the group thread. */
void dm_inbox_wake (dm_inbox *inbox);

/* Moves all works out, behind 'works'. */
void dm_inbox_take (dm_inbox *inbox, dm_work_list *works);

/* Waits until somebody wakes it or the time is over, at most timeout_ms. */
void dm_inbox_wait (dm_inbox *inbox, int timeout_ms);

/* Lets librdkafka wake the group thread when the empty queue gets a record or event. */
void dm_inbox_watch (dm_inbox *inbox, rd_kafka_queue_t *queue);

#endif
