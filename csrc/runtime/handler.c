/* SPDX-License-Identifier: MIT */
#include "runtime/handler.h"

#include <lauxlib.h>
#include <string.h>

#include "kafka/clock.h"
#include "runtime/seat.h"
#include "runtime/work_lua.h"

/* Until the next attempt, when the dispatcher itself failed. */
#define DEFAULT_RETRY_MS 1000

/* How often a record is handled in all, when the dispatcher does not say. */
#define DEFAULT_ATTEMPTS 4

#define RESULTS 6

/* Results of the function, as they lie on the stack. */
enum { VERDICT = -RESULTS, REASON, MESSAGE, AFTER, STACK, ATTEMPTS };

void dm_handler_open (lua_State *L, dm_handler *handler) {
  handler->L = L;
  handler->work = NULL;
  handler->dispatch = handler->box = LUA_NOREF;
  handler->outbox = dm_outbox_new();
  if (handler->outbox == NULL) luaL_error(L, "not enough memory");
  handler->dispatch = luaL_ref(L, LUA_REGISTRYINDEX);
  dm_work_push(L, handler);
  handler->box = luaL_ref(L, LUA_REGISTRYINDEX);
}

void dm_handler_close (dm_handler *handler) {
  luaL_unref(handler->L, LUA_REGISTRYINDEX, handler->dispatch);
  luaL_unref(handler->L, LUA_REGISTRYINDEX, handler->box);
  handler->dispatch = handler->box = LUA_NOREF;
  if (handler->outbox != NULL) dm_outbox_free(handler->outbox);
  handler->outbox = NULL;
}

const dm_cause *dm_handler_cause (dm_handler *handler) {
  if (!handler->cause_read) {
    handler->cause = dm_cause_read(handler->work->message);
    handler->cause_read = true;
  }
  return &handler->cause;
}

/* -- What the function returned --------------------------------------------------------------- */

/* A failure that is not the function's word: an error in it, or a result that makes no sense. */
static void fail (dm_work *work, const char *message) {
  work->verdict = DM_VERDICT_RETRY;
  work->retry_after_ms = DEFAULT_RETRY_MS;
  dm_work_fail(work, "exhausted", message, strlen(message), NULL);
}

static void read_failure (lua_State *L, dm_work *work) {
  size_t length = 0;
  const char *reason = lua_tostring(L, REASON), *message = lua_tolstring(L, MESSAGE, &length);
  dm_work_fail(work, reason != NULL ? reason : "exhausted", message != NULL ? message : "", length,
               lua_tostring(L, STACK));
}

/* Reads the results on the top of the stack. */
static void read_results (lua_State *L, dm_work *work) {
  lua_Integer verdict = lua_isinteger(L, VERDICT) ? lua_tointeger(L, VERDICT) : -1;
  if (verdict < DM_VERDICT_ACK || verdict > DM_VERDICT_SKIP) {
    fail(work, "the dispatcher returned no verdict");
    return;
  }
  work->verdict = (dm_verdict)verdict;
  if (work->verdict != DM_VERDICT_RETRY && work->verdict != DM_VERDICT_DEAD) return;
  work->retry_after_ms = (int64_t)lua_tonumber(L, AFTER);
  if (work->retry_after_ms < 0) work->retry_after_ms = 0;
  if (lua_isinteger(L, ATTEMPTS)) work->attempts = (uint32_t)lua_tointeger(L, ATTEMPTS);
  read_failure(L, work);
}

static void call (dm_handler *handler, dm_work *work) {
  lua_State *L = handler->L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, handler->dispatch);
  lua_rawgeti(L, LUA_REGISTRYINDEX, handler->box);
  if (lua_pcall(L, 1, RESULTS, 0) == LUA_OK) {
    read_results(L, work);
    lua_pop(L, RESULTS);
    return;
  }
  fail(work, lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                                            : "the dispatcher raised a value that is no string");
  lua_pop(L, 1);
}

/* -- One work --------------------------------------------------------------------------------- */

/* Sends what an acknowledged record emitted. */
static void send_emits (dm_handler *handler, dm_work *work) {
  dm_outbox *outbox = handler->outbox;
  bool good = work->verdict == DM_VERDICT_ACK || work->verdict == DM_VERDICT_SKIP;
  if (good && outbox->count > 0 &&
      !dm_emitter_send(handler->emitter, work, outbox, handler->give_up))
    work->verdict = DM_VERDICT_CANCELLED;
  if (outbox->count > 0) dm_outbox_clear(outbox);
}

/* After a record's last attempt its key goes on at once: only here, before any other record of the
** lane, can that be decided without another of the key overtaking. */
static void limit_attempts (dm_work *work) {
  if (work->verdict != DM_VERDICT_RETRY || work->entry.attempt < work->attempts) return;
  work->verdict = DM_VERDICT_DEAD;
  dm_work_exhaust(work);
}

/* Runs the work and returns the time afterwards. */
static int64_t run (dm_handler *handler, dm_work *work, int64_t now) {
  work->attempts = DEFAULT_ATTEMPTS;
  handler->work = work;
  handler->cause_read = false;
  handler->began_ms = now;
  atomic_store_explicit(&handler->lane->busy_since_ms, now, memory_order_relaxed);
  call(handler, work);
  limit_attempts(work);
  handler->work = NULL;
  send_emits(handler, work);
  atomic_store_explicit(&handler->lane->busy_since_ms, 0, memory_order_relaxed);
  if (work->verdict == DM_VERDICT_RETRY) dm_lane_block(handler->lane, work);
  return dm_clock_ms();
}

/* Sends the work back as it is. Those of its key that come after it must not run before it. */
static void leave (dm_handler *handler, dm_work *work) {
  dm_lane_block(handler->lane, work);
  work->verdict = DM_VERDICT_UNRUN;
}

static bool may_run (const dm_handler *handler, const dm_work *work) {
  return !atomic_load_explicit(&work->seat->leaving, memory_order_relaxed) &&
         dm_lane_may_run(handler->lane, work);
}

int dm_handler_serve (dm_handler *handler, int timeout_ms, bool (*interrupted) (void *arg),
                      void *arg) {
  dm_work_list works = { NULL, NULL, 0 };
  dm_work *work;
  int count = 0;
  bool stop = false;
  int64_t now;
  if (!dm_lane_take(handler->lane, &works, timeout_ms)) return -1;
  now = dm_clock_ms();
  while ((work = dm_work_list_take(&works)) != NULL) {
    stop = stop || (interrupted != NULL && interrupted(arg));
    if (!stop && may_run(handler, work)) {
      now = run(handler, work, now);
      count++;
    }
    else leave(handler, work);
    dm_lane_reply(handler->lane, work, now);
  }
  dm_lane_announce(handler->lane, now);
  return count;
}
