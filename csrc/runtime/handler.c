/* SPDX-License-Identifier: MIT */
#include "runtime/handler.h"

#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "kafka/clock.h"
#include "runtime/seat.h"

/* Until the next attempt, when the dispatcher itself failed. */
#define DEFAULT_RETRY_MS 1000

/* How often a record is handled in all, when the dispatcher does not say. */
#define DEFAULT_ATTEMPTS 4

#define RESULTS 7

/* Of a record, and of a value, so much is fetched before it is needed. */
#define LOOK_AHEAD 320
#define CACHE_LINE 64

/* Results of the function, as they lie on the stack. */
enum { VERDICT = -RESULTS, REASON, MESSAGE, AFTER, STACK, ATTEMPTS, TYPE };

/* The same when a record is kept for its batch. */
enum { WAIT = REASON, MOST = MESSAGE };

/* Answers that are no verdicts: the record is kept; the batch runs first. */
enum { HOLD = DM_VERDICT_SKIP + 1, BATCH_FIRST };

/* -- Scripts ---------------------------------------------------------------------------------- */

bool dm_handler_open (dm_handler *handler) {
  handler->outbox = dm_outbox_new();
  handler->by.digest = dm_envelope_digest_new();
  return handler->outbox != NULL && handler->by.digest != NULL;
}

/* Frees the scripts of a list. */
static void free_scripts (dm_script *script) {
  while (script != NULL) {
    dm_script *next = script->next;
    dm_script_free(script);
    script = next;
  }
}

void dm_handler_close (dm_handler *handler) {
  free_scripts(handler->script);
  free_scripts(atomic_exchange(&handler->coming, NULL));
  free_scripts(atomic_exchange(&handler->replaced, NULL));
  handler->script = NULL;
  if (handler->outbox != NULL) dm_outbox_free(handler->outbox);
  handler->outbox = NULL;
  dm_envelope_digest_free(handler->by.digest);
  handler->by.digest = NULL;
}

void dm_handler_load (dm_handler *handler, dm_script *script) {
  dm_script *unused;
  if (handler->loaded == 0) {
    handler->loaded = 1;
    handler->script = script;
    return;
  }
  unused = atomic_exchange(&handler->coming, script);
  if (unused == NULL) handler->loaded++;
  else dm_script_free(unused);
  dm_lane_wake(handler->lane);
}

bool dm_handler_sweep (dm_handler *handler) {
  bool swept = atomic_load(&handler->taken) + 1 >= handler->loaded; /* first: more may be taken */
  free_scripts(atomic_exchange(&handler->replaced, NULL));
  return swept;
}

const dm_cause *dm_handler_cause (dm_handler *handler) {
  if (!handler->cause_read) {
    dm_cause_read(&handler->cause, handler->work->message);
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

/* A type that the group does not handle is anybody's word: it is not counted by its name. */
static void read_type (lua_State *L, dm_lane *lane, dm_work *work) {
  size_t length;
  const char *type = lua_tolstring(L, TYPE, &length);
  if (type != NULL) work->type = (uint32_t)dm_tally_find(&lane->tally, type, length);
}

/* The first record of a batch says when it runs. */
static void read_batch (lua_State *L, dm_handler *handler) {
  if (handler->held.first != NULL) return;
  handler->batch_at = handler->began_ms + lua_tointeger(L, WAIT);
  handler->batch_max = (int)lua_tointeger(L, MOST);
}

/* Reads the results on the top of the stack. */
static void read_results (lua_State *L, dm_handler *handler, dm_work *work) {
  lua_Integer verdict = lua_isinteger(L, VERDICT) ? lua_tointeger(L, VERDICT) : -1;
  handler->answer = (int)verdict;
  if (verdict == HOLD) read_batch(L, handler);
  if (verdict == HOLD || verdict == BATCH_FIRST) return;
  if (verdict < DM_VERDICT_ACK || verdict > DM_VERDICT_SKIP) {
    fail(work, "the dispatcher returned no verdict");
    return;
  }
  work->verdict = (dm_verdict)verdict;
  read_type(L, handler->lane, work);
  if (work->verdict != DM_VERDICT_RETRY && work->verdict != DM_VERDICT_DEAD) return;
  work->retry_after_ms = (int64_t)lua_tonumber(L, AFTER);
  if (work->retry_after_ms < 0) work->retry_after_ms = 0;
  if (lua_isinteger(L, ATTEMPTS)) work->attempts = (uint32_t)lua_tointeger(L, ATTEMPTS);
  read_failure(L, work);
}

static lua_State *state_of (const dm_handler *handler) {
  return handler->caller != NULL ? handler->caller : handler->script->L;
}

/* The function ended with an error that is not of its own making. One that is no text, such as an
** interruption, is for whoever serves. */
static void fail_with (dm_handler *handler, dm_work *work) {
  lua_State *L = state_of(handler);
  bool is_text = lua_type(L, -1) == LUA_TSTRING;
  fail(work, is_text ? lua_tostring(L, -1) : "the handler was interrupted");
  if (is_text || handler->caller == NULL || handler->thrown == 0) lua_pop(L, 1);
  else lua_replace(L, handler->thrown);
}

static void push_call (lua_State *L, const dm_script *script) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, script->dispatch);
  lua_rawgeti(L, LUA_REGISTRYINDEX, script->box);
}

