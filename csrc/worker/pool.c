/* SPDX-License-Identifier: MIT */
#include "worker/pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 32768

/* AddressSanitizer watches malloc's blocks, so it gets them all. */
#if defined(__SANITIZE_ADDRESS__)
#define SMALL 0
#else
#define SMALL (DM_POOL_STEP * DM_POOL_CLASSES)
#endif

static bool is_small (size_t size) {
  return size > 0 && size <= SMALL;
}

static void push (void **list, void *block) {
  memcpy(block, list, sizeof *list);
  *list = block;
}

/* The next block was put there a while ago: by the time it is asked for, it is at hand. */
static void *take (void **list) {
  void *block = *list;
  memcpy(list, block, sizeof *list);
  __builtin_prefetch(*list, 1);
  return block;
}

/* Begins a chunk; what is left of the last one is lost. */
static bool add_chunk (dm_pool *pool) {
  void *chunk = malloc(CHUNK);
  if (chunk == NULL) return false;
  push(&pool->chunks, chunk);
  pool->at = (char *)chunk + DM_POOL_STEP;
  pool->left = CHUNK - DM_POOL_STEP;
  return true;
}

static void *get (dm_pool *pool, size_t size) {
  size_t number = (size - 1) / DM_POOL_STEP, room = (number + 1) * DM_POOL_STEP;
  void *block;
  if (!is_small(size)) return malloc(size);
  if (pool->free[number] != NULL) return take(&pool->free[number]);
  if (pool->left < room && !add_chunk(pool)) return NULL;
  block = pool->at;
  pool->at += room;
  pool->left -= room;
  return block;
}

static void release (dm_pool *pool, void *block, size_t size) {
  if (is_small(size)) push(&pool->free[(size - 1) / DM_POOL_STEP], block);
  else free(block);
}

void *dm_pool_resize (dm_pool *pool, void *block, size_t old, size_t size) {
  void *moved = NULL;
  if (block != NULL && !is_small(old) && size > SMALL) return realloc(block, size);
  if (block != NULL && is_small(old) && is_small(size) &&
      (old - 1) / DM_POOL_STEP == (size - 1) / DM_POOL_STEP)
    return block;
  if (size > 0 && (moved = get(pool, size)) == NULL) return NULL;
  if (block == NULL) return moved;
  if (moved != NULL) memcpy(moved, block, old < size ? old : size);
  release(pool, block, old);
  return moved;
}

void dm_pool_clear (dm_pool *pool) {
  while (pool->chunks != NULL) free(take(&pool->chunks));
  memset(pool, 0, sizeof *pool);
}
