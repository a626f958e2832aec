/* SPDX-License-Identifier: MIT */
#include "kafka/feed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/security.h"

/* Beyond so many unread notes, logs and statistics are counted instead of kept. */
#define NOTES_MAX 1000

struct dm_feed {
  pthread_mutex_t lock;
  dm_note *first, **last;
  atomic_int count;
  int dropped;
  dm_trouble trouble;
  atomic_bool troubled; /* there is one */
  void *ledger;
};

dm_feed *dm_feed_new (void *ledger) {
  dm_feed *feed = calloc(1, sizeof *feed);
  if (feed == NULL) return NULL;
  pthread_mutex_init(&feed->lock, NULL);
  feed->last = &feed->first;
  feed->ledger = ledger;
  return feed;
}

void *dm_feed_ledger (const dm_feed *feed) {
  return feed->ledger;
}

/* NULL when memory is short: a note has all of its text or does not exist. */
static dm_note *note_new (dm_note_kind kind, const char *text) {
  dm_note *note = calloc(1, sizeof *note);
  if (note == NULL) return NULL;
  note->kind = kind;
  if (text == NULL) return note;
  note->text = strdup(text);
  if (note->text != NULL) return note;
  free(note);
  return NULL;
}

void dm_note_free (dm_note *note) {
  if (note == NULL) return;
  if (note->partitions != NULL) rd_kafka_topic_partition_list_destroy(note->partitions);
  free(note->facility);
  free(note->text);
  free(note);
}

static void append (dm_feed *feed, dm_note *note) {
  bool full;
  if (note == NULL) return;
  pthread_mutex_lock(&feed->lock);
  /* Rebalances must be answered and errors be seen; the rest may be dropped, and is counted. */
  full = atomic_load(&feed->count) >= NOTES_MAX && note->kind != DM_NOTE_REBALANCE &&
         note->kind != DM_NOTE_ERROR;
  if (full) feed->dropped++;
  else {
    *feed->last = note;
    feed->last = &note->next;
    atomic_fetch_add(&feed->count, 1);
  }
  pthread_mutex_unlock(&feed->lock);
  if (full) dm_note_free(note);
}

static dm_note *log_note (int level, const char *facility, const char *text) {
  dm_note *note = note_new(DM_NOTE_LOG, text);
  if (note == NULL) return NULL;
  note->level = level;
  note->facility = strdup(facility);
  if (note->facility != NULL) return note;
  dm_note_free(note);
  return NULL;
}

void dm_feed_add (dm_feed *feed, int level, const char *text) {
  append(feed, log_note(level, "DOCMSG", text));
}

void dm_feed_add_error (dm_feed *feed, rd_kafka_resp_err_t code, const char *text) {
  dm_note *note = note_new(DM_NOTE_ERROR, text);
  if (note != NULL) note->code = code;
  append(feed, note);
}

static dm_note *dropped_note (int dropped) {
  char text[80];
  snprintf(text, sizeof text, "%d log lines and statistics were dropped: nobody polled", dropped);
  return log_note(4, "DOCMSG", text);
}

dm_note *dm_feed_take (dm_feed *feed) {
  dm_note *note;
  int dropped = 0;
  pthread_mutex_lock(&feed->lock);
  note = feed->first;
  if (note != NULL) {
    feed->first = note->next;
    if (feed->first == NULL) feed->last = &feed->first;
    atomic_fetch_sub(&feed->count, 1);
    note->next = NULL;
  }
  else {
    dropped = feed->dropped;
    feed->dropped = 0;
  }
  pthread_mutex_unlock(&feed->lock);
  return dropped > 0 ? dropped_note(dropped) : note;
}

bool dm_feed_waiting (const dm_feed *feed) {
  return atomic_load_explicit(&feed->count, memory_order_relaxed) > 0;
}

void dm_feed_free (dm_feed *feed) {
  dm_note *note;
  while ((note = dm_feed_take(feed)) != NULL) dm_note_free(note);
  pthread_mutex_destroy(&feed->lock);
  free(feed);
}

