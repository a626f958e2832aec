/* SPDX-License-Identifier: MIT */
/* choices.h -- where a schedule takes its decisions from: a seed, or the bytes of a fuzzer. */
#ifndef DM_TEST_CHOICES_H
#define DM_TEST_CHOICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct choices {
  uint64_t state;        /* of SplitMix64 */
  const uint8_t *bytes;  /* NULL: the seed decides */
  size_t left;
} choices;

static inline choices choices_of_seed (uint64_t seed) {
  return (choices){ .state = seed };
}

/* Once the bytes are used up, every choice is 0. */
static inline choices choices_of_bytes (const uint8_t *bytes, size_t size) {
  return (choices){ .bytes = bytes, .left = size };
}

static inline bool choices_are_over (const choices *c) {
  return c->bytes != NULL && c->left == 0;
}

static inline uint64_t choices_random (choices *c) {
  uint64_t x = c->state += 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

/* A number below n, which is at most 256. */
static inline unsigned choose (choices *c, unsigned n) {
  if (c->bytes == NULL) return (unsigned)(choices_random(c) >> 32) % n;
  if (c->left == 0) return 0;
  c->left--;
  return *c->bytes++ % n;
}

/* True once in n times. */
static inline bool chance (choices *c, unsigned n) {
  return choose(c, n) == n - 1;
}

#endif
