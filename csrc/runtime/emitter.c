/* SPDX-License-Identifier: MIT */
#include "runtime/emitter.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/clock.h"
#include "kafka/task.h"
#include "runtime/inbox.h"

#define POLL_MS 100
#define GROUPS_MAX 64

/* How long the end of the client is waited for. */
#define END_MS 5000

/* What brokers take by default, what the headers of a dead letter may need beside that, and what
** the client takes at most. */
#define BROKER_MAX ((size_t)1048588)
#define DEAD_LETTER_ROOM ((size_t)64 << 10)
#define CLIENT_MAX ((size_t)1000000000)

/* Works whose last report came during one poll, by the group they belong to. */
typedef struct settled {
  dm_inbox *inbox;
  dm_work_list works;
} settled;

struct dm_emitter {
  rd_kafka_t *rk;
  dm_feed *feed;
  pthread_t thread;
  atomic_bool stop;
  size_t record_max;
  pthread_mutex_t lock;      /* outlets, others, and waiting for room */
  pthread_cond_t room;
  int waiting;
  dm_outlet *outlets;
  dm_sent others;            /* what did not come to its own thread as a report */
  dm_sent reported;          /* the thread's */
  settled settled[GROUPS_MAX]; /* the thread's alone */
  int settled_count;
  atomic_ullong produced, failed;
};

/* -- Reports, on the emitter's thread --------------------------------------------------------- */

static void flush_settled (dm_emitter *emitter) {
  for (int i = 0; i < emitter->settled_count; i++)
    dm_inbox_push(emitter->settled[i].inbox, &emitter->settled[i].works);
  emitter->settled_count = 0;
}

static void settle (dm_emitter *emitter, dm_work *work) {
  settled *entry = emitter->settled;
  const settled *end = entry + emitter->settled_count;
  while (entry < end && entry->inbox != work->inbox) entry++;
  if (entry == end) {
    if (emitter->settled_count == GROUPS_MAX) flush_settled(emitter), entry = emitter->settled;
    *entry = (settled){ .inbox = work->inbox };
    emitter->settled_count++;
  }
  dm_work_list_append(&entry->works, work);
}

/* Counts an emitted event by its type. */
static void count (dm_emitter *emitter, const rd_kafka_message_t *report) {
  rd_kafka_headers_t *headers;
  if (rd_kafka_message_headers(report, &headers)) headers = NULL;
  if (report->err) dm_sent_fail(&emitter->reported, headers);
  else
    dm_sent_add(&emitter->reported, headers, report->len, rd_kafka_message_latency(report));
}

static void on_report (rd_kafka_t *rk, const rd_kafka_message_t *report, void *opaque) {
  dm_emitter *emitter = dm_feed_ledger(opaque);
  dm_work *work = report->_private;
  (void)rk;
  atomic_fetch_add_explicit(report->err ? &emitter->failed : &emitter->produced, 1,
                            memory_order_relaxed);
  if (!work->letter) count(emitter, report);
  if (report->err) dm_work_error(work, report->err);
  switch (atomic_fetch_sub(&work->pending, 1)) {
    case 1: settle(emitter, work); break;
    case DM_ORPHAN + 1: free(work); break;
    default: break;
  }
}

static void announce_room (dm_emitter *emitter) {
  pthread_mutex_lock(&emitter->lock);
  if (emitter->waiting > 0) pthread_cond_broadcast(&emitter->room);
  pthread_mutex_unlock(&emitter->lock);
}

static void *serve (void *arg) {
  dm_emitter *emitter = arg;
  while (!atomic_load(&emitter->stop)) {
    if (rd_kafka_poll(emitter->rk, POLL_MS) == 0) continue;
    flush_settled(emitter);
    announce_room(emitter);
  }
  return NULL;
}

/* -- Life ------------------------------------------------------------------------------------- */

static size_t read_record_max (const rd_kafka_conf_t *conf) {
  char text[32];
  size_t size = sizeof text;
  if (rd_kafka_conf_get(conf, "message.max.bytes", text, &size) != RD_KAFKA_CONF_OK) return 1000000;
  return strtoul(text, NULL, 10);
}

/* A dead letter carries its record whole, and more headers: there is room for the largest record
** that brokers take by default, and more where the application's own events may be larger. */
static void make_room (rd_kafka_conf_t *conf, size_t record_max) {
  char text[32];
  size_t size = (record_max > BROKER_MAX ? record_max : BROKER_MAX) + DEAD_LETTER_ROOM;
  snprintf(text, sizeof text, "%zu", size < CLIENT_MAX ? size : CLIENT_MAX);
  rd_kafka_conf_set(conf, "message.max.bytes", text, NULL, 0);
}

