/* SPDX-License-Identifier: MIT */
/* main.c -- the program docmsg-lua: opens a state and leaves the rest to lua/docmsg/cli.lua. */
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/host.h"
#include "host/interrupt.h"
#include "host/path.h"
#include "host/protect.h"
#include "worker/pool.h"

/* A closed standard descriptor would be the next socket's number, and print would write there. */
static void occupy_standard_descriptors (void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) == -1) open("/dev/null", O_RDONLY);
}

/* See lua_Alloc. */
static void *allocate (void *pool, void *block, size_t old, size_t size) {
  return dm_pool_resize(pool, block, block != NULL ? old : 0, size);
}

/* Pushes the arguments as a table that begins at 0. */
static void push_arguments (lua_State *L, int argc, char **argv) {
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i);
  }
}

/* Runs docmsg.cli's main. Arguments: argc, argv. Returns the exit status. */
static int pmain (lua_State *L) {
  int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  luaL_checkversion(L);
  lua_gc(L, LUA_GCSTOP);  /* docmsg.cli restarts it when it hands over to the user's code */
  luaL_openlibs(L);
  dm_interrupt_init(L);
  dm_protect_install(L);
  dm_path_setup(L, 0);
  dm_host_install(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "docmsg.cli");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "main");
  push_arguments(L, argc, argv);
  lua_call(L, 1, 1);
  return 1;
}

int main (int argc, char **argv) {
  occupy_standard_descriptors();
  dm_pool pool = { .left = 0 };
  lua_State *L = luaL_newstate();
  if (L == NULL) {
    fputs("docmsg-lua: not enough memory\n", stderr);
    return EXIT_FAILURE;
  }
  /* The few blocks that it has from malloc by now join the pool's as they are freed. */
  lua_setallocf(L, allocate, &pool);
  lua_pushcfunction(L, pmain);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int status = EXIT_FAILURE;
  if (lua_pcall(L, 2, 1, 0) == LUA_OK) status = (int)lua_tointeger(L, -1);
  else fprintf(stderr, "docmsg-lua: %s\n", luaL_tolstring(L, -1, NULL));
  return dm_host_finish(L, status);
}