/* Pushes which limit was exceeded, a message about it, and where that was. */
static void push_excess (lua_State *L, const dm_limit *limit, dm_excess excess, size_t memory) {
  lua_pushstring(L, excess == DM_EXCESS_MEMORY ? "memory" : "timeout");
  if (excess == DM_EXCESS_TIME)
    lua_pushfstring(L, "the handler ran longer than its limit of %I ms",
                    (LUAI_UACINT)limit->limits.timeout_ms);
  else if (excess == DM_EXCESS_INSTRUCTIONS)
    lua_pushfstring(L, "the handler ran more than its limit of %I instructions",
                    (LUAI_UACINT)limit->limits.instructions);
  else
    lua_pushfstring(L, "the handler needs more memory than its worker may have, %I bytes",
                    (LUAI_UACINT)memory);
  if (limit->stack[0] != '\0') lua_pushstring(L, limit->stack);
  else lua_pushnil(L);
}

/* Asks the function what becomes of a work that it was ended for; while it answers, the state's
** memory is not limited. */
static void call_after_excess (dm_handler *handler, dm_work *work, dm_excess excess) {
  const dm_script *script = handler->script;
  lua_State *L = state_of(handler);
  size_t memory = dm_worker_state_allow(script->state, 0);
  if (excess == DM_EXCESS_MEMORY) lua_gc(L, LUA_GCCOLLECT);
  push_call(L, script);
  push_excess(L, &handler->lane->limit, excess, memory);
  if (lua_pcall(L, 4, RESULTS, 0) == LUA_OK) {
    read_results(L, handler, work);
    lua_pop(L, RESULTS);
  }
  else fail_with(handler, work);
  dm_worker_state_allow(script->state, memory);
}

/* Calls the function, which lies below its arguments, within the limits. */
static int call_limited (dm_handler *handler, int arguments, int results, dm_excess *excess) {
  lua_State *L = state_of(handler);
  int status;
  dm_limit_begin(&handler->lane->limit, L, handler->script->limits, handler->began_ms);
  status = lua_pcall(L, arguments, results, 0);
  *excess = dm_limit_end(&handler->lane->limit);
  return status;
}

static bool is_cut_off (const dm_handler *handler, dm_excess excess) {
  return excess == DM_EXCESS_TIME && atomic_load(handler->give_up);
}

static void call (dm_handler *handler, dm_work *work) {
  lua_State *L = state_of(handler);
  dm_excess excess;
  int status;
  push_call(L, handler->script);
  status = call_limited(handler, 1, RESULTS, &excess);
  handler->answer = -1;
  if (status == LUA_OK) {
    read_results(L, handler, work);
    lua_pop(L, RESULTS);
  }
  else if (excess == DM_EXCESS_NONE) fail_with(handler, work);
  else {
    lua_pop(L, 1);
    if (is_cut_off(handler, excess)) work->verdict = DM_VERDICT_CANCELLED;
    else call_after_excess(handler, work, excess);
  }
}

