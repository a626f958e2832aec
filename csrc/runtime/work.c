/* SPDX-License-Identifier: MIT */
#include "runtime/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/outbox.h"

#define POOL_MAX 4096
#define MESSAGE_MAX 1024
#define STACK_MAX 2048

void dm_work_list_append (dm_work_list *list, dm_work *work) {
  work->next = NULL;
  if (list->last != NULL) list->last->next = work;
  else list->first = work;
  list->last = work;
  list->count++;
}

void dm_work_list_move (dm_work_list *list, dm_work_list *from) {
  if (from->first == NULL) return;
  if (list->last != NULL) list->last->next = from->first;
  else list->first = from->first;
  list->last = from->last;
  list->count += from->count;
  *from = (dm_work_list){ NULL, NULL, 0 };
}

dm_work *dm_work_list_take (dm_work_list *list) {
  dm_work *work = list->first;
  if (work == NULL) return NULL;
  list->first = work->next;
  if (list->first == NULL) list->last = NULL;
  list->count--;
  work->next = NULL;
  return work;
}

dm_work *dm_work_new (dm_work_pool *pool, rd_kafka_message_t *message, dm_seat *seat,
                      dm_inbox *inbox) {
  dm_work *work = dm_work_list_take(&pool->free);
  if (work == NULL) work = malloc(sizeof *work);
  if (work == NULL) return NULL;
  memset(work, 0, sizeof *work);
  work->message = message;
  work->seat = seat;
  work->inbox = inbox;
  return work;
}

/* Frees what the work owns. */
static void work_clear (dm_work *work) {
  if (work->message != NULL) rd_kafka_message_destroy(work->message);
  if (work->outbox != NULL) dm_outbox_free(work->outbox);
  dm_work_forgive(work);
  work->message = NULL;
  work->outbox = NULL;
}

bool dm_work_orphan (dm_work *work) {
  int pending = atomic_load(&work->pending);
  work_clear(work); /* first: once it is an orphan it may be gone */
  while (pending > 0)
    if (atomic_compare_exchange_weak(&work->pending, &pending, pending + DM_ORPHAN)) return true;
  return false;
}

void dm_work_free (dm_work_pool *pool, dm_work *work) {
  work_clear(work);
  if (pool->free.count < POOL_MAX) dm_work_list_append(&pool->free, work);
  else free(work);
}

void dm_work_pool_clear (dm_work_pool *pool) {
  dm_work *work;
  while ((work = dm_work_list_take(&pool->free)) != NULL) free(work);
}

/* A copy of at most 'max' bytes that does not end inside a UTF-8 character. */
static char *copy_cut (const char *text, size_t length, size_t max) {
  if (length > max) {
    length = max;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
  }
  return strndup(text, length);
}

void dm_work_fail (dm_work *work, const char *reason, const char *message, size_t length,
                   const char *stack) {
  dm_failure *failure = calloc(1, sizeof *failure);
  dm_work_forgive(work);
  if (failure == NULL) return; /* the outcome stands, its description is lost */
  snprintf(failure->reason, sizeof failure->reason, "%s", reason);
  failure->message = copy_cut(message, length, MESSAGE_MAX);
  if (stack != NULL) failure->stack = copy_cut(stack, strlen(stack), STACK_MAX);
  work->failure = failure;
}

void dm_work_exhaust (dm_work *work) {
  if (work->failure != NULL) strcpy(work->failure->reason, "exhausted");
}

void dm_work_forgive (dm_work *work) {
  if (work->failure == NULL) return;
  free(work->failure->message);
  free(work->failure->stack);
  free(work->failure);
  work->failure = NULL;
}

dm_outcome dm_work_outcome (const dm_work *work) {
  switch (work->verdict) {
    case DM_VERDICT_SKIP: return DM_OUTCOME_SKIP;
    case DM_VERDICT_CANCELLED: return DM_OUTCOME_CANCELLED; /* some of its emits are not out */
    default: return DM_OUTCOME_ACK;
  }
}

void dm_work_error (dm_work *work, rd_kafka_resp_err_t error) {
  int none = RD_KAFKA_RESP_ERR_NO_ERROR;
  atomic_compare_exchange_strong(&work->error, &none, (int)error);
}
