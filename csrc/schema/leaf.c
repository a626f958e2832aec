/* SPDX-License-Identifier: MIT */
/* The kinds of values without parts, and those without a schema. */
#include "schema/datetime.h"
#include "schema/utf8.h"
#include "schema/walk.h"

/* From here on a float no longer tells neighbouring integers apart. */
#define EXACT 0x1p53

static void put (const dm_walk *w, const char *bytes, size_t size) {
  if (w->text != NULL) dm_text_put(w->text, bytes, size);
}

/* The text at the top is written, when anything is. */
static void put_top (const dm_walk *w) {
  size_t size;
  const char *text = lua_tolstring(w->L, -1, &size);
  put(w, text, size);
}

/* The value at the top becomes the one on top of it. */
static void replace (dm_walk *w) {
  lua_replace(w->L, -2);
  w->changed = true;
}

/* -- Strings ---------------------------------------------------------------------------------- */

static void put_quoted (const dm_walk *w, const char *text, size_t size) {
  char *at = dm_text_room(w->text, size + 2);
  at[0] = '"';
  memcpy(at + 1, text, size);
  at[size + 1] = '"';
  w->text->size += size + 2;
}

/* Writes a string of these kinds of bytes. */
static bool write_string (dm_walk *w, const char *text, size_t size, unsigned kinds) {
  if ((kinds & DM_BYTES_HIGH) && dm_utf8_invalid(text, size) != size)
    return dm_walk_refuse(w, DM_HELPER_INVALID);
  if (!(kinds & DM_BYTES_ESCAPE)) {
    put_quoted(w, text, size);
    return true;
  }
  dm_walk_push(w, DM_HELPER_WRITE_STRING);
  lua_pushvalue(w->L, -2);
  lua_call(w->L, 1, 1);
  put_top(w);
  lua_pop(w->L, 1);
  return true;
}

bool dm_write_string (dm_walk *w) {
  size_t size;
  const char *text = lua_tolstring(w->L, -1, &size);
  return write_string(w, text, size, dm_bytes_kinds(text, size));
}

/* Does the string at the top match the node's pattern? */
static bool matches (const dm_walk *w, const dm_node *node) {
  bool found;
  dm_walk_push(w, DM_HELPER_FIND);
  lua_pushvalue(w->L, -2);
  dm_walk_push(w, node->extra);
  lua_call(w->L, 2, 1);
  found = lua_toboolean(w->L, -1);
  lua_pop(w->L, 1);
  return found;
}

bool dm_visit_string (dm_walk *w, const dm_node *node) {
  size_t size;
  const char *text;
  unsigned kinds = 0;
  if (lua_type(w->L, -1) != LUA_TSTRING) return dm_walk_expected(w, node);
  text = lua_tolstring(w->L, -1, &size);
  if ((lua_Integer)size < node->min.integer || (lua_Integer)size > node->max.integer)
    return dm_walk_expected(w, node);
  if (node->no_control || w->text != NULL) kinds = dm_bytes_kinds(text, size);
  if (node->no_control && (kinds & DM_BYTES_CONTROL)) return dm_walk_expected(w, node);
  if (node->extra != 0 && !matches(w, node)) return dm_walk_expected(w, node);
  return w->text == NULL || write_string(w, text, size, kinds);
}

bool dm_visit_datetime (dm_walk *w, const dm_node *node) {
  size_t size;
  const char *text;
  if (lua_type(w->L, -1) != LUA_TSTRING) return dm_walk_expected(w, node);
  text = lua_tolstring(w->L, -1, &size);
  if (!dm_datetime_valid(text, size)) return dm_walk_expected(w, node);
  if (w->text != NULL) put_quoted(w, text, size);
  return true;
}

bool dm_visit_enum (dm_walk *w, const dm_node *node) {
  dm_walk_push(w, node->extra);
  lua_pushvalue(w->L, -2);
  if (lua_rawget(w->L, -2) == LUA_TNIL) {
    lua_pop(w->L, 2);
    return dm_walk_expected(w, node);
  }
  put_top(w);
  lua_pop(w->L, 2);
  return true;
}

/* -- Numbers and booleans --------------------------------------------------------------------- */

