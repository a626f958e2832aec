/* SPDX-License-Identifier: MIT */
#include "kafka/job.h"

#include <lauxlib.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/metatable.h"

#define JOB_TYPE "docmsg.Job"

typedef struct job_block {
  void (*cleanup) (void *block);
  atomic_bool abandoned;
  max_align_t data[];
} job_block;

typedef struct job_box {
  job_block *block; /* NULL: ended */
  dm_task *task;    /* shares the block, when not NULL */
} job_box;

static void block_free (void *ud) {
  job_block *block = ud;
  block->cleanup(block->data);
  free(block);
}

static int job_gc (lua_State *L) {
  dm_job_end(L, 1);
  return 0;
}

void dm_job_open (lua_State *L) {
  dm_metatable_new(L, JOB_TYPE);
  lua_pushcfunction(L, job_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, job_gc);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}

void *dm_job_push (lua_State *L, size_t size, void (*cleanup) (void *block)) {
  job_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  box->block = NULL;
  box->task = NULL;
  luaL_setmetatable(L, JOB_TYPE);
  box->block = calloc(1, sizeof *box->block + size);
  if (box->block == NULL) luaL_error(L, "not enough memory");
  box->block->cleanup = cleanup;
  return box->block->data;
}

void *dm_job_push_scoped (lua_State *L, size_t size, void (*cleanup) (void *block)) {
  void *block = dm_job_push(L, size, cleanup);
  lua_toclose(L, -1);
  return block;
}

typedef struct job_run {
  job_block *block;
  void (*work) (void *block);
} job_run;

static void run_main (void *ud) {
  job_run *it = ud;
  it->work(it->block->data);
}

static void run_free (void *ud) {
  job_run *it = ud;
  block_free(it->block);
  free(it);
}

dm_task *dm_job_start (lua_State *L, int idx, void (*work) (void *block)) {
  job_box *box = lua_touserdata(L, idx);
  job_run *it = malloc(sizeof *it);
  if (it == NULL) return NULL;
  it->block = box->block;
  it->work = work;
  box->task = dm_task_start(run_main, run_free, it);
  if (box->task == NULL) box->block = NULL; /* run_free has freed it */
  return box->task;
}

void dm_job_abandon (lua_State *L, int idx) {
  job_box *box = lua_touserdata(L, idx);
  atomic_store(&box->block->abandoned, true);
}

bool dm_job_abandoned (const void *data) {
  const char *block = (const char *)data - offsetof(job_block, data);
  return atomic_load(&((const job_block *)block)->abandoned);
}

void dm_job_end (lua_State *L, int idx) {
  job_box *box = lua_touserdata(L, idx);
  if (box->task != NULL) dm_task_unref(box->task);
  else if (box->block != NULL) block_free(box->block);
  box->task = NULL;
  box->block = NULL;
}