/* That all brokers are down follows from what was said before about one of them. An error says more
** than a log line, but an error waits until the client is polled. */
static void remember_trouble (dm_feed *feed, const dm_note *note) {
  dm_trouble *trouble = &feed->trouble;
  if (note == NULL || note->code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;
  pthread_mutex_lock(&feed->lock);
  if (note->kind == DM_NOTE_ERROR || !trouble->code) {
    trouble->code = note->code;
    snprintf(trouble->text, sizeof trouble->text, "%s", note->text);
    atomic_store(&feed->troubled, true);
  }
  pthread_mutex_unlock(&feed->lock);
}

dm_trouble dm_feed_trouble (dm_feed *feed) {
  dm_trouble trouble;
  pthread_mutex_lock(&feed->lock);
  trouble = feed->trouble;
  pthread_mutex_unlock(&feed->lock);
  return trouble;
}

void dm_feed_reached (dm_feed *feed) {
  if (!atomic_load_explicit(&feed->troubled, memory_order_relaxed)) return;
  pthread_mutex_lock(&feed->lock);
  feed->trouble = (dm_trouble){ 0 };
  atomic_store(&feed->troubled, false);
  pthread_mutex_unlock(&feed->lock);
}

static void on_error (rd_kafka_t *rk, int err, const char *reason, void *opaque) {
  char fatal_reason[512];
  dm_note *note;
  bool fatal = err == RD_KAFKA_RESP_ERR__FATAL;
  if (fatal) {
    err = rd_kafka_fatal_error(rk, fatal_reason, sizeof fatal_reason);
    reason = fatal_reason;
  }
  note = note_new(DM_NOTE_ERROR, reason != NULL ? reason : rd_kafka_err2str(err));
  if (note != NULL) {
    note->code = (rd_kafka_resp_err_t)err;
    note->fatal = fatal;
    dm_security_explain(rk, note);
    remember_trouble(opaque, note);
  }
  append(opaque, note);
}

/* A connection that failed, told without waiting for a poll: "[thrd:NAME]: REASON". */
static void note_failure (dm_feed *feed, const char *text) {
  const char *reason = strstr(text, "]: ");
  dm_note *note = note_new(DM_NOTE_LOG, reason != NULL ? reason + strlen("]: ") : text);
  remember_trouble(feed, note);
  dm_note_free(note);
}

/* librdkafka's threads call it at once: a client that is not polled has its lines all the same. */
static void on_log (const rd_kafka_t *rk, int level, const char *facility, const char *text) {
  dm_feed *feed;
  if (rk == NULL) return; /* it is about a conf that no client has yet */
  feed = rd_kafka_opaque(rk);
  if (strcmp(facility, "FAIL") == 0) note_failure(feed, text);
  append(feed, log_note(level, facility, text));
}

static int on_stats (rd_kafka_t *rk, char *json, size_t len, void *opaque) {
  (void)rk;
  (void)len;
  append(opaque, note_new(DM_NOTE_STATS, json));
  return 0;
}

static void on_rebalance (rd_kafka_t *rk, rd_kafka_resp_err_t code,
                          rd_kafka_topic_partition_list_t *partitions, void *opaque) {
  dm_note *note = note_new(DM_NOTE_REBALANCE, NULL);
  if (note != NULL) {
    note->code = code;
    note->partitions = rd_kafka_topic_partition_list_copy(partitions);
  }
  append(opaque, note);
  rd_kafka_yield(rk); /* the poll returns, so that the hook runs before anything else is read */
}

void dm_feed_install (dm_feed *feed, rd_kafka_conf_t *conf, bool rebalance) {
  rd_kafka_conf_set_opaque(conf, feed);
  rd_kafka_conf_set_error_cb(conf, on_error);
  rd_kafka_conf_set_log_cb(conf, on_log);
  rd_kafka_conf_set_stats_cb(conf, on_stats);
  if (rebalance) rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
}
