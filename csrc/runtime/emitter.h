/* SPDX-License-Identifier: MIT */
/* emitter.h -- the one producer of a process's groups: what handlers emit and dead letters go
** through it, and its thread serves the delivery reports of all of them.
**
** It waits for the broker without end (message.timeout.ms=0, idempotent): librdkafka repeats in
** order, and a report that says "failed" is final.
**
** Threads:   dm_emitter_new, _close on the thread that owns the lua_State; the others on any.
** Ownership: the emitter owns its client and its outlets; a record in it keeps its dm_work alive.
** Order:     new; outlets; produce; close after the last group has ended.
*/
#ifndef DM_EMITTER_H
#define DM_EMITTER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "kafka/feed.h"
#include "runtime/outbox.h"
#include "runtime/sent.h"
#include "runtime/work.h"

typedef struct dm_emitter dm_emitter;

/* A topic that is written to; lives as long as its emitter. */
struct dm_outlet {
  struct dm_outlet *next;
  rd_kafka_topic_t *rkt;
  char name[];
};

typedef struct dm_emitter_stats {
  uint64_t produced, failed;  /* records that the broker has so far, or will never have */
  uint64_t queued;            /* records waiting or on their way */
} dm_emitter_stats;

/* An emitter with a client made from 'conf', which is taken when that succeeds; NULL with the
** reason otherwise, and the conf is the caller's. */
dm_emitter *dm_emitter_new (rd_kafka_conf_t *conf, char *reason, size_t size);

/* Waits up to timeout_ms for what is queued, ends the thread and the client; a client that does not
** end goes on ending in the background. Returns how many records were not delivered. Frees the
** emitter. */
int dm_emitter_close (dm_emitter *emitter, int timeout_ms);

/* The outlet for the topic, made at its first use; NULL: the name is not legal or no memory. */
dm_outlet *dm_emitter_outlet (dm_emitter *emitter, const char *topic);

/* The most bytes that an event may have, with its headers: message.max.bytes as it was set. Dead
** letters may be larger. */
size_t dm_emitter_record_max (const dm_emitter *emitter);

/* Produces the emits of the outbox for the work, in order, waiting while the queue is full until
** *give_up. Sets the work's pending before the first. False: given up, the rest was not produced.
** The headers of what was produced are librdkafka's. */
bool dm_emitter_send (dm_emitter *emitter, dm_work *work, dm_outbox *outbox,
                      const atomic_bool *give_up);

/* Produces the record of the work, with its value when 'whole', to the outlet without waiting; the
** work's pending must count it already. Takes the headers when it succeeds. QUEUE_FULL: try
** later. */
rd_kafka_resp_err_t dm_emitter_copy (dm_emitter *emitter, dm_work *work, dm_outlet *outlet,
                                     bool whole, rd_kafka_headers_t *headers);

/* Notes of the client: errors, logs, statistics; one thread takes them. */
dm_feed *dm_emitter_feed (dm_emitter *emitter);

/* The client's fatal error, or NO_ERROR: nothing can be produced any more. */
rd_kafka_resp_err_t dm_emitter_fatal (dm_emitter *emitter, char *reason, size_t size);

void dm_emitter_stats_get (dm_emitter *emitter, dm_emitter_stats *stats);

/* Counts what these works of a transaction emitted, or their dead letters: the broker has it. */
void dm_emitter_count (dm_emitter *emitter, const dm_work_list *works);

/* Counts emits of the outbox from that one on, which the broker will never have. */
void dm_emitter_count_failed (dm_emitter *emitter, const dm_outbox *outbox, size_t from);

/* How many sums dm_emitter_collect makes at least, while no new type is emitted. */
int dm_emitter_sums (const dm_emitter *emitter);

/* What became of emitted events by their types; dead letters are none. Makes at most 'room' sums;
** returns how many. */
int dm_emitter_collect (const dm_emitter *emitter, dm_sent_sum *sums, int room);

#endif