/* -- One work --------------------------------------------------------------------------------- */

/* Leaves the emits with their work, for its transaction. */
static void keep_emits (dm_handler *handler, dm_work *work) {
  work->outbox = dm_outbox_pack(handler->outbox);
  if (work->outbox == NULL) fail(work, "not enough memory for what it emitted");
}

/* Sends what an acknowledged record emitted. */
static void send_emits (dm_handler *handler, dm_work *work) {
  dm_outbox *outbox = handler->outbox;
  bool good = work->verdict == DM_VERDICT_ACK || work->verdict == DM_VERDICT_SKIP;
  if (outbox->count == 0) return;
  if (good && handler->keeps_emits) keep_emits(handler, work);
  else if (good && !dm_emitter_send(handler->emitter, work, outbox, handler->give_up))
    work->verdict = DM_VERDICT_CANCELLED;
  dm_outbox_clear(outbox);
}

/* After a record's last attempt its key goes on at once: only here, before any other record of the
** lane, can that be decided without another of the key overtaking. */
static void limit_attempts (dm_work *work) {
  if (work->verdict != DM_VERDICT_RETRY || work->entry.attempt < work->attempts) return;
  work->verdict = DM_VERDICT_DEAD;
  dm_work_exhaust(work);
}

static dm_tally_outcome outcome_of (const dm_work *work) {
  switch (work->verdict) {
    case DM_VERDICT_ACK: return DM_TALLY_ACK;
    case DM_VERDICT_RETRY: return DM_TALLY_RETRY;
    case DM_VERDICT_DEAD: return DM_TALLY_DEAD;
    case DM_VERDICT_SKIP: return DM_TALLY_SKIP;
    default: return DM_TALLY_CANCELLED;
  }
}

/* The work is the one that runs, from 'now' on, in microseconds. */
static void begin (dm_handler *handler, dm_work *work, int64_t now) {
  work->attempts = DEFAULT_ATTEMPTS;
  work->type = DM_ROWS_OTHER;
  handler->work = work;
  handler->cause_read = false;
  handler->began_ms = now / 1000;
  atomic_store_explicit(&handler->lane->current, work, memory_order_relaxed);
}

/* Does what the verdict asks for and replies. Until then the handler is busy, also with handing what
** was emitted to the producer. Returns the time. */
static int64_t conclude (dm_handler *handler, dm_work *work, int64_t began) {
  int64_t end;
  limit_attempts(work);
  handler->work = NULL;
  send_emits(handler, work);
  if (work->verdict == DM_VERDICT_RETRY) dm_lane_block(handler->lane, work);
  end = dm_clock_us();
  dm_tally_add(&handler->lane->tally, (int)work->type, outcome_of(work), end - began);
  dm_lane_reply(handler->lane, work, end / 1000);
  return end;
}

/* Sends the work back as it is. Those of its key that come after it must not run before it. */
static void leave (dm_handler *handler, dm_work *work, int64_t now) {
  dm_lane_block(handler->lane, work);
  work->verdict = DM_VERDICT_UNRUN;
  dm_lane_reply(handler->lane, work, now / 1000);
}

static bool may_run (const dm_handler *handler, const dm_work *work) {
  return !atomic_load_explicit(&work->seat->leaving, memory_order_relaxed) &&
         dm_lane_may_run(handler->lane, work);
}

/* -- Batches ---------------------------------------------------------------------------------- */

/* Calls the function with one more word, for nothing but its effect. */
static void tell (dm_handler *handler, const char *what) {
  lua_State *L = state_of(handler);
  push_call(L, handler->script);
  lua_pushstring(L, what);
  if (lua_pcall(L, 2, 0, 0) != LUA_OK) lua_pop(L, 1);
}

