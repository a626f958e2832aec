/* SPDX-License-Identifier: MIT */
#include "kafka/task.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "kafka/clock.h"

struct dm_task {
  pthread_mutex_t lock;
  pthread_cond_t ended;
  bool done;
  int refs;
  void (*work) (void *arg);
  void (*release) (void *arg);
  void *arg;
};

static void task_free (dm_task *task) {
  if (task->release != NULL) task->release(task->arg);
  pthread_cond_destroy(&task->ended);
  pthread_mutex_destroy(&task->lock);
  free(task);
}

static void *task_main (void *ud) {
  dm_task *task = ud;
  task->work(task->arg);
  pthread_mutex_lock(&task->lock);
  task->done = true;
  pthread_cond_broadcast(&task->ended);
  pthread_mutex_unlock(&task->lock);
  dm_task_unref(task);
  return NULL;
}

static dm_task *task_new (void (*work) (void *), void (*release) (void *), void *arg) {
  dm_task *task = calloc(1, sizeof *task);
  pthread_condattr_t monotonic;
  if (task == NULL) return NULL;
  pthread_mutex_init(&task->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&task->ended, &monotonic);
  pthread_condattr_destroy(&monotonic);
  task->work = work;
  task->release = release;
  task->arg = arg;
  task->refs = 2;
  return task;
}

static bool task_spawn (dm_task *task) {
  pthread_attr_t detached;
  pthread_t thread;
  int failed;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  failed = pthread_create(&thread, &detached, task_main, task);
  pthread_attr_destroy(&detached);
  return !failed;
}

dm_task *dm_task_start (void (*work) (void *arg), void (*release) (void *arg), void *arg) {
  dm_task *task = task_new(work, release, arg);
  if (task == NULL) {
    if (release != NULL) release(arg);
    return NULL;
  }
  if (!task_spawn(task)) {
    task_free(task);
    return NULL;
  }
  return task;
}

bool dm_task_wait (dm_task *task, int timeout_ms) {
  struct timespec until = dm_clock_in(timeout_ms);
  bool done;
  pthread_mutex_lock(&task->lock);
  while (!task->done) {
    if (timeout_ms < 0) pthread_cond_wait(&task->ended, &task->lock);
    else if (pthread_cond_timedwait(&task->ended, &task->lock, &until) != 0) break;
  }
  done = task->done;
  pthread_mutex_unlock(&task->lock);
  return done;
}

dm_task *dm_task_ref (dm_task *task) {
  pthread_mutex_lock(&task->lock);
  task->refs++;
  pthread_mutex_unlock(&task->lock);
  return task;
}

void dm_task_unref (dm_task *task) {
  int left;
  pthread_mutex_lock(&task->lock);
  left = --task->refs;
  pthread_mutex_unlock(&task->lock);
  if (left == 0) task_free(task);
}
