/* SPDX-License-Identifier: MIT */
#include "engine/timers.h"

#include <stdlib.h>

bool dm_timers_reserve (dm_timers *timers, uint32_t n) {
  dm_key **heap;
  if (n <= timers->capacity) return true;
  heap = realloc(timers->heap, n * sizeof *heap);
  if (heap == NULL) return false;
  timers->heap = heap;
  timers->capacity = n;
  return true;
}

static void put (dm_timers *timers, uint32_t at, dm_key *key) {
  timers->heap[at] = key;
  key->timer = at;
}

/* Puts the key at 'at' or, as long as it is due before its parent, above. */
static void rise (dm_timers *timers, uint32_t at, dm_key *key) {
  while (at > 0) {
    uint32_t parent = (at - 1) / 2;
    if (timers->heap[parent]->due <= key->due) break;
    put(timers, at, timers->heap[parent]);
    at = parent;
  }
  put(timers, at, key);
}

/* Puts the key at 'at' or, as long as a child is due before it, below. */
static void sink (dm_timers *timers, uint32_t at, dm_key *key) {
  uint32_t child;
  while ((child = at * 2 + 1) < timers->count) {
    if (child + 1 < timers->count && timers->heap[child + 1]->due < timers->heap[child]->due)
      child++;
    if (key->due <= timers->heap[child]->due) break;
    put(timers, at, timers->heap[child]);
    at = child;
  }
  put(timers, at, key);
}

void dm_timers_add (dm_timers *timers, dm_key *key) {
  rise(timers, timers->count++, key);
}

void dm_timers_remove (dm_timers *timers, dm_key *key) {
  dm_key *last = timers->heap[--timers->count];
  if (last == key) return;
  sink(timers, key->timer, last);
  rise(timers, last->timer, last);
}

void dm_timers_clear (dm_timers *timers) {
  free(timers->heap);
  *timers = (dm_timers){ 0 };
}
