/* SPDX-License-Identifier: MIT */
#include "kafka/client.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/metatable.h"
#include "kafka/error.h"

/* Without on_log, lines up to this syslog level go to standard error. */
#define LOG_LEVEL_SHOWN 4

dm_client *dm_client_new (lua_State *L, const dm_client_kind *kind, size_t size) {
  dm_client *client = lua_newuserdatauv(L, size, 3);
  memset(client, 0, size);
  client->kind = kind;
  client->fd = -1;
  luaL_setmetatable(L, kind->type);
  client->state = dm_state_get(L);
  return client;
}

static void keep_handlers (lua_State *L, int box, int options) {
  static const char *const names[] = { "on_error", "on_log", "on_stats", "on_assign",
                                       "on_revoke", "on_lost" };
  lua_createtable(L, 0, 6);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    lua_getfield(L, options, names[i]);
    lua_setfield(L, -2, names[i]);
  }
  lua_setiuservalue(L, box, DM_CLIENT_HANDLERS);
}

/* Makes rk from the properties, or pushes nil and an error. */
static bool create (lua_State *L, dm_client *client, int properties,
                    void (*prepare) (rd_kafka_conf_t *conf)) {
  bool consumer = client->kind->scope == DM_SCOPE_CONSUMER;
  char reason[512];
  rd_kafka_conf_t *conf = dm_conf_build(L, properties);
  if (conf == NULL) return false;
  dm_feed_install(client->feed, conf, client->kind->rebalance != NULL);
  if (prepare != NULL) prepare(conf);
  client->rk = rd_kafka_new(consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, reason,
                            sizeof reason);
  if (client->rk != NULL) return true;
  rd_kafka_conf_destroy(conf);
  dm_error_return(L, rd_kafka_last_error(), "%s: %s", client->kind->what, reason);
  return false;
}

bool dm_client_open (lua_State *L, dm_client *client, int options, int properties, void *ledger,
                     void (*prepare) (rd_kafka_conf_t *conf)) {
  keep_handlers(L, lua_gettop(L), lua_absindex(L, options));
  client->feed = dm_feed_new(ledger);
  if (client->feed == NULL) return luaL_error(L, "not enough memory");
  if (!create(L, client, properties, prepare)) return false;
  client->state->clients++;
  return true;
}

/* The client that a method is called on. A method has its kind's metatable as its first upvalue:
** to compare with that is quicker than to look the name up. */
static dm_client *check_type (lua_State *L, int arg, const dm_client_kind *kind) {
  void *client = arg == 1 ? lua_touserdata(L, arg) : NULL;
  bool own = false;
  if (client != NULL && lua_getmetatable(L, arg)) {
    own = lua_rawequal(L, -1, lua_upvalueindex(1));
    lua_pop(L, 1);
  }
  return own ? client : luaL_checkudata(L, arg, kind->type);
}

dm_client *dm_client_check (lua_State *L, int arg, const dm_client_kind *kind, bool nested) {
  dm_client *client = check_type(L, arg, kind);
  if (client->rk == NULL) luaL_error(L, "this %s is closed", kind->what);
  if (client->in_handler && !nested)
    luaL_error(L, "%s: this call is not possible inside one of its own handlers", kind->what);
  return client;
}

/* Calls handler(value) with the value on the top of the stack; pops it. */
static void call_handler (lua_State *L, dm_client *client, int handler) {
  int failed;
  lua_pushvalue(L, handler);
  lua_insert(L, -2);
  client->in_handler = true;
  failed = lua_pcall(L, 1, 0, 0);
  client->in_handler = false;
  if (failed) lua_error(L);
}

static void push_log (lua_State *L, const dm_note *note) {
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, note->level);
  lua_setfield(L, -2, "level");
  lua_pushstring(L, note->facility);
  lua_setfield(L, -2, "facility");
  lua_pushstring(L, note->text);
  lua_setfield(L, -2, "message");
}

/* "TIME LEVEL message" on standard error, as all logs of the toolkit. */
static void print_log (int level, const char *text) {
  char at[32];
  time_t now = time(NULL);
  struct tm utc;
  strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
  fprintf(stderr, "%s %s %s\n", at, level <= 3 ? "ERROR" : "WARN", text);
}

static void push_error (lua_State *L, const dm_note *note) {
  dm_error_push(L, note->code, "%s", note->text);
  if (note->fatal) dm_error_fatal(L);
}

/* A connection that fails is logged and then told as an error. */
static bool is_told_twice (const dm_note *note) {
  return strcmp(note->facility, "FAIL") == 0;
}

