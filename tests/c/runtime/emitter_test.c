/* SPDX-License-Identifier: MIT */
/* emitter_test.c -- works and the delivery reports of what they emitted: each work comes back once,
** also when its group gives it up in that moment, and closing ends with records in flight. The
** broker is the mock cluster in the client, or none. */
#include "runtime/emitter.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>

#include "../check.h"
#include "../gate.h"
#include "kafka/clock.h"
#include "runtime/inbox.h"

enum { WORKS = 3000, EMITS = 3, PATIENCE_MS = 30000 };

static const atomic_bool never;

typedef struct property {
  const char *name, *value;
} property;

static const property mock[] = { { "test.mock.num.brokers", "1" }, { NULL, NULL } };

/* A name that needs the name server, whose answer waits until the gate is open. */
#define SERVER "kafka.test"
static const property named[] = { { "bootstrap.servers", SERVER }, { NULL, NULL } };
static gate answer; /* never destroyed: librdkafka's threads may be in it */

/* librdkafka's calls come here. */
__attribute__((visibility("default")))
int getaddrinfo (const char *host, const char *service, const struct addrinfo *hints,
                 struct addrinfo **list) {
  int (*real) (const char *, const char *, const struct addrinfo *, struct addrinfo **);
  if (strcmp(host, SERVER) == 0) {
    gate_arrive(&answer);
    gate_pass(&answer);
    return EAI_AGAIN;
  }
  *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  return real(host, service, hints, list);
}

/* A port at which nobody listens. */
static const property unreachable[] = {
  { "bootstrap.servers", "127.0.0.1:1" }, { "queue.buffering.max.messages", "50" }, { NULL, NULL },
};

static dm_emitter *open_emitter (const property *properties) {
  static const property common[] = {
    { "message.timeout.ms", "0" }, { "enable.idempotence", "true" }, { "log_level", "0" },
    { NULL, NULL },
  };
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  char reason[512];
  dm_emitter *emitter;
  for (const property *p = common; p->name != NULL; p++)
    CHECK(rd_kafka_conf_set(conf, p->name, p->value, reason, sizeof reason) == RD_KAFKA_CONF_OK);
  for (const property *p = properties; p->name != NULL; p++)
    CHECK(rd_kafka_conf_set(conf, p->name, p->value, reason, sizeof reason) == RD_KAFKA_CONF_OK);
  emitter = dm_emitter_new(conf, reason, sizeof reason);
  CHECK(emitter != NULL);
  return emitter;
}

static void add_emit (dm_outbox *outbox, dm_outlet *outlet) {
  dm_emit emit = { .outlet = outlet, .partition = RD_KAFKA_PARTITION_UA, .value_size = 5 };
  emit.headers = rd_kafka_headers_new(1);
  CHECK(rd_kafka_header_add(emit.headers, "ce_type", -1, "b", -1) == RD_KAFKA_RESP_ERR_NO_ERROR);
  CHECK(dm_outbox_add(outbox, &emit, NULL, "value"));
}

static dm_work *new_work (dm_work_pool *pool, dm_inbox *inbox) {
  dm_work *work = dm_work_new(pool, NULL, NULL, inbox);
  CHECK(work != NULL);
  work->stage = DM_STAGE_EMITTING;
  atomic_store(&work->pending, 1);
  return work;
}

/* What a lane does with the emits of one work. */
static bool emit_all (dm_emitter *emitter, dm_outlet *outlet, dm_work *work, int emits,
                      const atomic_bool *give_up) {
  dm_outbox *outbox = dm_outbox_new();
  bool sent;
  CHECK(outbox != NULL);
  for (int i = 0; i < emits; i++) add_emit(outbox, outlet);
  sent = dm_emitter_send(emitter, work, outbox, give_up);
  dm_outbox_free(outbox);
  return sent;
}

/* What is known of the one type that is emitted. */
static dm_sent_sum sum_of (const dm_emitter *emitter) {
  dm_sent_sum sums[4];
  CHECK(dm_emitter_sums(emitter) >= 1 && dm_emitter_collect(emitter, sums, 4) == 1);
  CHECK(sums[0].row.length == 1 && strcmp(sums[0].row.name, "b") == 0);
  return sums[0];
}

/* Takes the works whose last report has come in, until 'count' of them have. */
static void await (dm_inbox *inbox, dm_work_pool *pool, int count) {
  int64_t began = dm_clock_ms();
  while (count > 0) {
    dm_work_list works = { NULL, NULL, 0 };
    dm_work *work;
    CHECK(dm_clock_ms() - began < PATIENCE_MS);
    dm_inbox_wait(inbox, 100);
    dm_inbox_take(inbox, &works);
    while ((work = dm_work_list_take(&works)) != NULL) {
      CHECK(atomic_load(&work->pending) == 0);
      CHECK(atomic_load(&work->error) == RD_KAFKA_RESP_ERR_NO_ERROR);
      dm_work_free(pool, work);
      count--;
    }
  }
  CHECK(count == 0);
}

