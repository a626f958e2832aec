/* SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <lua.h>

#include "kafka/module.h"

int luaopen_docmsg_kafka (lua_State *L) {
  lua_newtable(L);
  return 1;
}
