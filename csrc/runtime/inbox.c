/* SPDX-License-Identifier: MIT */
#include "runtime/inbox.h"

#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const uint64_t one = 1;

bool dm_inbox_open (dm_inbox *inbox) {
  *inbox = (dm_inbox){ .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
  pthread_mutex_init(&inbox->lock, NULL);
  return inbox->fd >= 0;
}

void dm_inbox_close (dm_inbox *inbox) {
  if (inbox->fd >= 0) close(inbox->fd);
  pthread_mutex_destroy(&inbox->lock);
}

void dm_inbox_wake (dm_inbox *inbox) {
  if (atomic_exchange(&inbox->woken, true)) return;
  while (write(inbox->fd, &one, sizeof one) < 0) break; /* full: it is readable already */
}

void dm_inbox_put (dm_inbox *inbox, dm_work *work) {
  pthread_mutex_lock(&inbox->lock);
  dm_work_list_append(&inbox->works, work);
  pthread_mutex_unlock(&inbox->lock);
}

void dm_inbox_push (dm_inbox *inbox, dm_work_list *works) {
  if (works->first == NULL) return;
  pthread_mutex_lock(&inbox->lock);
  dm_work_list_move(&inbox->works, works);
  pthread_mutex_unlock(&inbox->lock);
  dm_inbox_wake(inbox);
}

void dm_inbox_take (dm_inbox *inbox, dm_work_list *works) {
  pthread_mutex_lock(&inbox->lock);
  dm_work_list_move(works, &inbox->works);
  pthread_mutex_unlock(&inbox->lock);
}

void dm_inbox_wait (dm_inbox *inbox, int timeout_ms) {
  uint64_t count;
  struct pollfd ready = { .fd = inbox->fd, .events = POLLIN };
  if (poll(&ready, 1, timeout_ms) <= 0) return;
  /* 1. Empty the descriptor, 2. forget the wake-up, 3. only then look for works: one that comes
  ** in between writes again. */
  if (read(inbox->fd, &count, sizeof count) < 0) return;
  atomic_store(&inbox->woken, false);
}

void dm_inbox_watch (dm_inbox *inbox, rd_kafka_queue_t *queue) {
  rd_kafka_queue_io_event_enable(queue, inbox->fd, &one, sizeof one);
}