/* Runs the batch and pushes, unless it has ended by itself, why it was ended: three values. Then the
** state's memory is not limited until it is settled. */
static dm_excess call_batch (dm_handler *handler, size_t memory) {
  lua_State *L = state_of(handler);
  dm_excess excess;
  int status;
  push_call(L, handler->script);
  lua_pushliteral(L, "batch");
  status = call_limited(handler, 2, 0, &excess);
  if (status == LUA_OK) return DM_EXCESS_NONE;
  lua_pop(L, 1); /* what the limit has raised: errors of handlers are the function's own */
  dm_worker_state_allow(handler->script->state, 0);
  if (excess == DM_EXCESS_NONE) excess = DM_EXCESS_MEMORY; /* there was too little even to say so */
  if (excess == DM_EXCESS_MEMORY) lua_gc(L, LUA_GCCOLLECT);
  push_excess(L, &handler->lane->limit, excess, memory);
  return excess;
}

/* Asks for the verdict of the i-th work of the batch; 'cut': why it was ended is on the stack. */
static void settle (dm_handler *handler, dm_work *work, int i, bool cut) {
  lua_State *L = state_of(handler);
  int why = lua_gettop(L) - 2;
  push_call(L, handler->script);
  lua_pushliteral(L, "settle");
  lua_pushinteger(L, i);
  for (int value = why; cut && value < why + 3; value++) lua_pushvalue(L, value);
  if (lua_pcall(L, cut ? 6 : 3, RESULTS, 0) == LUA_OK) {
    read_results(L, handler, work);
    lua_pop(L, RESULTS);
  }
  else fail_with(handler, work);
}

/* Settles the works of a batch that has run. After one that is to be retried, those of its key go
** back unrun, whatever the handler made of them. 'share' is what each has taken of its time. */
static void settle_all (dm_handler *handler, dm_work_list *works, dm_excess excess, int64_t share,
                        int64_t *now) {
  bool cancelled = is_cut_off(handler, excess);
  dm_work *work;
  for (int i = 1; (work = dm_work_list_take(works)) != NULL; i++) {
    if (!dm_lane_may_run(handler->lane, work)) {
      leave(handler, work, *now);
      continue;
    }
    begin(handler, work, *now);
    if (cancelled) work->verdict = DM_VERDICT_CANCELLED;
    else settle(handler, work, i, excess != DM_EXCESS_NONE);
    *now = conclude(handler, work, *now - share);
  }
}

/* Runs what is kept, if there is any; returns how many. */
static int run_batch (dm_handler *handler, int64_t *now) {
  dm_work_list works = { NULL, NULL, 0 };
  dm_worker_state *state = handler->script->state;
  size_t memory = state != NULL ? state->limit : 0;
  int count = handler->held.count;
  int64_t began = *now;
  dm_excess excess;
  if (count == 0) return 0;
  dm_work_list_move(&works, &handler->held);
  begin(handler, works.first, began);
  excess = call_batch(handler, memory);
  handler->batch++;
  *now = dm_clock_us();
  settle_all(handler, &works, excess, (*now - began) / count, now);
  tell(handler, "forget");
  if (excess != DM_EXCESS_NONE) lua_pop(state_of(handler), 3);
  dm_worker_state_allow(state, memory);
  return count;
}

/* The work is kept for its batch, which runs when it is full. */
static int hold (dm_handler *handler, dm_work *work, int64_t *now) {
  handler->work = NULL;
  dm_work_list_append(&handler->held, work);
  return handler->held.count >= handler->batch_max ? run_batch(handler, now) : 0;
}

/* Sends back unrun what waits for its batch. */
static void give_back (dm_handler *handler) {
  dm_work *work;
  int64_t now = dm_clock_us();
  if (handler->held.first == NULL) return;
  handler->batch++;
  while ((work = dm_work_list_take(&handler->held)) != NULL) leave(handler, work, now);
  dm_lane_announce(handler->lane, now / 1000);
  tell(handler, "forget");
}

void dm_handler_give_back (dm_handler *handler, lua_State *L) {
  handler->caller = L;
  give_back(handler);
}

/* A partition is being given up: what waits for its batch, and was not begun, shall not begin. */
static void leave_batch (dm_handler *handler) {
  bool leaving = false;
  for (const dm_work *work = handler->held.first; work != NULL; work = work->next)
    leaving = leaving || atomic_load_explicit(&work->seat->leaving, memory_order_relaxed);
  if (leaving) give_back(handler);
}

