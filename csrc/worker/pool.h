/* SPDX-License-Identifier: MIT */
/* pool.h -- the memory of one lua_State: small blocks come from lists of free ones, by size, in
** place of malloc's search and locks; large ones are malloc's. What was small stays with the pool
** until it is cleared.
**
** Threads:   the one that runs the state.
** Ownership: the pool owns the small blocks, whoever has them.
** Order:     zeroed: empty; dm_pool_resize; dm_pool_clear after lua_close.
*/
#ifndef DM_POOL_H
#define DM_POOL_H

#include <stddef.h>

/* Sizes are rounded up to a step; larger blocks than these are malloc's. */
#define DM_POOL_STEP ((size_t)16)
#define DM_POOL_CLASSES 20

typedef struct dm_pool {
  void *free[DM_POOL_CLASSES]; /* each begins with the address of the next */
  void *chunks;                /* that blocks are cut from; the same */
  char *at;                    /* what is left of the newest */
  size_t left;
} dm_pool;

/* As realloc and free, with the size that the block was made with, 0 for none; NULL: no memory. */
void *dm_pool_resize (dm_pool *pool, void *block, size_t old, size_t size);

/* Frees all small blocks. */
void dm_pool_clear (dm_pool *pool);

#endif