static void discard (dm_emitter *emitter) {
  dm_outlet *outlet;
  while ((outlet = emitter->outlets) != NULL) {
    emitter->outlets = outlet->next;
    rd_kafka_topic_destroy(outlet->rkt);
    free(outlet);
  }
  if (emitter->rk != NULL) rd_kafka_destroy(emitter->rk);
  if (emitter->feed != NULL) dm_feed_free(emitter->feed);
  dm_sent_close(&emitter->others);
  dm_sent_close(&emitter->reported);
  pthread_cond_destroy(&emitter->room);
  pthread_mutex_destroy(&emitter->lock);
  free(emitter);
}

static void make_room_condition (dm_emitter *emitter) {
  pthread_condattr_t monotonic;
  pthread_mutex_init(&emitter->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&emitter->room, &monotonic);
  pthread_condattr_destroy(&monotonic);
}

dm_emitter *dm_emitter_new (rd_kafka_conf_t *conf, char *reason, size_t size) {
  dm_emitter *emitter = calloc(1, sizeof *emitter);
  if (emitter == NULL) return NULL;
  make_room_condition(emitter);
  emitter->feed = dm_feed_new(emitter);
  emitter->record_max = read_record_max(conf);
  make_room(conf, emitter->record_max);
  if (emitter->feed != NULL) {
    dm_feed_install(emitter->feed, conf, false);
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    emitter->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, size);
  }
  if (emitter->rk != NULL) {
    rd_kafka_set_log_queue(emitter->rk, NULL);
    if (pthread_create(&emitter->thread, NULL, serve, emitter) == 0) return emitter;
  }
  discard(emitter);
  return NULL;
}

/* Ends the thread, which may be waiting for reports. */
static void stop (dm_emitter *emitter) {
  rd_kafka_queue_t *reports = rd_kafka_queue_get_main(emitter->rk);
  atomic_store(&emitter->stop, true);
  rd_kafka_queue_yield(reports);
  pthread_join(emitter->thread, NULL);
  rd_kafka_queue_destroy(reports);
}

