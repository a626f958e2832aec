/* SPDX-License-Identifier: MIT */
/* parts_test.c -- the containers of the engine, also where no schedule would lead them. */
#include <stddef.h>
#include <stdlib.h>

#include "../check.h"
#include "choices.h"
#include "engine/keys.h"
#include "engine/ring.h"
#include "engine/timers.h"

enum { MANY = 600, ROUNDS = 20 };

static void shuffle (choices *c, int *numbers, int n) {
  for (int i = 0; i < n; i++) numbers[i] = i;
  for (int i = n - 1; i > 0; i--) {
    int j = (int)(choices_random(c) % (uint64_t)(i + 1)), other = numbers[j];
    numbers[j] = numbers[i];
    numbers[i] = other;
  }
}

static void keys_are_found_until_they_are_removed (void) {
  dm_keys keys = { 0 };
  dm_key *found[MANY];
  int order[MANY];
  choices c = choices_of_seed(1);
  CHECK(dm_keys_find(&keys, 7, 0) == NULL);
  for (int round = 0; round < ROUNDS; round++) {
    CHECK(dm_keys_reserve(&keys, MANY));
    for (int i = 0; i < MANY; i++) found[i] = dm_keys_add(&keys, (uint64_t)i / 3, i % 3);
    shuffle(&c, order, MANY);
    for (int gone = 0; gone < MANY; gone++) {
      dm_keys_remove(&keys, found[order[gone]]);
      found[order[gone]] = NULL;
      if (gone % 20 > 0) continue;
      for (int i = 0; i < MANY; i++) CHECK(dm_keys_find(&keys, (uint64_t)i / 3, i % 3) == found[i]);
    }
    CHECK(keys.count == 0);
  }
  dm_keys_clear(&keys);
}

/* The same hash in two partitions is two keys, wherever probing finds them. */
static void keys_of_other_partitions_are_others (void) {
  dm_keys keys = { 0 };
  dm_key *found[MANY];
  CHECK(dm_keys_reserve(&keys, MANY));
  for (int i = 0; i < MANY; i++) {
    CHECK(dm_keys_find(&keys, 7, i) == NULL);
    found[i] = dm_keys_add(&keys, 7, i);
  }
  for (int i = 0; i < MANY; i++) CHECK(dm_keys_find(&keys, 7, i) == found[i]);
  dm_keys_clear(&keys);
}

static void a_key_keeps_its_entries_in_order (void) {
  dm_entry entries[MANY] = { 0 };
  int order[MANY];
  choices c = choices_of_seed(2);
  for (int round = 0; round < ROUNDS; round++) {
    dm_key key = { 0 };
    shuffle(&c, order, MANY);
    for (int i = 0; i < MANY; i++) {
      entries[order[i]].offset = order[i];
      dm_key_insert(&key, &entries[order[i]]);
    }
    for (int i = 0; i < MANY; i++) CHECK(dm_key_pop(&key)->offset == i);
    CHECK(key.queue.head == NULL && key.last == NULL);
  }
}

/* The lowest due time of the keys that are in the heap; INT64_MAX: there are none. */
static int64_t first_due (const dm_key *keys, const bool *in) {
  int64_t due = INT64_MAX;
  for (int i = 0; i < MANY; i++)
    if (in[i] && keys[i].due < due) due = keys[i].due;
  return due;
}

static bool is_heap (const dm_timers *timers) {
  for (uint32_t i = 1; i < timers->count; i++)
    if (timers->heap[(i - 1) / 2]->due > timers->heap[i]->due) return false;
  return true;
}

static void timers_fire_in_order (void) {
  dm_timers timers = { 0 };
  dm_key keys[MANY] = { 0 };
  bool in[MANY] = { false };
  choices c = choices_of_seed(3);
  CHECK(dm_timers_first(&timers) == NULL);
  CHECK(dm_timers_reserve(&timers, MANY));
  for (int step = 0; step < MANY * ROUNDS; step++) {
    int i = (int)(choices_random(&c) % MANY);
    const dm_key *first;
    if (in[i]) dm_timers_remove(&timers, &keys[i]);
    else {
      keys[i].due = (int64_t)(choices_random(&c) % 1000);
      dm_timers_add(&timers, &keys[i]);
    }
    in[i] = !in[i];
    CHECK(is_heap(&timers));
    first = dm_timers_first(&timers);
    CHECK((first == NULL ? INT64_MAX : first->due) == first_due(keys, in));
  }
  while (timers.count > 0) dm_timers_remove(&timers, dm_timers_first(&timers));
  dm_timers_clear(&timers);
}

/* Places wrap around 2^32: a partition that lives for years is no different. */
static void a_ring_outlives_its_counters (void) {
  dm_ring ring = { .head = UINT32_MAX - 10, .tail = UINT32_MAX - 10 };
  dm_entry entries[MANY] = { 0 };
  int order[MANY];
  choices c = choices_of_seed(4);
  shuffle(&c, order, MANY);
  for (int i = 0; i < MANY; i++) {
    entries[i].offset = 100 + i;
    CHECK(dm_ring_push(&ring, &entries[i]));
  }
  for (int i = 0, lowest = 0; i < MANY; i++) {
    bool was_lowest = order[i] == lowest;
    CHECK(dm_ring_settle(&ring, &entries[order[i]]) == was_lowest);
    entries[order[i]].offset = -1;
    while (lowest < MANY && entries[lowest].offset == -1) lowest++;
    CHECK(dm_ring_is_empty(&ring) == (lowest == MANY));
    if (lowest < MANY) CHECK(dm_ring_lowest(&ring) == 100 + lowest);
    CHECK(dm_ring_oldest(&ring) == (lowest < MANY ? &entries[lowest] : NULL));
  }
  dm_ring_clear(&ring);
}

static void what_is_given_up_stays_the_lowest (void) {
  dm_ring ring = { 0 };
  dm_entry a = { .offset = INT64_MAX - 2 }, b = { .offset = INT64_MAX - 1 };
  CHECK(dm_ring_push(&ring, &a) && dm_ring_push(&ring, &b));
  dm_ring_give_up(&ring, &a);
  CHECK(dm_ring_lowest(&ring) == a.offset && dm_ring_oldest(&ring) == &b);
  CHECK(!dm_ring_settle(&ring, &b));
  CHECK(dm_ring_lowest(&ring) == a.offset && dm_ring_oldest(&ring) == NULL);
  dm_ring_clear(&ring);
}

int main (void) {
  RUN(keys_are_found_until_they_are_removed);
  RUN(keys_of_other_partitions_are_others);
  RUN(a_key_keeps_its_entries_in_order);
  RUN(timers_fire_in_order);
  RUN(a_ring_outlives_its_counters);
  RUN(what_is_given_up_stays_the_lowest);
  return EXIT_SUCCESS;
}
