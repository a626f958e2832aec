/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <stdlib.h>

#include "kafka/task.h"

struct dm_worker {
  dm_worker_state *state;
  dm_task *task; /* NULL: it does not run */
};

dm_worker *dm_worker_new (dm_worker_state *state) {
  dm_worker *worker = calloc(1, sizeof *worker);
  if (worker != NULL) worker->state = state;
  return worker;
}

dm_worker_state *dm_worker_state_of (dm_worker *worker) {
  return worker->state;
}

bool dm_worker_start (dm_worker *worker, void (*run) (void *arg), void *arg) {
  worker->task = dm_task_start(run, NULL, arg);
  return worker->task != NULL;
}

bool dm_worker_join (dm_worker *worker, int timeout_ms) {
  if (worker->task == NULL) return true;
  if (!dm_task_wait(worker->task, timeout_ms)) return false;
  dm_task_unref(worker->task);
  worker->task = NULL;
  return true;
}

void dm_worker_free (dm_worker *worker) {
  dm_worker_state_free(worker->state);
  free(worker);
}
