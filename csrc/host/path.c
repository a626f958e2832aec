/* SPDX-License-Identifier: MIT */
#include "host/path.h"

#include <lauxlib.h>
#include <limits.h>
#include <lualib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LUA_FILES "/share/docmsg-lua"

static int is_folder (const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Pushes <prefix> of <prefix>/bin/docmsg-lua; the configured one where /proc is missing. */
static const char *push_prefix (lua_State *L) {
  char exe[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
  if (length > 0) {
    exe[length] = '\0';
    for (int level = 0; level < 2; level++) {
      char *slash = strrchr(exe, '/');
      if (slash != NULL) *slash = '\0';
    }
    const char *share = lua_pushfstring(L, "%s" LUA_FILES, exe);
    int found = is_folder(share);
    lua_pop(L, 1);
    if (found) return lua_pushstring(L, exe);
  }
  return lua_pushliteral(L, DOCMSG_PREFIX);
}

void dm_path_push_share (lua_State *L) {
  const char *prefix = push_prefix(L);
  lua_pushfstring(L, "%s" LUA_FILES, prefix);
  lua_remove(L, -2);
}

/* package[field] = text at the top .. ';' .. (fallback or what the field held) */
static void prepend (lua_State *L, int package, const char *field, const char *fallback) {
  lua_pushliteral(L, ";");
  if (fallback != NULL) lua_pushstring(L, fallback);
  else lua_getfield(L, package, field);
  lua_concat(L, 3);
  lua_setfield(L, package, field);
}

void dm_path_setup (lua_State *L, int ignore_environment) {
  lua_getglobal(L, LUA_LOADLIBNAME);
  int package = lua_gettop(L);
  const char *prefix = push_prefix(L);
  lua_pushfstring(L, "%s" LUA_FILES "/lua/?.lua;%s" LUA_FILES "/lua/?/init.lua", prefix, prefix);
  prepend(L, package, "path", ignore_environment ? LUA_PATH_DEFAULT : NULL);
  lua_pushfstring(L, "%s/lib/?.so;%s/" DOCMSG_LIBDIR "/lua/5.4/?.so", prefix, prefix);
  prepend(L, package, "cpath", ignore_environment ? LUA_CPATH_DEFAULT : NULL);
  lua_settop(L, package - 1);
}
