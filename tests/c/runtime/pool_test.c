/* SPDX-License-Identifier: MIT */
/* pool_test.c -- blocks of random sizes, made, resized and freed in a random order: each keeps what
** was written into it, so no two share memory, and the old contents move along.
** usage: pool_test [SEED]
*/

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "worker/pool.h"

#define BLOCKS 500
#define STEPS 200000
#define LARGEST (3 * DM_POOL_STEP * DM_POOL_CLASSES)

typedef struct block {
  unsigned char *bytes;
  size_t size;
  unsigned char mark;
} block;

static uint64_t state;

static size_t below (size_t n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (size_t)(state >> 33) % n;
}

static void check (const block *it, size_t size) {
  for (size_t i = 0; i < size; i++) CHECK(it->bytes[i] == it->mark);
}

/* Size 0 frees. */
static void resize (dm_pool *pool, block *it, size_t size) {
  check(it, it->size);
  it->bytes = dm_pool_resize(pool, it->bytes, it->size, size);
  CHECK((it->bytes == NULL) == (size == 0));
  CHECK((uintptr_t)it->bytes % DM_POOL_STEP == 0);
  check(it, size < it->size ? size : it->size);
  it->size = size;
  it->mark = (unsigned char)below(256);
  if (size > 0) memset(it->bytes, it->mark, size);
}

int main (int argc, char **argv) {
  static block blocks[BLOCKS];
  dm_pool pool = { .left = 0 };
  state = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  for (long i = 0; i < STEPS; i++)
    resize(&pool, &blocks[below(BLOCKS)], below(3) == 0 ? 0 : below(LARGEST) + 1);
  for (int i = 0; i < BLOCKS; i++)
    if (blocks[i].bytes != NULL) resize(&pool, &blocks[i], 0);
  dm_pool_clear(&pool);
  puts("every block kept its bytes");
  return 0;
}
