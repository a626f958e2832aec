/* SPDX-License-Identifier: MIT */
/* feed_test.c -- notes appended by librdkafka's threads while another takes them. The notes come
** as they do in production: from the callbacks that the feed installs on a conf. */
#include "kafka/feed.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <string.h>

#include "check.h"
#include "kafka/clock.h"

enum { THREADS = 4, NOTES = 20000, PATIENCE_MS = 30000 };

typedef int stats_callback (rd_kafka_t *rk, char *json, size_t len, void *opaque);

/* The callback for statistics that the feed has set on a conf: the way in for this test. */
static stats_callback *installed_callback (dm_feed *feed, rd_kafka_conf_t **conf) {
  char address[32];
  size_t size = sizeof address;
  void *pointer;
  stats_callback *callback;
  *conf = rd_kafka_conf_new();
  dm_feed_install(feed, *conf, false);
  CHECK(rd_kafka_conf_get(*conf, "stats_cb", address, &size) == RD_KAFKA_CONF_OK);
  CHECK(sscanf(address, "%p", &pointer) == 1);
  memcpy(&callback, &pointer, sizeof callback);
  return callback;
}

static void append (dm_feed *feed, const char *text) {
  rd_kafka_conf_t *conf;
  stats_callback *callback = installed_callback(feed, &conf);
  char json[32];
  snprintf(json, sizeof json, "%s", text);
  CHECK(callback(NULL, json, strlen(json), feed) == 0);
  rd_kafka_conf_destroy(conf);
}

static void a_new_feed_is_empty (void) {
  int ledger;
  dm_feed *feed = dm_feed_new(&ledger);
  CHECK(feed != NULL);
  CHECK(dm_feed_ledger(feed) == &ledger);
  CHECK(!dm_feed_waiting(feed));
  CHECK(dm_feed_take(feed) == NULL);
  dm_feed_free(feed);
}

static void notes_come_out_in_order (void) {
  dm_feed *feed = dm_feed_new(NULL);
  char text[16];
  for (int i = 0; i < 100; i++) {
    snprintf(text, sizeof text, "%d", i);
    append(feed, text);
  }
  CHECK(dm_feed_waiting(feed));
  for (int i = 0; i < 100; i++) {
    dm_note *note = dm_feed_take(feed);
    CHECK(note != NULL && note->kind == DM_NOTE_STATS && atoi(note->text) == i);
    dm_note_free(note);
  }
  CHECK(!dm_feed_waiting(feed));
  dm_feed_free(feed);
}

static void what_nobody_takes_is_freed (void) {
  dm_feed *feed = dm_feed_new(NULL);
  for (int i = 0; i < 100; i++) append(feed, "x");
  dm_feed_free(feed);
}

static void too_many_are_counted_and_said (void) {
  dm_feed *feed = dm_feed_new(NULL);
  dm_note *note;
  int kept = 0, said = 0;
  for (int i = 0; i < 1500; i++) append(feed, "x");
  while ((note = dm_feed_take(feed)) != NULL) {
    if (note->kind == DM_NOTE_STATS) kept++;
    else said = atoi(note->text);
    dm_note_free(note);
  }
  CHECK(kept > 0 && said > 0 && kept + said == 1500);
  dm_feed_free(feed);
}

typedef struct writer {
  pthread_t thread;
  dm_feed *feed;
  stats_callback *callback;
  int number;
} writer;

static void *write_notes (void *ud) {
  writer *w = ud;
  char text[32];
  for (int i = 0; i < NOTES; i++) {
    int len = snprintf(text, sizeof text, "%d %d", w->number, i);
    w->callback(NULL, text, (size_t)len, w->feed);
  }
  return NULL;
}

/* Takes notes until all that were written have been seen or counted as dropped. */
static int take_all (dm_feed *feed) {
  int next[THREADS] = { 0 }, seen = 0, dropped = 0;
  int64_t end = dm_clock_ms() + PATIENCE_MS;
  while (seen + dropped < THREADS * NOTES) {
    int number, i;
    dm_note *note = dm_feed_take(feed);
    CHECK(dm_clock_ms() < end);
    if (note == NULL) continue;
    if (note->kind != DM_NOTE_STATS) dropped += atoi(note->text);
    else {
      CHECK(sscanf(note->text, "%d %d", &number, &i) == 2);
      CHECK(i >= next[number]);
      next[number] = i + 1;
      seen++;
    }
    dm_note_free(note);
  }
  return seen;
}

static void many_threads_append_while_one_takes (void) {
  dm_feed *feed = dm_feed_new(NULL);
  rd_kafka_conf_t *conf;
  stats_callback *callback = installed_callback(feed, &conf);
  writer writers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    writers[i] = (writer){ .feed = feed, .callback = callback, .number = i };
    CHECK(pthread_create(&writers[i].thread, NULL, write_notes, &writers[i]) == 0);
  }
  CHECK(take_all(feed) > 0);
  for (int i = 0; i < THREADS; i++) pthread_join(writers[i].thread, NULL);
  CHECK(dm_feed_take(feed) == NULL);
  rd_kafka_conf_destroy(conf);
  dm_feed_free(feed);
}

int main (void) {
  RUN(a_new_feed_is_empty);
  RUN(notes_come_out_in_order);
  RUN(what_nobody_takes_is_freed);
  RUN(too_many_are_counted_and_said);
  RUN(many_threads_append_while_one_takes);
  return EXIT_SUCCESS;
}
