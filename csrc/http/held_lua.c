/* SPDX-License-Identifier: MIT */
#include "http/held_lua.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <unistd.h>

#include "base/metatable.h"
#include "http/upload.h"

#define LIST_TYPE "docmsg.http.HeldList"

static int close_list (lua_State *L) {
  DIR **list = luaL_checkudata(L, 1, LIST_TYPE);
  if (*list != NULL) closedir(*list);
  *list = NULL;
  return 0;
}

/* Pushes a box for a list of files, so that an error does not lose it. */
static DIR **push_list (lua_State *L) {
  DIR **list = lua_newuserdatauv(L, sizeof(DIR *), 0);
  *list = NULL;
  if (dm_metatable_new(L, LIST_TYPE)) {
    lua_pushcfunction(L, close_list);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, close_list);
    lua_setfield(L, -2, "__close");
  }
  lua_setmetatable(L, -2);
  return list;
}

int dm_held_lua (lua_State *L) {
  const char *folder = luaL_checkstring(L, 1), *name;
  DIR **list = push_list(L);
  lua_Integer count = 0;
  lua_toclose(L, -1);
  *list = opendir(folder);
  if (*list == NULL) return luaL_fileresult(L, 0, folder);
  lua_newtable(L);
  while ((name = dm_upload_next_held(*list)) != NULL) {
    lua_pushstring(L, name);
    lua_rawseti(L, -2, ++count);
  }
  return errno == 0 ? 1 : luaL_fileresult(L, 0, folder);
}

int dm_settle_lua (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), code;
  bool settled = fd >= 0 && dm_upload_settle(fd);
  code = errno;
  if (fd >= 0) close(fd);
  errno = code;
  return luaL_fileresult(L, settled, path);
}
