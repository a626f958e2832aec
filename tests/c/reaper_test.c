/* SPDX-License-Identifier: MIT */
/* reaper_test.c -- clients are ended in the background, in bounded time, and counted. */
#include "kafka/reaper.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "gate.h"
#include "kafka/clock.h"
#include "kafka/task.h"

enum { MANY = 8, PATIENCE_MS = 30000 };

static atomic_int released;

static void on_release (void *arg) {
  (void)arg;
  atomic_fetch_add(&released, 1);
}

static void quiet (const rd_kafka_t *rk, int level, const char *facility, const char *text) {
  (void)rk, (void)level, (void)facility, (void)text;
}

static void set (rd_kafka_conf_t *conf, const char *name, const char *value) {
  char reason[256];
  CHECK(rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK);
}

static rd_kafka_t *client (rd_kafka_type_t type, const char *servers) {
  char reason[256];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  rd_kafka_t *rk;
  rd_kafka_conf_set_log_cb(conf, quiet);
  set(conf, "bootstrap.servers", servers);
  if (type == RD_KAFKA_CONSUMER) set(conf, "group.id", "g");
  rk = rd_kafka_new(type, conf, reason, sizeof reason);
  CHECK(rk != NULL);
  return rk;
}

static rd_kafka_t *nowhere (rd_kafka_type_t type) {
  return client(type, "127.0.0.1:1");
}

static void queue_records (rd_kafka_t *rk, int count) {
  for (int i = 0; i < count; i++)
    CHECK(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC("t"), RD_KAFKA_V_VALUE("v", 1),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END) ==
          RD_KAFKA_RESP_ERR_NO_ERROR);
}

static dm_grave grave_of (rd_kafka_t *rk) {
  return (dm_grave){ .rk = rk, .release = on_release };
}

static void join (dm_reaper *reaper, int64_t expected_lost) {
  int unended = -1;
  CHECK(dm_reaper_join(reaper, PATIENCE_MS, &unended) == expected_lost);
  CHECK(unended == 0);
}

static void a_reaper_with_nothing_to_do_ends (void) {
  dm_reaper *reaper = dm_reaper_new();
  CHECK(reaper != NULL);
  join(reaper, 0);
}

static void a_buried_client_ends_and_is_released (void) {
  dm_reaper *reaper = dm_reaper_new();
  dm_task *task;
  atomic_store(&released, 0);
  task = dm_reaper_bury(reaper, grave_of(nowhere(RD_KAFKA_PRODUCER)));
  CHECK(task != NULL);
  CHECK(dm_task_wait(task, PATIENCE_MS));
  CHECK(atomic_load(&released) == 1);
  dm_task_unref(task);
  join(reaper, 0);
}

static void many_end_at_once (void) {
  dm_reaper *reaper = dm_reaper_new();
  atomic_store(&released, 0);
  for (int i = 0; i < MANY; i++) {
    rd_kafka_type_t type = i % 2 == 0 ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
    dm_task *task = dm_reaper_bury(reaper, grave_of(nowhere(type)));
    CHECK(task != NULL);
    dm_task_unref(task);
  }
  join(reaper, 0);
  CHECK(atomic_load(&released) == MANY);
}

static void records_nobody_flushed_are_counted (void) {
  dm_reaper *reaper = dm_reaper_new();
  dm_grave grave = grave_of(nowhere(RD_KAFKA_PRODUCER));
  grave.flush_ms = 10;
  queue_records(grave.rk, 7);
  dm_task_unref(dm_reaper_bury(reaper, grave));
  join(reaper, 7);
}

static void records_are_sent_while_there_is_time (void) {
  dm_reaper *reaper = dm_reaper_new();
  rd_kafka_t *host = nowhere(RD_KAFKA_PRODUCER);
  rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(host, 1);
  dm_grave grave = grave_of(client(RD_KAFKA_PRODUCER, rd_kafka_mock_cluster_bootstraps(cluster)));
  grave.flush_ms = PATIENCE_MS;
  queue_records(grave.rk, 100);
  dm_task_unref(dm_reaper_bury(reaper, grave));
  join(reaper, 0);
  rd_kafka_mock_cluster_destroy(cluster);
  rd_kafka_destroy(host);
}

typedef struct call {
  gate inside, leave;
  rd_kafka_t *rk;
} call;

/* A call that uses rk until the gate opens, as an abandoned one does. */
static void use (void *ud) {
  call *c = ud;
  gate_arrive(&c->inside);
  gate_pass(&c->leave);
  CHECK(rd_kafka_name(c->rk) != NULL);
}

static void a_pending_call_ends_first (void) {
  dm_reaper *reaper = dm_reaper_new();
  call c = { .rk = nowhere(RD_KAFKA_PRODUCER) };
  dm_grave grave = grave_of(c.rk);
  dm_task *task;
  gate_init(&c.inside);
  gate_init(&c.leave);
  atomic_store(&released, 0);
  grave.pending = dm_task_start(use, NULL, &c);
  gate_await(&c.inside, 1);
  task = dm_reaper_bury(reaper, grave);
  CHECK(!dm_task_wait(task, 20));
  CHECK(atomic_load(&released) == 0);
  gate_open(&c.leave);
  CHECK(dm_task_wait(task, PATIENCE_MS));
  dm_task_unref(task);
  join(reaper, 0);
}

static void joining_ends_at_its_time_limit (void) {
  dm_reaper *reaper = dm_reaper_new();
  call c = { .rk = nowhere(RD_KAFKA_PRODUCER) };
  dm_grave grave = grave_of(c.rk);
  dm_task *task;
  int unended = -1;
  gate_init(&c.inside);
  gate_init(&c.leave);
  grave.pending = dm_task_start(use, NULL, &c);
  gate_await(&c.inside, 1);
  task = dm_reaper_bury(reaper, grave);
  CHECK(dm_reaper_join(reaper, 20, &unended) == 0);
  CHECK(unended == 1);
  gate_open(&c.leave);  /* the burial outlives its reaper */
  CHECK(dm_task_wait(task, PATIENCE_MS));
  dm_task_unref(task);
}

int main (void) {
  RUN(a_reaper_with_nothing_to_do_ends);
  RUN(a_buried_client_ends_and_is_released);
  RUN(many_end_at_once);
  RUN(records_nobody_flushed_are_counted);
  RUN(records_are_sent_while_there_is_time);
  RUN(a_pending_call_ends_first);
  RUN(joining_ends_at_its_time_limit);
  CHECK(rd_kafka_wait_destroyed(PATIENCE_MS) == 0);
  return EXIT_SUCCESS;
}
