/* SPDX-License-Identifier: MIT */
#include "engine/keys.h"

#include <stdlib.h>

#define FIRST_CAPACITY 64u

/* The finalizer of SplitMix64: each bit of the result depends on each of the input. */
static uint32_t home_of (const dm_keys *keys, uint64_t id, int32_t partition) {
  uint64_t x = id + (uint64_t)(uint32_t)partition * 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return (uint32_t)(x ^ x >> 31) & keys->mask;
}

static void put (dm_keys *keys, dm_key *key) {
  uint32_t at = home_of(keys, key->id, key->partition);
  while (keys->slots[at] != NULL) at = (at + 1) & keys->mask;
  keys->slots[at] = key;
}

static bool widen (dm_keys *keys, uint32_t capacity) {
  dm_key **slots = calloc((size_t)capacity * 2, sizeof *slots);
  if (slots == NULL) return false;
  free(keys->slots);
  keys->slots = slots;
  keys->mask = capacity * 2 - 1;
  for (uint32_t i = 0; i < keys->count; i++) put(keys, keys->all[i]);
  return true;
}

/* The capacity grows with each spare key, so that what fails half-way does no harm. */
static bool add_spares (dm_keys *keys, uint32_t capacity) {
  dm_key **all = realloc(keys->all, capacity * sizeof *all);
  if (all == NULL) return false;
  keys->all = all;
  while (keys->capacity < capacity) {
    dm_key *key = malloc(sizeof *key);
    if (key == NULL) return false;
    keys->all[keys->capacity++] = key;
  }
  return true;
}

bool dm_keys_reserve (dm_keys *keys, uint32_t n) {
  uint32_t capacity = FIRST_CAPACITY;
  if (n <= keys->capacity) return true;
  if (n > UINT32_MAX / 4) return false;
  while (capacity < n) capacity *= 2;
  if (keys->slots == NULL || keys->mask + 1 < capacity * 2)
    if (!widen(keys, capacity)) return false;
  return add_spares(keys, capacity) || n <= keys->capacity;
}

/* Where the key is, or the free slot where it would be. */
static uint32_t seek (const dm_keys *keys, uint64_t id, int32_t partition) {
  uint32_t at = home_of(keys, id, partition);
  const dm_key *key;
  while ((key = keys->slots[at]) != NULL && (key->id != id || key->partition != partition))
    at = (at + 1) & keys->mask;
  return at;
}

dm_key *dm_keys_find (const dm_keys *keys, uint64_t id, int32_t partition) {
  return keys->count == 0 ? NULL : keys->slots[seek(keys, id, partition)];
}

dm_key *dm_keys_add (dm_keys *keys, uint64_t id, int32_t partition) {
  uint32_t index = keys->count++;
  dm_key *key = keys->all[index];
  *key = (dm_key){ .id = id, .partition = partition, .index = index };
  put(keys, key);
  return key;
}

/* Closes the gap: what probing pushed beyond it moves up, so that no search stops too early. */
static void vacate (dm_keys *keys, uint32_t gap) {
  uint32_t at = gap;
  const dm_key *key;
  while ((key = keys->slots[at = (at + 1) & keys->mask]) != NULL) {
    uint32_t home = home_of(keys, key->id, key->partition);
    if (((at - home) & keys->mask) < ((at - gap) & keys->mask)) continue;
    keys->slots[gap] = keys->slots[at];
    gap = at;
  }
  keys->slots[gap] = NULL;
}

void dm_keys_remove (dm_keys *keys, dm_key *key) {
  uint32_t last = --keys->count;
  vacate(keys, seek(keys, key->id, key->partition));
  keys->all[key->index] = keys->all[last];
  keys->all[key->index]->index = key->index;
  keys->all[last] = key;
}

/* Records come back in the order they were handed out: most often behind the last one. */
void dm_key_insert (dm_key *key, dm_entry *entry) {
  dm_entry *before = key->last;
  if (before == NULL || before->offset > entry->offset) before = key->queue.head;
  key->last = entry;
  if (before == NULL || before->offset > entry->offset) {
    dm_fifo_push_front(&key->queue, entry);
    return;
  }
  while (before->next != NULL && before->next->offset < entry->offset) before = before->next;
  dm_fifo_insert(&key->queue, before, entry);
}

dm_entry *dm_key_pop (dm_key *key) {
  dm_entry *entry = dm_fifo_pop(&key->queue);
  if (key->last == entry) key->last = NULL;
  return entry;
}

void dm_keys_clear (dm_keys *keys) {
  for (uint32_t i = 0; i < keys->capacity; i++) free(keys->all[i]);
  free(keys->all);
  free(keys->slots);
  *keys = (dm_keys){ 0 };
}

void dm_key_list_push (dm_key_list *list, dm_key *key) {
  key->next = NULL;
  key->prev = list->tail;
  if (list->tail == NULL) list->head = key;
  else list->tail->next = key;
  list->tail = key;
}

void dm_key_list_remove (dm_key_list *list, dm_key *key) {
  if (key->prev == NULL) list->head = key->next;
  else key->prev->next = key->next;
  if (key->next == NULL) list->tail = key->prev;
  else key->next->prev = key->prev;
}
