/* SPDX-License-Identifier: MIT */
#include "http/route_lua.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/option.h"

#define WHAT "server:route"

/* The most of a body that is kept in memory, and of a file. */
#define BODY_MAX (1 << 20)
#define FILE_MAX ((lua_Integer)1 << 50)

static const dm_option options[] = {
  { "body", DM_OPTION_INTEGER, 0, BODY_MAX },
  { "lane", DM_OPTION_INTEGER, 1, DM_SERVER_LANES },
  { "method", DM_OPTION_STRING, 0, 0 },
  { "open", DM_OPTION_BOOLEAN, 0, 0 },
  { "path", DM_OPTION_STRING, 0, 0 },
  { "stream", DM_OPTION_BOOLEAN, 0, 0 },
  { "upload", DM_OPTION_TABLE, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

static const dm_option upload_options[] = {
  { "extensions", DM_OPTION_TABLE, 0, 0 },
  { "field", DM_OPTION_STRING, 0, 0 },
  { "folder", DM_OPTION_STRING, 0, 0 },
  { "max", DM_OPTION_INTEGER, 1, FILE_MAX },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

char **dm_route_copy_strings (lua_State *L, int idx) {
  lua_Integer n = luaL_len(L, idx);
  char **list = calloc((size_t)n + 1, sizeof *list);
  if (list == NULL) luaL_error(L, "not enough memory");
  for (lua_Integer i = 0; i < n; i++) {
    lua_geti(L, idx, i + 1);
    list[i] = lua_tostring(L, -1) != NULL ? strdup(lua_tostring(L, -1)) : NULL;
    lua_pop(L, 1);
  }
  return list;
}

/* A field of the options at idx, which must be there. */
static const char *check_text (lua_State *L, int idx, const char *name) {
  const char *text = dm_option_string(L, idx, name);
  if (text == NULL) luaL_error(L, WHAT ": %s: a string expected", name);
  return text;
}

/* The rules of an upload in the table at idx. */
static dm_upload_rules *read_upload (lua_State *L, int idx) {
  dm_upload_rules *rules;
  dm_option_check(L, idx, WHAT ": upload", upload_options);
  check_text(L, idx, "folder");
  check_text(L, idx, "field");
  if (lua_getfield(L, idx, "extensions") != LUA_TTABLE)
    luaL_error(L, WHAT ": upload: extensions: a list expected");
  rules = calloc(1, sizeof *rules);
  if (rules == NULL) luaL_error(L, "not enough memory");
  rules->folder = strdup(check_text(L, idx, "folder"));
  rules->field = strdup(check_text(L, idx, "field"));
  rules->extensions = dm_route_copy_strings(L, lua_gettop(L));
  rules->max = (uint64_t)dm_option_integer(L, idx, "max", 100 << 20);
  lua_pop(L, 1);
  dm_upload_prepare(rules);
  return rules;
}

static dm_queue *queue_of (lua_State *L, int idx, dm_server *server) {
  lua_Integer lane = dm_option_integer(L, idx, "lane", 0);
  if (lane > server->lane_count) luaL_error(L, WHAT ": there is no lane %I", (LUAI_UACINT)lane);
  return lane == 0 ? &server->queue : &server->lanes[lane - 1]->queue;
}

int dm_route_add (lua_State *L, int idx, dm_server *server) {
  dm_route route;
  const char *path;
  dm_option_check(L, idx, WHAT, options);
  path = check_text(L, idx, "path");
  if (path[0] != '/') luaL_error(L, WHAT ": a path begins with /");
  route = (dm_route){
    .method = (char *)check_text(L, idx, "method"), .path = (char *)path,
    .prefix = strlen(path) > 1 && path[strlen(path) - 1] == '/',
    .open = dm_option_flag(L, idx, "open"), .stream = dm_option_flag(L, idx, "stream"),
    .body_max = (size_t)dm_option_integer(L, idx, "body", 0), .queue = queue_of(L, idx, server),
  };
  if (lua_getfield(L, idx, "upload") == LUA_TTABLE) route.upload = read_upload(L, lua_gettop(L));
  lua_pop(L, 1);
  if (!dm_routes_add(&server->routes, &route)) {
    dm_upload_rules_free(route.upload);
    luaL_error(L, "not enough memory");
  }
  return server->routes.list[server->routes.count - 1].number;
}
