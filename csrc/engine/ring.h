/* SPDX-License-Identifier: MIT */
/* ring.h -- the unsettled records of a partition, in the order of their offsets, with those settled
** between them: 8 bytes each. It begins at the lowest unsettled one.
**
** Ownership: borrows its entries until they are settled or given up; owns its slots.
** Order:     push; then settle or give up, once each. Zeroed memory is an empty ring.
*/
#ifndef DM_ENGINE_RING_H
#define DM_ENGINE_RING_H

#include "engine/engine.h"

typedef struct dm_ring {
  uint64_t *slots;      /* an entry; 0: settled; odd: given up, its offset in the other bits */
  uint32_t capacity;    /* 0 or a power of two */
  uint32_t head, tail;  /* count on without end; a place is one of them */
} dm_ring;

static inline bool dm_ring_is_empty (const dm_ring *ring) {
  return ring->head == ring->tail;
}

/* Adds an entry and notes its place in it; false when memory is short. */
bool dm_ring_push (dm_ring *ring, dm_entry *entry);

/* True when the lowest unsettled record has changed: it was this one. */
bool dm_ring_settle (dm_ring *ring, const dm_entry *entry);

/* The entry goes, but its offset stays unsettled. */
void dm_ring_give_up (dm_ring *ring, const dm_entry *entry);

/* The lowest unsettled offset; the ring is not empty. */
int64_t dm_ring_lowest (const dm_ring *ring);

/* The oldest entry that is neither settled nor given up, or NULL. */
const dm_entry *dm_ring_oldest (const dm_ring *ring);

/* Empties it and frees its memory. */
void dm_ring_clear (dm_ring *ring);

#endif