/* How long to wait for works: until the batch must run, at most. */
static int wait_ms (const dm_handler *handler, int timeout_ms) {
  int64_t left;
  if (handler->held.first == NULL) return timeout_ms;
  left = handler->batch_at - dm_clock_ms();
  if (left < 0) left = 0;
  if (left > INT_MAX) left = INT_MAX;
  return timeout_ms < 0 || left < timeout_ms ? (int)left : timeout_ms;
}

static bool is_batch_due (const dm_handler *handler) {
  return handler->held.first != NULL && dm_clock_ms() >= handler->batch_at;
}

/* -- All works -------------------------------------------------------------------------------- */

/* Between two works: goes over to the script that has come. The old one ends its batch. */
static void take_script (dm_handler *handler, int64_t *now) {
  dm_script *coming, *old = handler->script;
  if (atomic_load_explicit(&handler->coming, memory_order_relaxed) == NULL) return;
  run_batch(handler, now);
  coming = atomic_exchange(&handler->coming, NULL);
  if (coming == NULL) return;
  handler->script = coming;
  old->next = atomic_load(&handler->replaced);
  while (!atomic_compare_exchange_weak(&handler->replaced, &old->next, old)) continue;
  atomic_fetch_add(&handler->taken, 1);
}

/* Runs the work, or keeps it. Returns how many have run. */
static int run (dm_handler *handler, dm_work *work, int64_t *now) {
  int count = 0;
  begin(handler, work, *now);
  call(handler, work);
  if (handler->answer == BATCH_FIRST) {
    count = run_batch(handler, now);
    if (!may_run(handler, work)) {
      leave(handler, work, *now);
      return count;
    }
    begin(handler, work, *now);
    call(handler, work);
    if (handler->answer == BATCH_FIRST) fail(work, "the dispatcher keeps a batch that has run");
  }
  if (handler->answer == HOLD) return count + hold(handler, work, now);
  *now = conclude(handler, work, *now);
  return count + 1;
}

static void fetch (const void *bytes, size_t size) {
  for (size_t at = 0; at < size && at < LOOK_AHEAD; at += CACHE_LINE)
    __builtin_prefetch((const char *)bytes + at);
}

/* Has the processor fetch what the next works need, which other threads wrote a while ago: the value of
** the next one, the record of the one behind it, and the third itself. */
static void look_ahead (const dm_work *next) {
  if (next == NULL) return;
  fetch(next->message->payload, next->message->len + CACHE_LINE); /* the headers stand behind it */
  if ((next = next->next) == NULL) return;
  fetch(next->message, LOOK_AHEAD);
  if (next->next != NULL) fetch(next->next, sizeof *next);
}

/* Runs the works, unless it is interrupted. Returns how many ran. */
static int run_all (dm_handler *handler, dm_work_list *works, dm_interrupted *interrupted, void *arg) {
  dm_work *work;
  int count = 0;
  bool stop = false;
  int64_t now = dm_clock_us();
  take_script(handler, &now);
  while ((work = dm_work_list_take(works)) != NULL) {
    look_ahead(works->first);
    stop = stop || (interrupted != NULL && interrupted(arg, now / 1000));
    if (!stop && may_run(handler, work)) {
      take_script(handler, &now);
      count += run(handler, work, &now);
    }
    else leave(handler, work, now);
  }
  if (is_batch_due(handler)) count += run_batch(handler, &now);
  dm_lane_announce(handler->lane, now / 1000);
  return count;
}

int dm_handler_serve (dm_handler *handler, int timeout_ms, dm_interrupted *interrupted, void *arg) {
  dm_work_list works = { NULL, NULL, 0 };
  dm_limit *before;
  int count;
  if (!dm_lane_take(handler->lane, &works, wait_ms(handler, timeout_ms)) && !is_batch_due(handler))
    return -1;
  before = dm_limit_enter(&handler->lane->limit);
  leave_batch(handler);
  count = run_all(handler, &works, interrupted, arg);
  dm_limit_enter(before);
  return count;
}
