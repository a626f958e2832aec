/* SPDX-License-Identifier: MIT */
#include "host/host.h"

#include <errno.h>
#include <lauxlib.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/lua/engine_lua.h"
#include "host/background.h"
#include "host/interrupt.h"
#include "host/line.h"
#include "host/path.h"
#include "kafka/clock.h"
#include "kafka/module.h"
#include "runtime/module.h"
#include "schema/module.h"

/* Why standard output was lost, or NULL. A reader that went away is no loss. */
static const char *flush_output (void) {
  errno = 0;
  if (fflush(stdout) == 0 && !ferror(stdout)) return NULL;
  if (dm_interrupt_is_output_broken()) return NULL;
  return errno != 0 ? strerror(errno) : "not everything was written";
}

int dm_host_finish (lua_State *L, int status) {
  if (dm_interrupt_close()) lua_close(L);  /* not again when a finalizer calls os.exit */
  const char *reason = flush_output();
  if (reason == NULL) return status;
  fprintf(stderr, "docmsg-lua: standard output: %s\n", reason);
  return status == EXIT_SUCCESS ? EXIT_FAILURE : status;
}

/* os.exit([code [, close]]): like Lua's, but the state is closed unless 'close' is false. */
static int host_exit (lua_State *L) {
  int status = EXIT_SUCCESS;
  if (lua_isboolean(L, 1)) status = lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE;
  else status = (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
  if (!lua_isnoneornil(L, 2) && !lua_toboolean(L, 2)) exit(status);
  exit(dm_host_finish(L, status));
}

/* stat(path) -> "file" | "folder" | "other" | nil, reason */
static int host_stat (lua_State *L) {
  struct stat info;
  const char *path = luaL_checkstring(L, 1);
  if (stat(path, &info) != 0) return luaL_fileresult(L, 0, path);
  lua_pushstring(L, S_ISDIR(info.st_mode) ? "folder" : S_ISREG(info.st_mode) ? "file" : "other");
  return 1;
}

/* isatty(fd) -> boolean */
static int host_isatty (lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

/* environment() -> { name = value } */
static int host_environment (lua_State *L) {
  lua_newtable(L);
  for (char **entry = environ; *entry != NULL; entry++) {
    const char *equals = strchr(*entry, '=');
    if (equals == NULL) continue;
    lua_pushlstring(L, *entry, (size_t)(equals - *entry));
    lua_pushstring(L, equals + 1);
    lua_rawset(L, -3);
  }
  return 1;
}

/* ignore_environment(): the module paths forget LUA_PATH and LUA_CPATH */
static int host_ignore_environment (lua_State *L) {
  dm_path_setup(L, 1);
  return 0;
}

/* cores() -> how many processors this process may use */
static int host_cores (lua_State *L) {
  cpu_set_t set;
  lua_pushinteger(L, sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1);
  return 1;
}

/* now() -> seconds of a clock that never goes back */
static int host_now (lua_State *L) {
  lua_pushnumber(L, (lua_Number)dm_clock_us() / 1e6);
  return 1;
}

/* listen(on [, hangup]): with 'on', signals are asked for with signal() instead of being raised,
** and, with 'hangup', SIGHUP with hangup() */
static int host_listen (lua_State *L) {
  dm_interrupt_listen(lua_toboolean(L, 1), lua_toboolean(L, 2));
  return 0;
}

/* signal() -> the signal that came while listening, or nil */
static int host_signal (lua_State *L) {
  if (dm_interrupt_pending() == 0) return 0;
  lua_pushinteger(L, dm_interrupt_pending());
  return 1;
}

/* hangup() -> boolean: has a SIGHUP come since the last call, while listening? */
static int host_hangup (lua_State *L) {
  lua_pushboolean(L, dm_interrupt_take_hangup());
  return 1;
}

/* fingerprint(path) -> a string that another content, or another file, changes | nil, reason */
static int host_fingerprint (lua_State *L) {
  struct stat info;
  const char *path = luaL_checkstring(L, 1);
  if (stat(path, &info) != 0) return luaL_fileresult(L, 0, path);
  lua_pushfstring(L, "%I/%I/%I/%I/%I", (LUAI_UACINT)info.st_dev, (LUAI_UACINT)info.st_ino,
                  (LUAI_UACINT)info.st_size, (LUAI_UACINT)info.st_mtim.tv_sec,
                  (LUAI_UACINT)info.st_mtim.tv_nsec);
  return 1;
}

static const luaL_Reg functions[] = {
  { "aside", dm_interrupt_aside },
  { "call", dm_interrupt_call },
  { "cores", host_cores },
  { "environment", host_environment },
  { "fingerprint", host_fingerprint },
  { "hangup", host_hangup },
  { "ignore_environment", host_ignore_environment },
  { "isatty", host_isatty },
  { "listen", host_listen },
  { "now", host_now },
  { "open_kafka", luaopen_docmsg_kafka },
  { "open_runtime", luaopen_docmsg_runtime },
  { "signal", host_signal },
  { "stat", host_stat },
  { NULL, NULL }
};

/* Modules that are part of the program, besides docmsg.kafka, which docmsg.cli configures. */
static void preload (lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_docmsg_engine);
  lua_setfield(L, -2, "docmsg.engine");
  lua_pushcfunction(L, luaopen_docmsg_schema_core);
  lua_setfield(L, -2, "docmsg.schema.core");
  lua_pop(L, 1);
}

void dm_host_install (lua_State *L) {
  preload(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  luaL_newlib(L, functions);
  dm_background_register(L);
  dm_line_register(L);
  dm_path_push_share(L);
  lua_setfield(L, -2, "share");
  lua_pushliteral(L, DOCMSG_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushliteral(L, LUA_RELEASE);
  lua_setfield(L, -2, "lua");
  lua_setfield(L, -2, "docmsg.host");
  lua_pop(L, 1);
  lua_getglobal(L, "os");
  lua_pushcfunction(L, host_exit);
  lua_setfield(L, -2, "exit");
  lua_pop(L, 1);
}
