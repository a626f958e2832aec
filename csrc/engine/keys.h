/* SPDX-License-Identifier: MIT */
/* keys.h -- the keys that are out of turn: one of their records is to be retried or came back
** unrun, and those that follow queue here instead of in their lane. Other keys need no memory.
**
** A key is in one state at a time:
**
**   closing   its lane may still hold records of it; ends when the lane has reported them
**   parked    waits for the time of its retry (timers.h)
**   ready     next may take the head of its queue: alone, when that is a retry
**   trial     the retry is handed out
**
** Ownership: the map owns the keys and their memory. A key borrows its entries.
** Order:     dm_keys_reserve, when it can fail; then dm_keys_add never does.
*/
#ifndef DM_ENGINE_KEYS_H
#define DM_ENGINE_KEYS_H

#include "engine/fifo.h"

typedef enum dm_key_state {
  DM_KEY_NEW,      /* in no state yet */
  DM_KEY_CLOSING,
  DM_KEY_PARKED,
  DM_KEY_READY,
  DM_KEY_TRIAL
} dm_key_state;

typedef struct dm_key {
  uint64_t id;
  int32_t partition;
  uint16_t lane;             /* whose lists it is in */
  uint8_t state;             /* dm_key_state */
  bool retrying;             /* the head of its queue is a retry */
  dm_fifo queue;
  dm_entry *last;            /* in the queue, the one inserted last; NULL: it has left */
  struct dm_key *prev, *next; /* closing or ready, in a list of its lane */
  uint32_t until;            /* closing: the lane must have reported all up to this turn */
  int64_t due;               /* parked */
  uint32_t timer;            /* parked: where, in the timers */
  uint32_t index;            /* in 'all' */
} dm_key;

typedef struct dm_keys {
  dm_key **all;     /* those in use, then the spare ones */
  dm_key **slots;   /* by hash, linear probing; at least twice the capacity */
  uint32_t count, capacity;
  uint32_t mask;    /* slots - 1 */
} dm_keys;

/* Makes room for n keys in all; false when memory is short. */
bool dm_keys_reserve (dm_keys *keys, uint32_t n);

/* The key, or NULL when it is not out of turn. */
dm_key *dm_keys_find (const dm_keys *keys, uint64_t id, int32_t partition);

/* Adds a key that is not there, with an empty queue; there is room for it. */
dm_key *dm_keys_add (dm_keys *keys, uint64_t id, int32_t partition);

void dm_keys_remove (dm_keys *keys, dm_key *key);

/* Puts the entry back into the key's queue, by its offset. */
void dm_key_insert (dm_key *key, dm_entry *entry);

/* The head of its queue, which is not empty. */
dm_entry *dm_key_pop (dm_key *key);

void dm_keys_clear (dm_keys *keys);

/* Keys in the order they came, linked through them. */
typedef struct dm_key_list {
  dm_key *head, *tail;
} dm_key_list;

void dm_key_list_push (dm_key_list *list, dm_key *key);
void dm_key_list_remove (dm_key_list *list, dm_key *key);

#endif
