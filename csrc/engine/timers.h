/* SPDX-License-Identifier: MIT */
/* timers.h -- parked keys by the time of their retry: a binary heap.
**
** Ownership: borrows its keys; owns its memory. Zeroed memory is an empty heap.
** Order:     dm_timers_reserve, when it can fail; then dm_timers_add never does.
*/
#ifndef DM_ENGINE_TIMERS_H
#define DM_ENGINE_TIMERS_H

#include "engine/keys.h"

typedef struct dm_timers {
  dm_key **heap;
  uint32_t count, capacity;
} dm_timers;

/* Makes room for n keys in all; false when memory is short. */
bool dm_timers_reserve (dm_timers *timers, uint32_t n);

void dm_timers_add (dm_timers *timers, dm_key *key);
void dm_timers_remove (dm_timers *timers, dm_key *key);

/* The key that is due first, or NULL. */
static inline dm_key *dm_timers_first (const dm_timers *timers) {
  return timers->count == 0 ? NULL : timers->heap[0];
}

void dm_timers_clear (dm_timers *timers);

#endif
