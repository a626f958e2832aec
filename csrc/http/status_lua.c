/* SPDX-License-Identifier: MIT */
#include "http/status_lua.h"

#include <lauxlib.h>

#include "http/status.h"
#include "kafka/clock.h"
#include "kafka/metatable.h"
#include "kafka/option.h"
#include "kafka/state.h"

#define STATUS_TYPE "docmsg.http.Status"
#define WHAT "http.status"

typedef struct status_box {
  dm_status *status; /* NULL: closed */
  dm_state *state;
  char address[DM_HTTP_ADDRESS_ROOM];
} status_box;

static const dm_option options[] = {
  { "address", DM_OPTION_STRING, 0, 0 },
  { "public", DM_OPTION_BOOLEAN, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

static status_box *check_box (lua_State *L) {
  status_box *box = luaL_checkudata(L, 1, STATUS_TYPE);
  if (box->status == NULL) luaL_error(L, "this HTTP server is closed");
  return box;
}

static int fail (lua_State *L, const char *reason) {
  lua_pushnil(L);
  lua_pushstring(L, reason);
  return 2;
}

int dm_status_lua (lua_State *L) {
  status_box *box;
  dm_http_address address;
  char reason[512];
  lua_settop(L, 1);
  dm_option_check(L, 1, WHAT, options);
  if (dm_option_string(L, 1, "address") == NULL)
    return luaL_error(L, WHAT ": address: a string expected");
  box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (status_box){ .state = dm_state_get(L) };
  luaL_setmetatable(L, STATUS_TYPE);
  if (!dm_http_address_read(dm_option_string(L, 1, "address"), &address, reason, sizeof reason))
    return fail(L, reason);
  if (!address.loopback && !dm_option_flag(L, 1, "public"))
    return fail(L, "this address is reached from other machines: that must be asked for");
  box->status = dm_status_new(&address, reason, sizeof reason);
  if (box->status == NULL) return fail(L, reason);
  box->state->clients++;
  dm_http_address_write(&address, box->address);
  return 1;
}

/* status:set(path, code, type, body [, valid]): the answer to a path; after 'valid' it is stale */
static int status_set (lua_State *L) {
  const status_box *box = check_box(L);
  dm_status_page page = {
    .path = luaL_checkstring(L, 2),
    .code = (int)luaL_checkinteger(L, 3),
    .type = luaL_checkstring(L, 4),
    .body = luaL_checklstring(L, 5, &page.length),
    .valid_ms = dm_duration_opt(L, 6, "forever"),
  };
  luaL_argcheck(L, page.path[0] == '/', 2, "a path begins with /");
  luaL_argcheck(L, page.code >= 200 && page.code <= 599, 3, "200 to 599 expected");
  if (!dm_status_set(box->status, &page)) return luaL_error(L, "no room for %s", page.path);
  return 0;
}

/* status:address() -> "127.0.0.1:9464" */
static int status_address (lua_State *L) {
  lua_pushstring(L, check_box(L)->address);
  return 1;
}

static int status_close (lua_State *L) {
  status_box *box = luaL_checkudata(L, 1, STATUS_TYPE);
  dm_status *status = box->status;
  if (status == NULL) return 0;
  box->status = NULL;
  box->state->clients--;
  dm_status_free(status);
  return 0;
}

void dm_status_lua_open (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "address", status_address }, { "close", status_close }, { "set", status_set }, { NULL, NULL },
  };
  static const luaL_Reg metamethods[] = {
    { "__close", status_close }, { "__gc", status_close }, { NULL, NULL },
  };
  dm_metatable_new(L, STATUS_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
