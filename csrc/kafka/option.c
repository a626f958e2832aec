/* SPDX-License-Identifier: MIT */
#include "kafka/option.h"

#include <lauxlib.h>
#include <string.h>

#include "kafka/clock.h"

#define WORD_MAX 64

static size_t least (size_t a, size_t b, size_t c) {
  size_t ab = a < b ? a : b;
  return ab < c ? ab : c;
}

/* Edit distance where a transposition counts two; both words are cut at WORD_MAX. */
static size_t distance (const char *a, const char *b) {
  size_t row[WORD_MAX + 1];
  size_t la = strnlen(a, WORD_MAX), lb = strnlen(b, WORD_MAX);
  for (size_t j = 0; j <= lb; j++) row[j] = j;
  for (size_t i = 1; i <= la; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= lb; j++) {
      size_t above = row[j];
      row[j] = least(row[j - 1] + 1, above + 1, diagonal + (a[i - 1] != b[j - 1]));
      diagonal = above;
    }
  }
  return row[lb];
}

const char *dm_nearest (const char *word, const void *names, size_t n, dm_name_at at) {
  const char *best = NULL;
  size_t best_distance = strnlen(word, WORD_MAX) / 3 + 1;
  for (size_t i = 0; i < n; i++) {
    const char *name = at(names, i);
    size_t d = distance(word, name);
    if (d < best_distance || (d == best_distance && best == NULL)) {
      best = name;
      best_distance = d;
    }
  }
  return best;
}

static const char *candidate_at (const void *names, size_t i) {
  const char *const *list = names;
  return list[i];
}

int dm_nearest_lua (lua_State *L) {
  const char *word = luaL_checkstring(L, 1);
  lua_Integer n;
  const char **names;
  luaL_checktype(L, 2, LUA_TTABLE);
  n = (lua_Integer)lua_rawlen(L, 2);
  names = lua_newuserdatauv(L, (size_t)(n > 0 ? n : 1) * sizeof *names, 0);
  luaL_checkstack(L, 4, "nearest");
  for (lua_Integer i = 1; i <= n; i++) {
    if (lua_rawgeti(L, 2, i) != LUA_TSTRING)
      return luaL_error(L, "candidates[%I]: string expected, got %s", i, luaL_typename(L, -1));
    names[i - 1] = lua_tostring(L, -1);
    lua_pop(L, 1); /* the table keeps it */
  }
  lua_pushstring(L, dm_nearest(word, names, (size_t)(n > 0 ? n : 0), candidate_at));
  return 1;
}

static const char *option_at (const void *names, size_t i) {
  const dm_option *options = names;
  return options[i].name;
}

static size_t count (const dm_option *options) {
  size_t n = 0;
  while (options[n].name != NULL) n++;
  return n;
}

static const dm_option *find (const dm_option *options, const char *name) {
  for (; options->name != NULL; options++)
    if (strcmp(options->name, name) == 0) return options;
  return NULL;
}

static void unknown (lua_State *L, const char *what, const char *name, const dm_option *options) {
  const char *nearest = dm_nearest(name, options, count(options), option_at);
  if (nearest != NULL)
    luaL_error(L, "%s: unknown option '%s'; did you mean '%s'?", what, name, nearest);
  luaL_error(L, "%s: unknown option '%s'", what, name);
}

static void mistyped (lua_State *L, const char *what, const char *name, const char *expected) {
  luaL_error(L, "%s: %s: %s expected, got %s", what, name, expected, luaL_typename(L, -1));
}

static void check_integer (lua_State *L, const char *what, const dm_option *option) {
  int exact;
  lua_Integer value = lua_tointegerx(L, -1, &exact);
  if (lua_type(L, -1) != LUA_TNUMBER || !exact) mistyped(L, what, option->name, "integer");
  if (value < option->min || value > option->max)
    luaL_error(L, "%s: %s: %I is not within %I..%I", what, option->name, value, option->min,
               option->max);
}

/* C strings end at a NUL: one inside would be cut off silently. */
static void check_string (lua_State *L, const char *what, const char *name) {
  size_t len;
  const char *s;
  if (lua_type(L, -1) != LUA_TSTRING) mistyped(L, what, name, "string");
  s = lua_tolstring(L, -1, &len);
  if (strlen(s) != len) luaL_error(L, "%s: %s: the string has a NUL byte inside", what, name);
}

static void check_strings (lua_State *L, const char *what, const char *name) {
  if (lua_type(L, -1) == LUA_TSTRING) {
    check_string(L, what, name);
    return;
  }
  if (!lua_istable(L, -1)) mistyped(L, what, name, "string or list of strings");
  for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, -1); i <= n; i++) {
    lua_rawgeti(L, -1, i);
    check_string(L, what, name);
    lua_pop(L, 1);
  }
}

static void check_duration (lua_State *L, const char *what, const char *name) {
  const char *named = lua_pushfstring(L, "%s: %s", what, name);
  lua_insert(L, -2);
  dm_duration_check(L, lua_gettop(L), named);
  lua_remove(L, -2);
}

/* Checks the value on the top of the stack. */
static void check_value (lua_State *L, const char *what, const dm_option *option) {
  switch (option->kind) {
    case DM_OPTION_STRING: check_string(L, what, option->name); break;
    case DM_OPTION_STRINGS: check_strings(L, what, option->name); break;
    case DM_OPTION_INTEGER: check_integer(L, what, option); break;
    case DM_OPTION_DURATION: check_duration(L, what, option->name); break;
    case DM_OPTION_BOOLEAN:
      if (!lua_isboolean(L, -1)) mistyped(L, what, option->name, "boolean");
      break;
    case DM_OPTION_TABLE:
      if (!lua_istable(L, -1)) mistyped(L, what, option->name, "table");
      break;
    case DM_OPTION_FUNCTION:
      if (!lua_isfunction(L, -1)) mistyped(L, what, option->name, "function");
      break;
    case DM_OPTION_ANY: break;
  }
}

void dm_option_check (lua_State *L, int idx, const char *what, const dm_option *options) {
  idx = lua_absindex(L, idx);
  if (!lua_istable(L, idx))
    luaL_error(L, "%s: options table expected, got %s", what, luaL_typename(L, idx));
  luaL_checkstack(L, 8, what);
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
    const dm_option *option;
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "%s: options are named, got a %s key", what, luaL_typename(L, -2));
    option = find(options, lua_tostring(L, -2));
    if (option == NULL) unknown(L, what, lua_tostring(L, -2), options);
    check_value(L, what, option);
  }
}

void dm_option_default (lua_State *L, int arg) {
  if (!lua_isnoneornil(L, arg)) return;
  if (lua_gettop(L) < arg) lua_settop(L, arg);
  lua_newtable(L);
  lua_replace(L, arg);
}

const char *dm_option_string (lua_State *L, int idx, const char *name) {
  const char *s;
  lua_getfield(L, idx, name);
  s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pop(L, 1);
  return s;
}

lua_Integer dm_option_integer (lua_State *L, int idx, const char *name, lua_Integer def) {
  lua_Integer value = lua_getfield(L, idx, name) == LUA_TNUMBER ? lua_tointeger(L, -1) : def;
  lua_pop(L, 1);
  return value;
}

int dm_option_flag (lua_State *L, int idx, const char *name) {
  int value;
  lua_getfield(L, idx, name);
  value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

int dm_option_duration (lua_State *L, int idx, const char *name, const char *def) {
  int ms;
  if (lua_getfield(L, idx, name) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_pushstring(L, def);
  }
  ms = dm_duration_check(L, lua_gettop(L), name);
  lua_pop(L, 1);
  return ms;
}
