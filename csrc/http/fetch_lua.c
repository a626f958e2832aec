/* SPDX-License-Identifier: MIT */
#include "http/fetch_lua.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "http/fetch.h"
#include "kafka/clock.h"

/* Runs protected: pushes the body of the page, for which there may be no memory. */
static int push_body (lua_State *L) {
  const dm_http_page *page = lua_touserdata(L, 1);
  lua_pushlstring(L, page->body, page->length);
  return 1;
}

static int fail (lua_State *L, const char *reason) {
  lua_pushnil(L);
  lua_pushstring(L, reason);
  return 2;
}

int dm_fetch_lua (lua_State *L) {
  const char *where = luaL_checkstring(L, 1), *path = luaL_checkstring(L, 2);
  int timeout_ms = dm_duration_opt(L, 3, "5s"), failed;
  dm_http_address address;
  dm_http_page page;
  char reason[512];
  luaL_argcheck(L, path[0] == '/' && strpbrk(path, " \r\n") == NULL, 2, "a path begins with /");
  if (!dm_http_address_read(where, &address, reason, sizeof reason)) return fail(L, reason);
  if (!dm_http_fetch(&address, path, timeout_ms, &page, reason, sizeof reason)) {
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", where, reason);
    return 2;
  }
  lua_pushcfunction(L, push_body);
  lua_pushlightuserdata(L, &page);
  failed = lua_pcall(L, 1, 1, 0);
  free(page.text);
  if (failed) return lua_error(L);
  lua_pushinteger(L, page.code);
  return 2;
}