/* Makes the value at the top, which is no integer, one. */
static bool make_integer (dm_walk *w, const dm_node *node) {
  lua_Number number;
  if (lua_type(w->L, -1) != LUA_TNUMBER) return dm_walk_expected(w, node);
  number = lua_tonumber(w->L, -1);
  if (number >= EXACT || number <= -EXACT)
    return w->parsed ? dm_walk_doubt(w) : dm_walk_refuse(w, DM_HELPER_INEXACT);
  if (number != number || number != (lua_Number)(lua_Integer)number)
    return dm_walk_expected(w, node);
  lua_pushinteger(w->L, (lua_Integer)number);
  replace(w);
  return true;
}

bool dm_visit_integer (dm_walk *w, const dm_node *node) {
  lua_Integer number;
  bool given = lua_isinteger(w->L, -1);
  if (!given && !make_integer(w, node)) return false;
  number = lua_tointeger(w->L, -1);
  /* A newer lua-cjson stops here when the text has a larger one. */
  if (given && w->parsed && (number == LUA_MAXINTEGER || number == LUA_MININTEGER))
    return dm_walk_doubt(w);
  if (number < node->min.integer || number > node->max.integer) return dm_walk_expected(w, node);
  if (w->text != NULL) dm_text_put_integer(w->text, number);
  return true;
}

/* Makes the integer at the top a float, unless it loses digits. */
static bool make_float (dm_walk *w) {
  lua_Integer number = lua_tointeger(w->L, -1);
  lua_Number floating = (lua_Number)number;
  lua_Integer back;
  if (!lua_numbertointeger(floating, &back) || back != number)
    return dm_walk_refuse(w, DM_HELPER_INEXACT);
  lua_pushnumber(w->L, floating);
  replace(w);
  return true;
}

/* Is the float at the top one that JSON can carry? */
static bool is_carried (dm_walk *w) {
  lua_Number number = lua_tonumber(w->L, -1);
  if (number < EXACT && number > -EXACT) return true;
  if (w->parsed) return dm_walk_doubt(w);
  return number - number == 0 || dm_walk_refuse(w, DM_HELPER_FINITE);
}

bool dm_visit_number (dm_walk *w, const dm_node *node) {
  bool is_integer = lua_isinteger(w->L, -1);
  lua_Number number;
  if (lua_type(w->L, -1) != LUA_TNUMBER) return dm_walk_expected(w, node);
  if (is_integer ? w->text == NULL && !make_float(w) : !is_carried(w)) return false;
  number = lua_tonumber(w->L, -1);
  if (number < node->min.number || number > node->max.number) return dm_walk_expected(w, node);
  if (w->text == NULL) return true;
  if (is_integer) dm_text_put_integer(w->text, lua_tointeger(w->L, -1));
  else dm_text_put_float(w->text, number);
  return true;
}

bool dm_visit_boolean (dm_walk *w, const dm_node *node) {
  if (!lua_isboolean(w->L, -1)) return dm_walk_expected(w, node);
  if (lua_toboolean(w->L, -1)) put(w, "true", 4);
  else put(w, "false", 5);
  return true;
}

/* -- Values without a schema ------------------------------------------------------------------ */

/* Calls the helper, which gives a result, or nil and a reason, and pushes the result. */
static bool ask (dm_walk *w, dm_helper helper) {
  dm_walk_push(w, helper);
  lua_pushvalue(w->L, -2);
  lua_call(w->L, 1, 2);
  if (!lua_isnil(w->L, -1)) return dm_walk_reason(w);
  lua_pop(w->L, 1);
  return true;
}

/* Settles the value at the top, or writes it. */
static bool pass_on (dm_walk *w) {
  if (w->text != NULL) {
    if (!ask(w, DM_HELPER_ENCODE)) return false;
    put_top(w);
    lua_pop(w->L, 1);
  }
  else if (w->parsed) {
    if (!ask(w, DM_HELPER_SETTLE)) return false;
    replace(w);
  }
  return true;
}

bool dm_visit_any (dm_walk *w, const dm_node *node) {
  return lua_isnil(w->L, -1) ? dm_walk_expected(w, node) : pass_on(w);
}

/* An empty table is left alone: whoever expects an object takes it for one. */
bool dm_visit_object (dm_walk *w, const dm_node *node) {
  lua_State *L = w->L;
  if (!lua_istable(L, -1)) return dm_walk_expected(w, node);
  if (lua_rawgeti(L, -1, 1) != LUA_TNIL) {
    lua_pop(L, 1);
    return dm_walk_expected(w, node);
  }
  if (lua_next(L, -2) == 0) {
    put(w, "{}", 2);
    return true;
  }
  lua_pop(L, 2);
  return pass_on(w);
}
