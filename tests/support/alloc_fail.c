/* SPDX-License-Identifier: MIT */
/* alloc_fail.c -- runs a scenario again and again, each time with another allocation of Lua's
** refused: nothing may crash, leak or stay broken.
**
**   alloc_fail SCENARIO.lua
**
** A scenario returns a table: `prepare` (optional) sets up without failures and returns what
** `run` is called with; `fresh = true` wants a new Lua state for each try. A try is: run with a
** failure; count what is alive; run without one, which must succeed.
**
** Lua answers a refused allocation with an emergency collection and asks again, so two in a row
** are refused: the n-th and its repetition. A second pass refuses everything from the n-th on.
** A pass refuses TRIES_MAX allocations at most, and after TRIES_MIN of them ends with its time: a
** client may take a second to open and end. However many are tried, they are evenly spread.
**
** Threads:   the main one; librdkafka's never call the allocator of a Lua state.
*/
#include <lauxlib.h>
#include <librdkafka/rdkafka.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/lua/engine_lua.h"
#include "kafka/clock.h"
#include "kafka/module.h"

enum { TRIES_MIN = 6, TRIES_MAX = 150, PASS_MS = 15000, PATIENCE_MS = 20000 };

typedef struct heap {
  size_t bytes;     /* not yet given back */
  long count;       /* allocations since it was armed */
  long refuse_at;   /* 0: none */
  bool all_after;   /* refuse everything from there on */
} heap;

typedef struct scenario {
  lua_State *L;     /* 1: the scenario's table, 2: what prepare returned */
  heap *memory;
  const char *path;
  bool fresh;
} scenario;

static bool is_refused (const heap *h) {
  if (h->refuse_at == 0 || h->count < h->refuse_at) return false;
  return h->all_after || h->count <= h->refuse_at + 1;
}

/* Shrinking never fails: Lua relies on that. */
static void *allocate (void *ud, void *block, size_t old_size, size_t new_size) {
  heap *h = ud;
  void *moved;
  if (block == NULL) old_size = 0;
  if (new_size > old_size) {
    h->count++;
    if (is_refused(h)) return NULL;
  }
  h->bytes += new_size - old_size;
  if (new_size == 0) {
    free(block);
    return NULL;
  }
  moved = realloc(block, new_size);
  if (moved == NULL) abort();
  return moved;
}

static void fail (const scenario *s, const char *what, const char *why) {
  fprintf(stderr, "%s: allocation %ld%s refused: %s: %s\n", s->path, s->memory->refuse_at,
          s->memory->all_after ? " and all after it" : "", what, why);
  exit(EXIT_FAILURE);
}

/* Calls the function on the top of the stack, with what prepare returned. */
static bool call (const scenario *s) {
  lua_pushvalue(s->L, 2);
  return lua_pcall(s->L, 1, 0, 0) == LUA_OK;
}

static bool run (const scenario *s) {
  lua_getfield(s->L, 1, "run");
  return call(s);
}

static const char count_living[] =
  "collectgarbage() collectgarbage()\n"
  "local kafka = package.loaded['docmsg.kafka']\n"
  "if not kafka then return '' end\n"
  "local live = kafka.live()\n"
  "return ('%d clients, %d messages, %d deliveries, %d brokers'):format(\n"
  "  live.clients, live.messages, live.deliveries, live.brokers)";

/* Pushes what is alive, in words. */
static const char *push_living (const scenario *s) {
  if (luaL_dostring(s->L, count_living)) fail(s, "counting", lua_tostring(s->L, -1));
  return lua_tostring(s->L, -1);
}

static void prepare (scenario *s) {
  lua_State *L = s->L = lua_newstate(allocate, s->memory);
  if (L == NULL) fail(s, "lua_newstate", "no state");
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_docmsg_kafka);
  lua_setfield(L, -2, "docmsg.kafka");
  lua_pushcfunction(L, luaopen_docmsg_engine);
  lua_setfield(L, -2, "docmsg.engine");
  lua_settop(L, 0);
  if (luaL_loadfile(L, s->path) || lua_pcall(L, 0, 1, 0)) fail(s, "load", lua_tostring(L, -1));
  lua_getfield(L, 1, "fresh");
  s->fresh = lua_toboolean(L, -1);
  lua_settop(L, 1);
  if (lua_getfield(L, 1, "prepare") == LUA_TNIL) return;
  if (lua_pcall(L, 0, 1, 0)) fail(s, "prepare", lua_tostring(L, -1));
}

/* Closes the state; all of its memory and of librdkafka's threads must be gone after it. */
static void finish (scenario *s) {
  int64_t end = dm_clock_ms() + PATIENCE_MS;
  struct timespec pause = { 0, 1000000 };
  lua_close(s->L);
  if (s->memory->bytes != 0) fail(s, "lua_close", "memory was not given back");
  while (rd_kafka_thread_cnt() > 0) {
    if (dm_clock_ms() > end) fail(s, "lua_close", "threads of librdkafka are left");
    nanosleep(&pause, NULL);
  }
}

static void arm (heap *h, long n, bool all_after) {
  h->count = 0;
  h->refuse_at = n;
  h->all_after = all_after;
}

/* Runs with the n-th allocation refused, then without. */
static void try_refusing (scenario *s, long n, bool all_after) {
  const char *before = push_living(s);
  arm(s->memory, n, all_after);
  run(s);
  s->memory->refuse_at = 0;
  lua_settop(s->L, 3);
  if (!s->fresh && strcmp(push_living(s), before) != 0) {
    s->memory->refuse_at = n;
    fail(s, "left behind", lua_tostring(s->L, -1));
  }
  if (!run(s)) {
    s->memory->refuse_at = n;
    fail(s, "the next run failed", lua_tostring(s->L, -1));
  }
  lua_settop(s->L, 2);
}

static long count_allocations (scenario *s) {
  arm(s->memory, 0, false);
  if (!run(s)) fail(s, "run", lua_tostring(s->L, -1));
  return s->memory->count;
}

/* A step by which all of the numbers below 'total' are visited, any few of them evenly spread: near
** the golden section, and without a common divisor. */
static long stride_of (long total) {
  long stride = total * 618 / 1000 + 1;
  for (;; stride++) {
    long a = total, b = stride;
    while (b != 0) {
      long rest = a % b;
      a = b;
      b = rest;
    }
    if (a == 1) return stride;
  }
}

/* Refuses allocations of a run that has 'total' of them; returns how many. */
static long pass (scenario *s, long total, bool all_after) {
  int64_t end = dm_clock_ms() + PASS_MS;
  long stride = stride_of(total), tries = 0, n = all_after ? total / 2 : 0;
  for (; tries < total && tries < TRIES_MAX; tries++, n = (n + stride) % total) {
    if (tries >= TRIES_MIN && dm_clock_ms() > end) break;
    try_refusing(s, n + 1, all_after);
    if (!s->fresh) continue;
    finish(s);
    prepare(s);
  }
  return tries;
}

int main (int argc, char **argv) {
  heap memory = { 0 };
  scenario s = { .memory = &memory, .path = argc > 1 ? argv[1] : "no scenario was named" };
  long total, refused, refused_after;
  prepare(&s);
  total = count_allocations(&s);
  if (s.fresh) {
    finish(&s);
    prepare(&s);
  }
  refused = pass(&s, total, false);
  refused_after = pass(&s, total, true);
  finish(&s);
  printf("%s: of %ld allocations, %ld refused, and %ld with all after them\n", s.path, total,
         refused, refused_after);
  return EXIT_SUCCESS;
}
