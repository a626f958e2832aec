/* SPDX-License-Identifier: MIT */
#include "http/server_lua.h"

#include <lauxlib.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/field.h"
#include "base/metatable.h"
#include "http/request_lua.h"
#include "http/route_lua.h"
#include "http/server.h"
#include "kafka/clock.h"
#include "kafka/interrupt.h"
#include "kafka/option.h"
#include "kafka/state.h"

#define SERVER_TYPE "docmsg.http.Server"

/* What a userdata of docmsg.runtime is; see state_lua.h there. */
#define STATE_TYPE "docmsg.WorkerState"

/* Of a server of pages alone. */
#define STATUS_CONNECTIONS 64
#define STATUS_PAGES 16
#define STATUS_IDLE_S 10
#define STATUS_HEAD_BYTES 16384
#define STATUS_GRACE_MS 30000

/* Of one with routes. */
#define IDLE_S 5
#define HEAD_BYTES 32768

/* Descriptors that the rest of the program may need, clients of Kafka for instance. */
#define OTHER_FDS 192

/* Descriptors that a server waits for besides its own. */
#define WATCHED_MAX 8

typedef struct server_box {
  dm_server *server; /* NULL: closed */
  dm_state *state;
  bool started;
  char address[DM_HTTP_ADDRESS_ROOM];
} server_box;

static server_box *check_box (lua_State *L) {
  server_box *box = luaL_checkudata(L, 1, SERVER_TYPE);
  if (box->server == NULL) luaL_error(L, "this HTTP server is closed");
  return box;
}

static dm_server *check (lua_State *L) {
  return check_box(L)->server;
}

static int fail (lua_State *L, const char *reason) {
  lua_pushnil(L);
  lua_pushstring(L, reason);
  return 2;
}

/* -- Construction ------------------------------------------------------------------------------ */

