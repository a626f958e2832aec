/* SPDX-License-Identifier: MIT */
/* gate.h -- a gate at which threads wait until a test opens it, so that tests need no sleep.
**
** Threads: any.
** Order:   init, any number of passes and counts, destroy when no thread can be in it.
*/
#ifndef DM_TEST_GATE_H
#define DM_TEST_GATE_H

#include <pthread.h>
#include <stdbool.h>

typedef struct gate {
  pthread_mutex_t lock;
  pthread_cond_t moved;
  bool open;
  int arrived;
} gate;

static inline void gate_init (gate *g) {
  pthread_mutex_init(&g->lock, NULL);
  pthread_cond_init(&g->moved, NULL);
  g->open = false;
  g->arrived = 0;
}

/* Says that this thread has come, without waiting. */
static inline void gate_arrive (gate *g) {
  pthread_mutex_lock(&g->lock);
  g->arrived++;
  pthread_cond_broadcast(&g->moved);
  pthread_mutex_unlock(&g->lock);
}

/* Waits until the gate is open. */
static inline void gate_pass (gate *g) {
  pthread_mutex_lock(&g->lock);
  while (!g->open) pthread_cond_wait(&g->moved, &g->lock);
  pthread_mutex_unlock(&g->lock);
}

static inline void gate_open (gate *g) {
  pthread_mutex_lock(&g->lock);
  g->open = true;
  pthread_cond_broadcast(&g->moved);
  pthread_mutex_unlock(&g->lock);
}

/* Waits until so many threads have come. */
static inline void gate_await (gate *g, int count) {
  pthread_mutex_lock(&g->lock);
  while (g->arrived < count) pthread_cond_wait(&g->moved, &g->lock);
  pthread_mutex_unlock(&g->lock);
}

static inline void gate_destroy (gate *g) {
  pthread_cond_destroy(&g->moved);
  pthread_mutex_destroy(&g->lock);
}

#endif
