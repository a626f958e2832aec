/* SPDX-License-Identifier: MIT */
/* inbox_test.c -- no wake-up of a group thread is lost, whoever wakes it. */
#include "runtime/inbox.h"

#include <pthread.h>

#include "../check.h"
#include "kafka/clock.h"

enum { THREADS = 4, WORKS = 20000, PATIENCE_MS = 20000 };

typedef struct sender {
  dm_inbox *inbox;
  dm_work *works;
  pthread_t thread;
} sender;

/* Some come alone and are announced by the next wake-up, some in lists. */
static void *send_all (void *arg) {
  sender *s = arg;
  for (int i = 0; i < WORKS; i++) {
    dm_work_list list = { NULL, NULL, 0 };
    if (i % 3 == 0) {
      dm_inbox_put(s->inbox, &s->works[i]);
      dm_inbox_wake(s->inbox);
      continue;
    }
    dm_work_list_append(&list, &s->works[i]);
    dm_inbox_push(s->inbox, &list);
  }
  return NULL;
}

static int take (dm_inbox *inbox) {
  dm_work_list list = { NULL, NULL, 0 };
  dm_inbox_take(inbox, &list);
  return list.count;
}

static void no_wake_up_is_lost (void) {
  dm_inbox inbox;
  sender senders[THREADS];
  int count = 0;
  CHECK(dm_inbox_open(&inbox));
  for (int i = 0; i < THREADS; i++) {
    senders[i] = (sender){ .inbox = &inbox, .works = calloc(WORKS, sizeof(dm_work)) };
    CHECK(senders[i].works != NULL);
    CHECK(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]) == 0);
  }
  while (count < THREADS * WORKS) {
    int64_t began = dm_clock_ms();
    dm_inbox_wait(&inbox, PATIENCE_MS);
    CHECK(dm_clock_ms() - began < PATIENCE_MS / 2);
    count += take(&inbox);
  }
  CHECK(count == THREADS * WORKS);
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_join(senders[i].thread, NULL) == 0);
    free(senders[i].works);
  }
  dm_inbox_close(&inbox);
}

static void a_wake_up_before_the_wait_counts (void) {
  dm_inbox inbox;
  int64_t began = dm_clock_ms();
  CHECK(dm_inbox_open(&inbox));
  dm_inbox_wake(&inbox);
  dm_inbox_wake(&inbox);
  dm_inbox_wait(&inbox, PATIENCE_MS);
  CHECK(dm_clock_ms() - began < PATIENCE_MS / 2);
  dm_inbox_wait(&inbox, 1); /* it is quiet again */
  dm_inbox_wake(&inbox);
  dm_inbox_wait(&inbox, PATIENCE_MS);
  CHECK(dm_clock_ms() - began < PATIENCE_MS / 2);
  dm_inbox_close(&inbox);
}

int main (void) {
  RUN(a_wake_up_before_the_wait_counts);
  RUN(no_wake_up_is_lost);
  return 0;
}
