/* SPDX-License-Identifier: MIT */
#include "engine/ring.h"

#include <stdlib.h>

#define FIRST_CAPACITY 16u
#define CAPACITY_MAX (UINT32_MAX / 2 + 1)

static uint64_t *slot_at (const dm_ring *ring, uint32_t place) {
  return &ring->slots[place & (ring->capacity - 1)];
}

static uint64_t slot_of_entry (const dm_entry *entry) {
  return (uint64_t)(uintptr_t)entry;
}

static const dm_entry *entry_of_slot (uint64_t slot) {
  return (const dm_entry *)(uintptr_t)slot;
}

static bool grow (dm_ring *ring) {
  dm_ring larger = *ring;
  if (ring->capacity == CAPACITY_MAX) return false;
  larger.capacity = ring->capacity == 0 ? FIRST_CAPACITY : ring->capacity * 2;
  larger.slots = malloc(larger.capacity * sizeof *larger.slots);
  if (larger.slots == NULL) return false;
  for (uint32_t place = ring->head; place != ring->tail; place++)
    *slot_at(&larger, place) = *slot_at(ring, place);
  free(ring->slots);
  *ring = larger;
  return true;
}

bool dm_ring_push (dm_ring *ring, dm_entry *entry) {
  if (ring->tail - ring->head == ring->capacity && !grow(ring)) return false;
  entry->place = ring->tail++;
  *slot_at(ring, entry->place) = slot_of_entry(entry);
  return true;
}

bool dm_ring_settle (dm_ring *ring, const dm_entry *entry) {
  *slot_at(ring, entry->place) = 0;
  if (entry->place != ring->head) return false;
  do ring->head++;
  while (ring->head != ring->tail && *slot_at(ring, ring->head) == 0);
  return true;
}

void dm_ring_give_up (dm_ring *ring, const dm_entry *entry) {
  *slot_at(ring, entry->place) = (uint64_t)entry->offset << 1 | 1;
}

int64_t dm_ring_lowest (const dm_ring *ring) {
  uint64_t slot = *slot_at(ring, ring->head);
  return slot & 1 ? (int64_t)(slot >> 1) : entry_of_slot(slot)->offset;
}

const dm_entry *dm_ring_oldest (const dm_ring *ring) {
  for (uint32_t place = ring->head; place != ring->tail; place++) {
    uint64_t slot = *slot_at(ring, place);
    if (slot != 0 && !(slot & 1)) return entry_of_slot(slot);
  }
  return NULL;
}

void dm_ring_clear (dm_ring *ring) {
  free(ring->slots);
  *ring = (dm_ring){ 0 };
}
