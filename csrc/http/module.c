/* SPDX-License-Identifier: MIT */
#include "http/module.h"

#include <lauxlib.h>

#include "http/fetch_lua.h"
#include "http/held_lua.h"
#include "http/request_lua.h"
#include "http/server_lua.h"

static const luaL_Reg functions[] = {
  { "get", dm_fetch_lua },
  { "held", dm_held_lua },
  { "server", dm_server_lua },
  { "settle", dm_settle_lua },
  { "status", dm_status_lua },
  { NULL, NULL },
};

int luaopen_docmsg_http (lua_State *L) {
  luaL_checkversion(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "docmsg.kafka"); /* its state counts the servers */
  lua_call(L, 1, 0);
  dm_asked_open(L);
  dm_server_lua_open(L);
  luaL_newlib(L, functions);
  return 1;
}