static void each_work_comes_back_when_its_last_report_is_in (void) {
  dm_emitter *emitter = open_emitter(mock);
  dm_outlet *outlet = dm_emitter_outlet(emitter, "t");
  dm_work_pool pool = { { NULL, NULL, 0 } };
  dm_inbox inbox;
  dm_emitter_stats stats;
  dm_sent_sum sum;
  int at_once = 0;
  CHECK(dm_inbox_open(&inbox));
  for (int i = 0; i < WORKS; i++) {
    dm_work *work = new_work(&pool, &inbox);
    CHECK(emit_all(emitter, outlet, work, EMITS, &never));
    if (atomic_fetch_sub(&work->pending, 1) != 1) continue;
    dm_work_free(&pool, work); /* the reports were there before its handling was noticed */
    at_once++;
  }
  await(&inbox, &pool, WORKS - at_once);
  dm_emitter_stats_get(emitter, &stats);
  CHECK(stats.produced == (uint64_t)WORKS * EMITS && stats.failed == 0 && stats.queued == 0);
  sum = sum_of(emitter);
  CHECK(sum.sent == stats.produced && sum.failed == 0 && sum.bytes == 5 * sum.sent);
  CHECK(sum.micros > 0 && dm_sent_quantile(&sum, 0.5) <= sum.most);
  CHECK(dm_emitter_close(emitter, 5000) == 0);
  dm_work_pool_clear(&pool);
  dm_inbox_close(&inbox);
}

/* A group gives up each work while its reports come in: the last report frees it, or it is in the
** inbox. */
static void a_work_that_is_given_up_goes_with_its_last_report (void) {
  dm_emitter *emitter = open_emitter(mock);
  dm_outlet *outlet = dm_emitter_outlet(emitter, "t");
  dm_work_pool pool = { { NULL, NULL, 0 } };
  dm_work *works[100];
  dm_inbox inbox;
  int late = 0;
  CHECK(dm_inbox_open(&inbox));
  for (int round = 0; round < WORKS / 100; round++) {
    for (int i = 0; i < 100; i++) {
      works[i] = new_work(&pool, &inbox);
      CHECK(emit_all(emitter, outlet, works[i], EMITS, &never));
      if (atomic_fetch_sub(&works[i]->pending, 1) != 1) continue;
      dm_work_free(&pool, works[i]);
      works[i] = NULL;
    }
    if (round % 2 == 0) dm_inbox_wait(&inbox, 20); /* for the first of the reports */
    for (int i = 0; i < 100; i++)
      if (works[i] != NULL && !dm_work_orphan(works[i])) late++;
  }
  await(&inbox, &pool, late);
  CHECK(dm_emitter_close(emitter, 5000) == 0);
  dm_work_pool_clear(&pool);
  dm_inbox_close(&inbox);
}

static void closing_ends_with_records_in_flight (void) {
  dm_emitter *emitter = open_emitter(unreachable);
  dm_outlet *outlet = dm_emitter_outlet(emitter, "t");
  dm_work_pool pool = { { NULL, NULL, 0 } };
  dm_inbox inbox;
  int64_t began = dm_clock_ms();
  CHECK(dm_inbox_open(&inbox));
  for (int i = 0; i < 10; i++) {
    dm_work *work = new_work(&pool, &inbox);
    CHECK(emit_all(emitter, outlet, work, EMITS, &never));
    CHECK(atomic_fetch_sub(&work->pending, 1) == 1 + EMITS);
    CHECK(dm_work_orphan(work));
  }
  CHECK(dm_emitter_close(emitter, 100) == 10 * EMITS);
  CHECK(dm_clock_ms() - began < PATIENCE_MS);
  dm_work_pool_clear(&pool);
  dm_inbox_close(&inbox);
}

static void closing_ends_while_a_name_server_does_not_answer (void) {
  dm_emitter *emitter;
  dm_work_pool pool = { { NULL, NULL, 0 } };
  dm_inbox inbox;
  dm_work *work;
  gate_init(&answer);
  emitter = open_emitter(named);
  CHECK(dm_inbox_open(&inbox));
  work = new_work(&pool, &inbox);
  CHECK(emit_all(emitter, dm_emitter_outlet(emitter, "t"), work, 1, &never));
  CHECK(atomic_fetch_sub(&work->pending, 1) == 2 && dm_work_orphan(work));
  gate_await(&answer, 1);
  CHECK(dm_emitter_close(emitter, 0) == 1);
  gate_open(&answer);
  while (rd_kafka_thread_cnt() > 0) dm_clock_pause(1);
  dm_work_pool_clear(&pool);
  dm_inbox_close(&inbox);
}

static void *give_up (void *arg) {
  dm_clock_pause(50);
  atomic_store((atomic_bool *)arg, true);
  return NULL;
}

/* The queue holds 50 records, and nobody takes them. */
static void whoever_waits_for_room_can_give_up (void) {
  dm_emitter *emitter = open_emitter(unreachable);
  dm_outlet *outlet = dm_emitter_outlet(emitter, "t");
  dm_work_pool pool = { { NULL, NULL, 0 } };
  dm_inbox inbox;
  dm_work *work;
  atomic_bool enough = false;
  pthread_t thread;
  CHECK(dm_inbox_open(&inbox));
  work = new_work(&pool, &inbox);
  CHECK(pthread_create(&thread, NULL, give_up, &enough) == 0);
  CHECK(!emit_all(emitter, outlet, work, 80, &enough));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(atomic_fetch_sub(&work->pending, 1) == 1 + 50);
  CHECK(dm_work_orphan(work));
  CHECK(dm_emitter_close(emitter, 0) == 50);
  dm_work_pool_clear(&pool);
  dm_inbox_close(&inbox);
}

int main (void) {
  RUN(each_work_comes_back_when_its_last_report_is_in);
  RUN(a_work_that_is_given_up_goes_with_its_last_report);
  RUN(closing_ends_with_records_in_flight);
  RUN(closing_ends_while_a_name_server_does_not_answer);
  RUN(whoever_waits_for_room_can_give_up);
  return 0;
}