/* Hands one note to its handler; the handlers' table is at 'handlers'. */
static void deliver (lua_State *L, dm_client *client, int handlers, dm_note *note) {
  static const char *const names[] = { "on_error", "on_log", "on_stats" };
  if (lua_getfield(L, handlers, names[note->kind]) == LUA_TFUNCTION) {
    int handler = lua_gettop(L);
    if (note->kind == DM_NOTE_ERROR) push_error(L, note);
    else if (note->kind == DM_NOTE_LOG) push_log(L, note);
    else lua_pushstring(L, note->text);
    call_handler(L, client, handler);
  }
  else if (note->kind == DM_NOTE_ERROR) print_log(3, note->text);
  else if (note->kind == DM_NOTE_LOG && note->level <= LOG_LEVEL_SHOWN && !is_told_twice(note))
    print_log(note->level, note->text);
  lua_pop(L, 1);
}

static void note_cleanup (void *block) {
  dm_note_free(*(dm_note **)block);
}

void dm_client_dispatch (lua_State *L, int idx, dm_client *client) {
  dm_note **note;
  int box, handlers;
  if (client->in_handler || !dm_feed_waiting(client->feed)) return;
  idx = lua_absindex(L, idx);
  luaL_checkstack(L, 16, client->kind->what);
  lua_getiuservalue(L, idx, DM_CLIENT_HANDLERS);
  handlers = lua_gettop(L);
  note = dm_job_push(L, sizeof *note, note_cleanup);
  box = lua_gettop(L);
  while (client->rk != NULL && (*note = dm_feed_take(client->feed)) != NULL) {
    if ((*note)->kind == DM_NOTE_REBALANCE) client->kind->rebalance(L, idx, client, *note);
    else deliver(L, client, handlers, *note);
    dm_note_free(*note);
    *note = NULL;
  }
  dm_job_end(L, box);
  lua_settop(L, handlers - 1);
}

/* Errors that mean no more than that no broker answered. */
static bool is_unanswered (rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
      return true;
    default:
      return false;
  }
}

int dm_client_blame (lua_State *L, const dm_client *client) {
  rd_kafka_resp_err_t code;
  lua_getfield(L, -1, "code");
  code = (rd_kafka_resp_err_t)lua_tointeger(L, -1);
  lua_pop(L, 1);
  if (client->feed == NULL || !is_unanswered(code)) return 2;
  return dm_error_blame(L, dm_feed_trouble(client->feed).text);
}

static void timed_out (lua_State *L, const dm_client *client, const char *doing) {
  dm_error_return(L, RD_KAFKA_RESP_ERR__TIMED_OUT, "%s: no answer from the broker in time", doing);
  dm_client_blame(L, client);
}

/* Waits for the task in slices. A watch that fires leaves it pending, then raises. 'job' is the
** index of the task's job, 0 when it was abandoned before. */
static bool await_task (lua_State *L, dm_client *client, dm_task *task, int job,
                        dm_deadline deadline, const dm_watch *watch) {
  while (!dm_task_wait(task, dm_deadline_slice(deadline))) {
    bool interrupted = dm_watch_pending(L, watch);
    if (!interrupted && dm_deadline_left(deadline) > 0) continue;
    if (client->pending == NULL) client->pending = dm_task_ref(task);
    if (job != 0) dm_job_abandon(L, job);
    if (interrupted) dm_watch_yield(L, watch);
    return false;
  }
  return true;
}

/* Waits for a call that was left earlier. */
static bool await_pending (lua_State *L, dm_client *client, dm_deadline deadline,
                           const dm_watch *watch) {
  if (client->pending == NULL) return true;
  if (!await_task(L, client, client->pending, 0, deadline, watch)) return false;
  dm_task_unref(client->pending);
  client->pending = NULL;
  return true;
}

bool dm_client_run (lua_State *L, dm_client *client, int job, void (*work) (void *block),
                    dm_deadline deadline, const char *doing) {
  dm_watch watch = dm_watch_begin(L); /* before there is a task: it may raise */
  dm_task *task;
  if (!await_pending(L, client, deadline, &watch)) {
    dm_error_return(L, RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS,
                    "%s: an earlier call of this client has not ended", doing);
    return false;
  }
  task = dm_job_start(L, job, work);
  if (task == NULL) return luaL_error(L, "%s: no thread could be started", doing);
  if (await_task(L, client, task, job, deadline, &watch)) return true;
  timed_out(L, client, doing);
  return false;
}

/* What librdkafka's callbacks use until rk is destroyed. */
typedef struct remains {
  dm_feed *feed;
  void (*release) (void *arg);
  void *arg;
} remains;

static void remains_free (void *ud) {
  remains *r = ud;
  dm_feed_free(r->feed);
  if (r->release != NULL) r->release(r->arg);
  free(r);
}

