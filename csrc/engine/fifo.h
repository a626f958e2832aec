/* SPDX-License-Identifier: MIT */
/* fifo.h -- a queue of entries, linked through them.
**
** Ownership: borrows its entries; an entry is in at most one.
*/
#ifndef DM_ENGINE_FIFO_H
#define DM_ENGINE_FIFO_H

#include <stddef.h>

#include "engine/engine.h"

typedef struct dm_fifo {
  dm_entry *head, *tail; /* 'tail' counts only while there is a head */
} dm_fifo;

static inline void dm_fifo_push (dm_fifo *fifo, dm_entry *entry) {
  entry->next = NULL;
  if (fifo->head == NULL) fifo->head = entry;
  else fifo->tail->next = entry;
  fifo->tail = entry;
}

static inline void dm_fifo_push_front (dm_fifo *fifo, dm_entry *entry) {
  entry->next = fifo->head;
  if (fifo->head == NULL) fifo->tail = entry;
  fifo->head = entry;
}

/* Puts it behind 'before', which is in the queue. */
static inline void dm_fifo_insert (dm_fifo *fifo, dm_entry *before, dm_entry *entry) {
  entry->next = before->next;
  before->next = entry;
  if (fifo->tail == before) fifo->tail = entry;
}

/* The queue is not empty. */
static inline dm_entry *dm_fifo_pop (dm_fifo *fifo) {
  dm_entry *entry = fifo->head;
  fifo->head = entry->next;
  return entry;
}

#endif
