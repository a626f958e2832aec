/* SPDX-License-Identifier: MIT */
#include "http/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const uint64_t one = 1;

/* -- Queues ------------------------------------------------------------------------------------ */

bool dm_queue_open (dm_queue *queue) {
  *queue = (dm_queue){ .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .last = &queue->first };
  pthread_mutex_init(&queue->lock, NULL);
  pthread_cond_init(&queue->filled, NULL);
  return queue->fd >= 0;
}

void dm_queue_close (dm_queue *queue) {
  if (queue->fd >= 0) close(queue->fd);
  pthread_cond_destroy(&queue->filled);
  pthread_mutex_destroy(&queue->lock);
}

/* Enters it, or says why not. The lock is held. */
static dm_refusal enter (dm_queue *queue, dm_exchange *ex) {
  if (queue->ended) return DM_STOPPING;
  if (queue->max > 0 && queue->waiting == queue->max) return DM_CROWDED;
  queue->waiting++;
  ex->next = NULL;
  *queue->last = ex;
  queue->last = &ex->next;
  ex->after = queue->open;
  ex->link = &queue->open;
  if (ex->after != NULL) ex->after->link = &ex->after;
  queue->open = ex;
  pthread_cond_signal(&queue->filled);
  return DM_NOT_REFUSED;
}

/* Takes it from those that are open; its thread is to be told. The lock is held. */
static void close_open (dm_exchange *ex, unsigned code) {
  *ex->link = ex->after;
  if (ex->after != NULL) ex->after->link = ex->link;
  if (ex->holder != NULL) *ex->holder = NULL;
  ex->holder = NULL;
  ex->code = code;
}

/* The lock is held. */
static void shut (dm_queue *queue) {
  queue->ended = true;
  pthread_cond_broadcast(&queue->filled);
}

void dm_queue_shut (dm_queue *queue) {
  pthread_mutex_lock(&queue->lock);
  shut(queue);
  pthread_mutex_unlock(&queue->lock);
}

void dm_queue_end (dm_queue *queue) {
  pthread_mutex_lock(&queue->lock);
  shut(queue);
  queue->first = NULL;
  queue->last = &queue->first;
  queue->waiting = 0;
  while (queue->open != NULL) {
    dm_exchange *ex = queue->open;
    ex->refusal = DM_STOPPING;
    close_open(ex, dm_refusal_code(DM_STOPPING));
    sem_post(&ex->answered);
  }
  pthread_mutex_unlock(&queue->lock);
}

/* The lock is held. */
static bool take (dm_queue *queue, dm_exchange **holder) {
  dm_exchange *ex = queue->first;
  *holder = ex;
  if (ex == NULL) return false;
  queue->first = ex->next;
  queue->waiting--;
  if (queue->first == NULL) queue->last = &queue->first;
  ex->holder = holder;
  return true;
}

bool dm_queue_take (dm_queue *queue, dm_exchange **holder) {
  bool taken;
  pthread_mutex_lock(&queue->lock);
  taken = take(queue, holder);
  pthread_mutex_unlock(&queue->lock);
  return taken;
}

bool dm_queue_await (dm_queue *queue, dm_exchange **holder) {
  bool taken;
  pthread_mutex_lock(&queue->lock);
  while (queue->first == NULL && !queue->ended) pthread_cond_wait(&queue->filled, &queue->lock);
  taken = !queue->ended && take(queue, holder);
  pthread_mutex_unlock(&queue->lock);
  return taken;
}

/* -- Exchanges --------------------------------------------------------------------------------- */

dm_exchange *dm_exchange_new (struct MHD_Connection *connection, const char *method,
                              const char *path) {
  dm_exchange *ex = calloc(1, sizeof *ex);
  if (ex == NULL) return NULL;
  ex->connection = connection;
  ex->method = method;
  ex->path = path;
  sem_init(&ex->answered, 0, 0);
  return ex;
}

/* Room for so much more, and a NUL. */
static bool grow (dm_exchange *ex, size_t size) {
  size_t room = ex->room * 2 > ex->length + size ? ex->room * 2 : ex->length + size;
  char *body;
  if (ex->length + size <= ex->room) return true;
  body = realloc(ex->body, room + 1);
  if (body == NULL) return false;
  ex->body = body;
  ex->room = room;
  return true;
}

static void keep_body (dm_exchange *ex, const char *piece, size_t size) {
  if (size > ex->route->body_max - ex->length) ex->refusal = DM_TOO_LARGE;
  else if (!grow(ex, size)) ex->refusal = DM_FAILED;
  else {
    memcpy(ex->body + ex->length, piece, size);
    ex->length += size;
  }
}

void dm_exchange_receive (dm_exchange *ex, const char *piece, size_t size) {
  ex->received += size;
  dm_keeper_received(ex->keeping, size);
  if (ex->refusal != DM_NOT_REFUSED) return;
  if (ex->upload == NULL) keep_body(ex, piece, size);
  else {
    dm_upload_feed(ex->upload, piece, size);
    ex->refusal = ex->upload->refusal;
    if (ex->received > ex->upload->size + DM_FORM_BYTES && ex->refusal == DM_NOT_REFUSED)
      ex->refusal = DM_TOO_LARGE;
  }
}

void dm_exchange_end_upload (dm_exchange *ex) {
  if (ex->upload != NULL) dm_upload_free(ex->upload);
  ex->upload = NULL;
}

/* Who waits for the queue takes all of it, so only the first is told of; and without the lock, which
** whoever wakes up takes. */
void dm_exchange_give (dm_exchange *ex) {
  dm_queue *queue = ex->route->queue;
  dm_refusal refusal;
  bool first;
  pthread_mutex_lock(&queue->lock);
  first = queue->first == NULL;
  refusal = enter(queue, ex);
  pthread_mutex_unlock(&queue->lock);
  if (refusal != DM_NOT_REFUSED) {
    ex->refusal = refusal;
    ex->code = dm_refusal_code(refusal);
    return;
  }
  while (first && write(queue->fd, &one, sizeof one) < 0) break; /* full: it is readable already */
  while (sem_wait(&ex->answered) != 0) continue; /* a signal came */
}

/* Its thread is told without the lock, which it would have to wait for otherwise. */
void dm_exchange_answer (dm_queue *queue, dm_exchange *ex, unsigned code,
                         struct MHD_Response *response, dm_refusal refusal) {
  pthread_mutex_lock(&queue->lock);
  ex->response = response;
  ex->refusal = refusal;
  close_open(ex, code);
  pthread_mutex_unlock(&queue->lock);
  sem_post(&ex->answered);
}

void dm_exchange_free (dm_exchange *ex) {
  dm_exchange_end_upload(ex);
  if (ex->response != NULL) MHD_destroy_response(ex->response);
  sem_destroy(&ex->answered);
  free(ex->body);
  free(ex);
}