static const dm_option server_options[] = {
  { "address", DM_OPTION_STRING, 0, 0 },
  { "connections", DM_OPTION_INTEGER, 1, 10000 },
  { "grace", DM_OPTION_DURATION, 0, 0 },
  { "headers", DM_OPTION_TABLE, 0, 0 },
  { "hosts", DM_OPTION_TABLE, 0, 0 },
  { "public", DM_OPTION_BOOLEAN, 0, 0 },
  { "session", DM_OPTION_DURATION, 0, 0 },
  { "tls_cert", DM_OPTION_STRING, 0, 0 },
  { "tls_key", DM_OPTION_STRING, 0, 0 },
  { "token", DM_OPTION_STRING, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

static const dm_option status_options[] = {
  { "address", DM_OPTION_STRING, 0, 0 },
  { "public", DM_OPTION_BOOLEAN, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

static void no_memory (lua_State *L) {
  luaL_error(L, "not enough memory");
}

/* Copies the headers, a list of pairs. */
static void take_headers (lua_State *L, dm_server *server) {
  lua_Integer n;
  if (lua_getfield(L, 1, "headers") != LUA_TTABLE) {
    lua_pop(L, 1);
    return;
  }
  n = luaL_len(L, -1);
  server->headers = calloc((size_t)n + 1, sizeof *server->headers);
  if (server->headers == NULL) no_memory(L);
  for (lua_Integer i = 0; i < n; i++) {
    lua_geti(L, -1, i + 1);
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_geti(L, -1, 1);
    lua_geti(L, -2, 2);
    server->headers[i].value = strdup(luaL_checkstring(L, -1));
    server->headers[i].name = strdup(luaL_checkstring(L, -2));
    if (server->headers[i].name == NULL || server->headers[i].value == NULL) no_memory(L);
    lua_pop(L, 3);
  }
  lua_pop(L, 1);
}

/* A list of hosts turns the check of them on. */
static void take_guard (lua_State *L, dm_guard *guard) {
  const char *token = dm_option_string(L, 1, "token");
  guard->session_ms = dm_option_duration(L, 1, "session", "12h");
  if (guard->session_ms <= 0) luaL_error(L, "http.server: session: a time with an end expected");
  guard->checks_host = lua_getfield(L, 1, "hosts") == LUA_TTABLE;
  if (guard->checks_host) guard->hosts = dm_route_copy_strings(L, -1);
  lua_pop(L, 1);
  if (token == NULL) return;
  if (token[0] == '\0') luaL_error(L, "http.server: token: an empty one is none");
  guard->token = strdup(token);
  if (guard->token == NULL) no_memory(L);
}

/* Both, or neither; false after pushing nil and the reason. */
static bool take_tls (lua_State *L, dm_tls *tls) {
  const char *cert = dm_option_string(L, 1, "tls_cert"), *key = dm_option_string(L, 1, "tls_key");
  char reason[256];
  if (cert == NULL && key == NULL) return true;
  if (cert == NULL || key == NULL)
    luaL_error(L, "http.server: tls_cert and tls_key: both expected, or neither");
  if (dm_tls_set(tls, cert, key, reason, sizeof reason)) return true;
  fail(L, reason);
  return false;
}

/* Pushes the box with a server that listens; false after pushing nil and the reason. */
static bool push_server (lua_State *L, const char *what, dm_server_limits limits) {
  server_box *box;
  dm_http_address address;
  char reason[512];
  if (dm_option_string(L, 1, "address") == NULL)
    luaL_error(L, "%s: address: a string expected", what);
  box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (server_box){ .state = dm_state_get(L) };
  luaL_setmetatable(L, SERVER_TYPE);
  if (!dm_http_address_read(dm_option_string(L, 1, "address"), &address, reason, sizeof reason))
    return fail(L, reason), false;
  if (!address.loopback && !dm_option_flag(L, 1, "public"))
    return fail(L, "this address is reached from other machines: that must be asked for"), false;
  box->server = dm_server_new(&address, limits, reason, sizeof reason);
  if (box->server == NULL) return fail(L, reason), false;
  box->state->clients++;
  dm_http_address_write(&address, box->address);
  return true;
}

static void end_server (server_box *box) {
  dm_server *server = box->server;
  if (server == NULL) return;
  box->server = NULL;
  box->state->clients--;
  dm_server_free(server);
}

static bool start (server_box *box) {
  box->started = box->started || dm_server_start(box->server);
  return box->started;
}

/* As many connections as descriptors can be had for, after raising the limit of them as far as that
** is needed and allowed: who is refused can try again, but what lacks a descriptor half-way fails. */
static int fit_connections (int asked) {
  const rlim_t others = OTHER_FDS + (rlim_t)DM_SERVER_SPARE * DM_SERVER_SPARE_FDS;
  rlim_t needed = others + (rlim_t)asked * DM_SERVER_FDS;
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return asked;
  limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= needed) return asked;
  return limit.rlim_cur < others + DM_SERVER_FDS ? 1
                                                 : (int)((limit.rlim_cur - others) / DM_SERVER_FDS);
}

int dm_server_lua (lua_State *L) {
  dm_server_limits limits = { .pages = DM_PAGES, .idle_s = IDLE_S, .head_bytes = HEAD_BYTES };
  server_box *box;
  lua_settop(L, 1);
  dm_option_check(L, 1, "http.server", server_options);
  limits.connections = fit_connections((int)dm_option_integer(L, 1, "connections", 256));
  limits.grace_ms = dm_option_duration(L, 1, "grace", "30s");
  if (!push_server(L, "http.server", limits)) return 2;
  box = lua_touserdata(L, -1);
  take_headers(L, box->server);
  take_guard(L, &box->server->guard);
  if (take_tls(L, &box->server->tls)) return 1;
  end_server(box);
  return 2;
}

int dm_status_lua (lua_State *L) {
  dm_server_limits limits = {
    .connections = STATUS_CONNECTIONS, .pages = STATUS_PAGES, .idle_s = STATUS_IDLE_S,
    .head_bytes = STATUS_HEAD_BYTES, .grace_ms = STATUS_GRACE_MS,
  };
  lua_settop(L, 1);
  dm_option_check(L, 1, "http.status", status_options);
  if (!push_server(L, "http.status", limits)) return 2;
  return start(lua_touserdata(L, -1)) ? 1 : fail(L, "the HTTP server could not be started");
}

/* server:route{...} -> number: what is taken, before the start */
static int server_route (lua_State *L) {
  server_box *box = check_box(L);
  if (box->started) luaL_error(L, "the server was started already");
  lua_pushinteger(L, dm_route_add(L, 2, box->server));
  return 1;
}

/* server:lane(state) -> number: a thread for the handlers of routes with that lane; takes the state */
static int server_lane (lua_State *L) {
  server_box *box = check_box(L);
  dm_worker_state **state = luaL_checkudata(L, 2, STATE_TYPE);
  dm_http_lane *lane;
  luaL_argcheck(L, *state != NULL, 2, "this state is closed or was given away");
  if (box->started) luaL_error(L, "the server was started already");
  if (box->server->lane_count == DM_SERVER_LANES) luaL_error(L, "no more lanes can be had");
  lane = dm_http_lane_new(box->server, *state);
  if (lane == NULL) no_memory(L);
  *state = NULL;
  box->server->lanes[box->server->lane_count++] = lane;
  lua_pushinteger(L, box->server->lane_count);
  return 1;
}

/* server:start() -> true | nil, reason */
static int server_start (lua_State *L) {
  if (!start(check_box(L))) return fail(L, "the HTTP server could not be started");
  lua_pushboolean(L, 1);
  return 1;
}

/* -- At work ----------------------------------------------------------------------------------- */

/* server:set(path, code, type, body [, valid]): the answer to a path; after 'valid' it is stale */
static int server_set (lua_State *L) {
  dm_server *server = check(L);
  dm_page_set page = {
    .path = luaL_checkstring(L, 2),
    .code = (int)luaL_checkinteger(L, 3),
    .type = luaL_checkstring(L, 4),
    .body = luaL_checklstring(L, 5, &page.length),
    .valid_ms = dm_duration_opt(L, 6, "forever"),
  };
  luaL_argcheck(L, page.path[0] == '/', 2, "a path begins with /");
  luaL_argcheck(L, page.code >= 200 && page.code <= 599, 3, "200 to 599 expected");
  if (!dm_pages_set(&server->pages, &page, server->headers))
    return luaL_error(L, "no room for %s", page.path);
  return 0;
}

/* server:request() -> the next one that waits for its handler, or nil */
static int server_request (lua_State *L) {
  dm_server *server = check(L);
  dm_asked *request = dm_asked_push(L, server, &server->queue);
  if (!dm_queue_take(&server->queue, &request->ex)) lua_pushnil(L);
  return 1;
}

static int read_watched (lua_State *L, struct pollfd watched[WATCHED_MAX + 1]) {
  int count = lua_gettop(L) - 2;
  luaL_argcheck(L, count <= WATCHED_MAX, 3 + WATCHED_MAX, "too many descriptors");
  for (int i = 0; i < count; i++)
    watched[i + 1] = (struct pollfd){ .fd = (int)luaL_checkinteger(L, i + 3), .events = POLLIN };
  return count < 0 ? 0 : count;
}

/* Which of them can be read, a bit each. */
static lua_Integer mask_of (const struct pollfd *watched, int count) {
  lua_Integer mask = 0;
  for (int i = 0; i < count; i++)
    if (watched[i].revents != 0) mask |= (lua_Integer)1 << i;
  return mask;
}

/* Were requests left in the queue? Their coming was told when the first of them came. */
static bool has_requests (dm_queue *queue) {
  bool has;
  pthread_mutex_lock(&queue->lock);
  has = queue->first != NULL;
  pthread_mutex_unlock(&queue->lock);
  return has;
}

/* server:wait(timeout, ...) -> mask: waits for a request, which is bit 0, or for one of the
** descriptors, of which each has the next bit. Not deaf to Ctrl-C */
static int server_wait (lua_State *L) {
  dm_server *server = check(L);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 2, "forever"));
  struct pollfd watched[WATCHED_MAX + 1] = { { .fd = server->queue.fd, .events = POLLIN } };
  int count = read_watched(L, watched) + 1, left, ready;
  dm_watch watch = dm_watch_begin(L);
  bool has = has_requests(&server->queue);
  lua_Integer mask;
  uint64_t told;
  do {
    left = has ? 0 : dm_deadline_slice(deadline);
    ready = poll(watched, (nfds_t)count, left);
    dm_watch_check(L, &watch);
  } while (ready == 0 && left > 0);
  mask = ready > 0 ? mask_of(watched, count) : 0;
  /* Emptied before the queue is read: what comes in between makes it readable again. */
  if ((mask & 1) != 0)
    while (read(server->queue.fd, &told, sizeof told) < 0) break;
  lua_pushinteger(L, has ? mask | 1 : mask);
  return 1;
}

/* server:tell(text) -> how many listen to the stream */
static int server_tell (lua_State *L) {
  size_t length;
  dm_server *server = check(L);
  const char *text = luaL_checklstring(L, 2, &length);
  lua_pushinteger(L, dm_streams_tell(&server->streams, text, length));
  return 1;
}

/* server:fits(token) -> boolean */
static int server_fits (lua_State *L) {
  lua_pushboolean(L, dm_guard_is_token(&check(L)->guard, luaL_checkstring(L, 2)));
  return 1;
}

/* server:login() -> the Set-Cookie of a session that begins */
static int server_login (lua_State *L) {
  char value[DM_GUARD_DIGITS + 1];
  dm_server *server = check(L);
  dm_guard *guard = &server->guard;
  if (!dm_guard_login(guard, value)) return luaL_error(L, "there is no randomness for a session");
  lua_pushfstring(L, DM_GUARD_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%I%s",
                  value, (LUAI_UACINT)((guard->session_ms + 999) / 1000),
                  server->tls.cert != NULL ? "; Secure" : "");
  return 1;
}

/* server:busy() -> how many requests are being read or not answered; streams are none */
static int server_busy (lua_State *L) {
  lua_pushinteger(L, dm_server_busy(check(L)));
  return 1;
}

/* server:figures() -> { requests, received, cut_off, connections, connections_max, streams,
** classes = { n, … } } */
static int server_figures (lua_State *L) {
  dm_server *server = check(L);
  dm_server_figures *figures = &server->figures;
  lua_newtable(L);
  dm_field_count(L, "requests", atomic_load(&figures->requests));
  dm_field_count(L, "received", atomic_load(&figures->received));
  dm_field_count(L, "cut_off", atomic_load(&figures->cut_off));
  dm_field_count(L, "connections", (uint64_t)atomic_load(&figures->connections));
  dm_field_count(L, "connections_max", (uint64_t)server->limits.connections);
  dm_field_count(L, "streams", (uint64_t)dm_streams_tell(&server->streams, "", 0));
  lua_newtable(L);
  for (int i = 1; i < 6; i++) {
    lua_pushinteger(L, (lua_Integer)atomic_load(&figures->classes[i]));
    lua_rawseti(L, -2, i);
  }
  lua_setfield(L, -2, "classes");
  return 1;
}

/* server:address() -> "127.0.0.1:9464" */
static int server_address (lua_State *L) {
  lua_pushstring(L, check_box(L)->address);
  return 1;
}

/* server:quiesce(): takes no more connections */
static int server_quiesce (lua_State *L) {
  dm_server_quiesce(check(L));
  return 0;
}

static int server_close (lua_State *L) {
  end_server(luaL_checkudata(L, 1, SERVER_TYPE));
  return 0;
}

void dm_server_lua_open (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "address", server_address }, { "busy", server_busy }, { "close", server_close },
    { "figures", server_figures }, { "fits", server_fits }, { "lane", server_lane },
    { "login", server_login }, { "quiesce", server_quiesce }, { "request", server_request },
    { "route", server_route }, { "set", server_set }, { "start", server_start },
    { "tell", server_tell }, { "wait", server_wait }, { NULL, NULL },
  };
  static const luaL_Reg metamethods[] = {
    { "__close", server_close }, { "__gc", server_close }, { NULL, NULL },
  };
  dm_metatable_new(L, SERVER_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
