/* SPDX-License-Identifier: MIT */
#include "http/module.h"

#include <lauxlib.h>

#include "http/status_lua.h"
#include "kafka/module.h"

static const luaL_Reg functions[] = {
  { "status", dm_status_lua },
  { NULL, NULL },
};

int luaopen_docmsg_http (lua_State *L) {
  luaL_checkversion(L);
  luaL_requiref(L, "docmsg.kafka", luaopen_docmsg_kafka, 0); /* its state counts the servers */
  lua_pop(L, 1);
  dm_status_lua_open(L);
  luaL_newlib(L, functions);
  return 1;
}