/* Ends what has no report yet, and the client. Both wait for the client's threads. */
static void end (void *arg) {
  dm_emitter *emitter = arg;
  rd_kafka_purge(emitter->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  stop(emitter);
  while (rd_kafka_poll(emitter->rk, 0) > 0) flush_settled(emitter);
  discard(emitter);
}

/* One of those threads may ask a name server that does not answer. */
static void end_in_time (dm_emitter *emitter) {
  dm_task *task = dm_task_start(end, NULL, emitter);
  if (task == NULL) {
    end(emitter);
    return;
  }
  if (!dm_task_wait(task, END_MS))
    fputs("docmsg: the producer of the groups had not ended\n", stderr);
  dm_task_unref(task);
}

int dm_emitter_close (dm_emitter *emitter, int timeout_ms) {
  int lost;
  dm_deadline deadline = dm_deadline_in(timeout_ms);
  while (rd_kafka_outq_len(emitter->rk) > 0 && dm_deadline_left(deadline) > 0)
    dm_clock_pause(dm_deadline_left(deadline) < 10 ? dm_deadline_left(deadline) : 10);
  lost = rd_kafka_outq_len(emitter->rk);
  end_in_time(emitter);
  return lost;
}

/* -- Outlets ---------------------------------------------------------------------------------- */

static dm_outlet *add_outlet (dm_emitter *emitter, const char *topic) {
  size_t size = strlen(topic) + 1;
  dm_outlet *outlet = malloc(sizeof *outlet + size);
  if (outlet == NULL) return NULL;
  memcpy(outlet->name, topic, size);
  outlet->rkt = rd_kafka_topic_new(emitter->rk, topic, NULL);
  if (outlet->rkt == NULL) {
    free(outlet);
    return NULL;
  }
  outlet->next = emitter->outlets;
  emitter->outlets = outlet;
  return outlet;
}

dm_outlet *dm_emitter_outlet (dm_emitter *emitter, const char *topic) {
  dm_outlet *outlet;
  pthread_mutex_lock(&emitter->lock);
  outlet = emitter->outlets;
  while (outlet != NULL && strcmp(outlet->name, topic) != 0) outlet = outlet->next;
  if (outlet == NULL) outlet = add_outlet(emitter, topic);
  pthread_mutex_unlock(&emitter->lock);
  return outlet;
}

size_t dm_emitter_record_max (const dm_emitter *emitter) {
  return emitter->record_max;
}

/* -- Producing -------------------------------------------------------------------------------- */

/* Waits until reports were served, a slice at the most. */
static void await_room (dm_emitter *emitter) {
  struct timespec until = dm_clock_in(DM_SLICE_MS);
  pthread_mutex_lock(&emitter->lock);
  emitter->waiting++;
  pthread_cond_timedwait(&emitter->room, &emitter->lock, &until);
  emitter->waiting--;
  pthread_mutex_unlock(&emitter->lock);
}

/* Counts down emits that will have no report, because they were not produced. */
static void uncount (dm_work *work, size_t emits) {
  atomic_fetch_sub(&work->pending, (int)emits);
}

bool dm_emitter_send (dm_emitter *emitter, dm_work *work, dm_outbox *outbox,
                      const atomic_bool *give_up) {
  atomic_fetch_add(&work->pending, (int)outbox->count);
  for (size_t i = 0; i < outbox->count; i++) {
    dm_emit *emit = &outbox->emits[i];
    rd_kafka_resp_err_t err;
    while ((err = dm_emit_produce(outbox, emit, emitter->rk, emit->outlet->rkt, work)) ==
           RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      if (atomic_load(give_up)) {
        uncount(work, outbox->count - i);
        return false;
      }
      await_room(emitter);
    }
    if (err) { /* final, and the rest must not overtake it */
      dm_work_error(work, err);
      dm_emitter_count_failed(emitter, outbox, i);
      uncount(work, outbox->count - i);
      return true;
    }
  }
  return true;
}

rd_kafka_resp_err_t dm_emitter_copy (dm_emitter *emitter, dm_work *work, dm_outlet *outlet,
                                     bool whole, rd_kafka_headers_t *headers) {
  const rd_kafka_message_t *record = work->message;
  int64_t timestamp = rd_kafka_message_timestamp(record, NULL);
  work->letter = true;
  return rd_kafka_producev(
    emitter->rk, RD_KAFKA_V_RKT(outlet->rkt), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
    RD_KAFKA_V_TIMESTAMP(timestamp > 0 ? timestamp : 0),
    RD_KAFKA_V_KEY(record->key, record->key_len),
    RD_KAFKA_V_VALUE(whole ? record->payload : NULL, whole ? record->len : 0),
    RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(work), RD_KAFKA_V_END);
}

/* -- What others see -------------------------------------------------------------------------- */

dm_feed *dm_emitter_feed (dm_emitter *emitter) {
  return emitter->feed;
}

rd_kafka_resp_err_t dm_emitter_fatal (dm_emitter *emitter, char *reason, size_t size) {
  return rd_kafka_fatal_error(emitter->rk, reason, size);
}

void dm_emitter_stats_get (dm_emitter *emitter, dm_emitter_stats *stats) {
  stats->produced = atomic_load(&emitter->produced);
  stats->failed = atomic_load(&emitter->failed);
  stats->queued = (uint64_t)rd_kafka_outq_len(emitter->rk);
}

/* The works' outboxes are the group's, which calls this. */
void dm_emitter_count (dm_emitter *emitter, const dm_work_list *works) {
  pthread_mutex_lock(&emitter->lock);
  for (const dm_work *work = works->first; work != NULL; work = work->next) {
    atomic_fetch_add(&emitter->produced, work->outbox->count);
    if (work->stage == DM_STAGE_DEAD) continue;
    for (size_t i = 0; i < work->outbox->count; i++) {
      const dm_emit *emit = &work->outbox->emits[i];
      dm_sent_add(&emitter->others, emit->headers, emit->value_size, emit->micros);
    }
  }
  pthread_mutex_unlock(&emitter->lock);
}

void dm_emitter_count_failed (dm_emitter *emitter, const dm_outbox *outbox, size_t from) {
  atomic_fetch_add(&emitter->failed, outbox->count - from);
  pthread_mutex_lock(&emitter->lock);
  for (size_t i = from; i < outbox->count; i++)
    dm_sent_fail(&emitter->others, outbox->emits[i].headers);
  pthread_mutex_unlock(&emitter->lock);
}

int dm_emitter_sums (const dm_emitter *emitter) {
  return dm_sent_count(&emitter->reported) + dm_sent_count(&emitter->others);
}

int dm_emitter_collect (const dm_emitter *emitter, dm_sent_sum *sums, int room) {
  int count = dm_sent_collect(&emitter->reported, sums, 0, room);
  return dm_sent_collect(&emitter->others, sums, count, room);
}
