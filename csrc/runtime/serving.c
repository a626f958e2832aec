/* SPDX-License-Identifier: MIT */
#include "runtime/serving.h"

#include "kafka/clock.h"

static void serve (void *arg) {
  dm_serving *serving = arg;
  while (dm_handler_serve(&serving->handler, DM_FOREVER, NULL, NULL) >= 0) continue;
}

bool dm_serving_open (dm_serving *serving) {
  serving->open = dm_handler_open(&serving->handler);
  return serving->open;
}

bool dm_serving_start (dm_serving *serving) {
  serving->worker = dm_task_start(serve, NULL, serving);
  return serving->worker != NULL;
}

bool dm_serving_join (dm_serving *serving, int timeout_ms) {
  if (serving->worker == NULL) return true;
  if (!dm_task_wait(serving->worker, timeout_ms)) return false;
  dm_task_unref(serving->worker);
  serving->worker = NULL;
  return true;
}

void dm_serving_close (dm_serving *serving) {
  if (!serving->open) return;
  dm_handler_close(&serving->handler);
  *serving = (dm_serving){ .open = false };
}