/* rk outlives this client, and the number of a closed descriptor is soon somebody else's: librdkafka
** must stop writing to it first. */
static void close_fd (dm_client *client) {
  rd_kafka_queue_t *queue;
  if (client->fd < 0) return;
  queue = client->kind->scope == DM_SCOPE_CONSUMER ? rd_kafka_queue_get_consumer(client->rk)
                                                   : rd_kafka_queue_get_main(client->rk);
  rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
  rd_kafka_queue_destroy(queue);
  close(client->fd);
  client->fd = -1;
}

/* Empties the client and starts the end of its rk. NULL: it has ended already. */
static dm_task *hand_over (dm_client *client, int flush_ms) {
  remains *r = malloc(sizeof *r);
  dm_grave grave = { client->rk, client->pending, flush_ms, remains_free, r };
  if (client->kind->abandon != NULL) client->kind->abandon(client);
  if (r != NULL) *r = (remains){ client->feed, client->release, client->arg };
  else grave.release = NULL; /* better a leak than a callback into freed memory */
  close_fd(client);
  client->rk = NULL;
  client->feed = NULL;
  client->pending = NULL;
  client->release = NULL;
  client->state->clients--;
  return dm_reaper_bury(client->state->reaper, grave);
}

bool dm_client_bury (lua_State *L, dm_client *client, dm_deadline deadline) {
  dm_task *task = hand_over(client, 0);
  dm_watch watch;
  bool ended = task == NULL, quiet = dm_watch_try(L, &watch);
  while (quiet && !ended && !dm_watch_pending(L, &watch)) {
    ended = dm_task_wait(task, dm_deadline_slice(deadline));
    if (dm_deadline_left(deadline) == 0) break;
  }
  if (task != NULL) dm_task_unref(task);
  if (!quiet) return lua_error(L);
  dm_watch_check(L, &watch);
  return ended;
}

static void warn_unclosed (const dm_client *client) {
  fprintf(stderr, "docmsg: %s '%s' was not closed: call :close() or declare it `local x <close>`\n",
          client->kind->what, rd_kafka_name(client->rk));
}

/* Frees what a client that never opened had got so far. */
static void discard (dm_client *client) {
  if (client->feed != NULL) dm_feed_free(client->feed);
  if (client->release != NULL) client->release(client->arg);
  client->feed = NULL;
  client->release = NULL;
}

static int client_gc (lua_State *L) {
  dm_client *client = lua_touserdata(L, 1);
  if (client->rk != NULL) {
    dm_task *task;
    warn_unclosed(client);
    task = hand_over(client, client->kind->flush_ms);
    if (task != NULL) dm_task_unref(task);
  }
  else discard(client);
  return 0;
}

void dm_client_drain_fd (dm_client *client) {
  uint64_t count;
  if (client->fd >= 0 && read(client->fd, &count, sizeof count) < 0) return; /* nothing was due */
}

int dm_client_push_fd (lua_State *L, dm_client *client, rd_kafka_queue_t *queue) {
  if (client->fd < 0) {
    static const uint64_t one = 1;
    client->fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC); /* readable: look at once */
    if (client->fd >= 0) rd_kafka_queue_io_event_enable(queue, client->fd, &one, sizeof one);
  }
  rd_kafka_queue_destroy(queue);
  if (client->fd < 0) return luaL_error(L, "eventfd: %s", strerror(errno));
  lua_pushinteger(L, client->fd);
  return 1;
}

static const dm_client_kind *upvalue_kind (lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}

static int client_name (lua_State *L) {
  lua_pushstring(L, rd_kafka_name(dm_client_check(L, 1, upvalue_kind(L), true)->rk));
  return 1;
}

static int client_tostring (lua_State *L) {
  dm_client *client = lua_touserdata(L, 1);
  if (client->rk == NULL) lua_pushfstring(L, "%s (closed)", client->kind->type);
  else lua_pushfstring(L, "%s (%s)", client->kind->type, rd_kafka_name(client->rk));
  return 1;
}

/* __close passes the error as a second argument: close must not take it for a time-out. */
static int client_close (lua_State *L) {
  lua_getfield(L, 1, "close");
  lua_pushvalue(L, 1);
  lua_call(L, 1, 0);
  return 0;
}

void dm_client_register (lua_State *L, const dm_client_kind *kind, const luaL_Reg *methods) {
  static const luaL_Reg metamethods[] = {
    { "__gc", client_gc }, { "__close", client_close }, { "__tostring", client_tostring },
    { NULL, NULL },
  };
  dm_metatable_new(L, kind->type);
  luaL_setfuncs(L, metamethods, 0);
  lua_newtable(L);
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, methods, 1);
  lua_pushlightuserdata(L, (void *)kind);
  lua_pushcclosure(L, client_name, 1);
  lua_setfield(L, -2, "name");
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
