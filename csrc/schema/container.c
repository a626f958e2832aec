/* SPDX-License-Identifier: MIT */
/* The kinds of values with parts: records, lists, maps. */
#include "schema/walk.h"

/* What a container and its fields have on the stack at once, and some more. */
#define STACK_ROOM 16

static void put_char (const dm_walk *w, char byte) {
  if (w->text != NULL) dm_text_put(w->text, &byte, 1);
}

/* Writes the text without its leading comma, where an object begins. */
static void put_member (const dm_walk *w, const char *text, size_t size) {
  bool first = w->text->at[w->text->size - 1] == '{';
  if (size > 0) dm_text_put(w->text, text + first, size - first);
}

static bool open_table (dm_walk *w, const dm_node *node) {
  if (!lua_istable(w->L, -1)) return dm_walk_expected(w, node);
  luaL_checkstack(w->L, STACK_ROOM, "a value is nested too deeply");
  return true;
}

/* -- Records ---------------------------------------------------------------------------------- */

/* One visit of a record. A record that is checked is changed in place. One that is written stays as
** it is: where functions look at it, they see a copy with its defaults. */
typedef struct record {
  const dm_node *node;
  int given;          /* stack index of the record */
  int seen;           /* of the same, or of its copy */
  bool own;           /* 'seen' may be changed */
  lua_Integer known;  /* fields of 'given' that are declared */
} record;

/* Makes 'seen' a copy, when functions look at a record that must not be changed. */
static void make_own (const dm_walk *w, record *r) {
  if (r->own || !r->node->observed) return;
  dm_walk_push(w, DM_HELPER_SHALLOW);
  lua_pushvalue(w->L, r->given);
  lua_call(w->L, 1, 1);
  lua_replace(w->L, r->seen);
  r->own = true;
}

/* Sets the field in 'seen' to the value at the top. */
static void store (const dm_walk *w, record *r, const dm_field *field) {
  lua_State *L = w->L;
  make_own(w, r);
  if (!r->own) return;
  dm_walk_push(w, field->name.number);
  lua_pushvalue(L, -2);
  lua_rawset(L, r->seen);
}

/* Pushes the field's value as it is to be visited; nil: it is absent, and may be. */
static void push_field (dm_walk *w, record *r, const dm_field *field) {
  bool given;
  dm_walk_push(w, field->name.number);
  given = lua_rawget(w->L, r->given) != LUA_TNIL;
  w->changed = false;
  if (field->optional && dm_walk_is_null(w)) {
    lua_pop(w->L, 1);
    lua_pushnil(w->L);
    w->changed = true;
  }
  if (field->absent.value != 0 && lua_isnil(w->L, -1)) {
    lua_pop(w->L, 1);
    make_own(w, r);
    dm_walk_push_default(w, field->absent, r->seen);
    w->changed = true;
  }
  if (w->changed) store(w, r, field);
  r->known += w->text != NULL ? given : !lua_isnil(w->L, -1);
}

static bool visit_field (dm_walk *w, record *r, const dm_field *field) {
  lua_State *L = w->L;
  push_field(w, r, field);
  if (lua_isnil(L, -1) && field->optional) {
    lua_pop(L, 1);
    return true;
  }
  if (w->text != NULL) put_member(w, field->label.at, field->label.size);
  w->changed = false;
  if (!dm_walk_visit(w, &w->program->nodes[field->node])) {
    dm_walk_push(w, field->name.number);
    return dm_walk_within(w);
  }
  if (w->changed) store(w, r, field);
  lua_pop(L, 1);
  return true;
}

static lua_Integer count_fields (lua_State *L, int idx) {
  lua_Integer count = 0;
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) count++;
  return count;
}

/* Settles the fields that are not declared, or writes them: they are kept. */
static bool visit_others (dm_walk *w, const record *r) {
  lua_State *L = w->L;
  if (count_fields(L, r->given) == r->known) return true;
  dm_walk_push(w, w->text != NULL ? DM_HELPER_WRITE_OTHERS : DM_HELPER_SETTLE_OTHERS);
  lua_pushvalue(L, r->given);
  dm_walk_push(w, r->node->extra);
  lua_pushboolean(L, !w->parsed);
  lua_call(L, 3, 3);
  if (!lua_isnil(L, -2)) return dm_walk_reason_at(w);
  lua_pop(L, 2);
  if (w->text != NULL) {
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    put_member(w, text, size);
  }
  lua_pop(L, 1);
  return true;
}

bool dm_visit_record (dm_walk *w, const dm_node *node) {
  record r = { .node = node, .given = lua_gettop(w->L), .own = w->text == NULL };
  const dm_field *field = w->program->fields + node->first, *end = field + node->count;
  if (!open_table(w, node)) return false;
  r.seen = r.given + 1;
  lua_pushvalue(w->L, r.given);
  put_char(w, '{');
  for (; field < end; field++)
    if (!visit_field(w, &r, field)) return false;
  if (!visit_others(w, &r)) return false;
  put_char(w, '}');
  lua_replace(w->L, r.given); /* the user's check sees the copy */
  w->changed = false;
  return true;
}

/* -- Arrays and tuples ------------------------------------------------------------------------ */

/* Is the table at idx a list of 'count' items, without holes or other keys? */
static bool is_list (lua_State *L, int list, lua_Integer count) {
  lua_Integer found = 0;
  if (count > 0) lua_pushinteger(L, count);
  else lua_pushnil(L);
  if (lua_next(L, list) == 0) return true;
  lua_pop(L, 2);
  for (lua_pushnil(L); lua_next(L, list); lua_pop(L, 1)) {
    lua_Integer key = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
    if (key < 1 || key > count) {
      lua_pop(L, 2);
      return false;
    }
    found++;
  }
  return found == count;
}

/* Is the value at the top a list of the right length? */
static bool open_list (dm_walk *w, const dm_node *node, lua_Integer *count) {
  lua_State *L = w->L;
  if (!open_table(w, node)) return false;
  *count = (lua_Integer)lua_rawlen(L, -1);
  if (!is_list(L, lua_gettop(L), *count)) return dm_walk_expected(w, node);
  if (*count >= node->min.integer && *count <= node->max.integer) return true;
  dm_walk_push(w, DM_HELPER_COUNTED);
  dm_walk_push(w, node->what);
  lua_pushinteger(L, *count);
  lua_call(L, 2, 1);
  return dm_walk_reason(w);
}

bool dm_visit_list (dm_walk *w, const dm_node *node) {
  lua_State *L = w->L;
  const int32_t *items = w->program->items + node->first;
  bool tuple = node->kind == DM_KIND_TUPLE;
  int list = lua_gettop(L);
  lua_Integer count;
  if (!open_list(w, node, &count)) return false;
  put_char(w, '[');
  for (lua_Integer i = 1; i <= count; i++) {
    if (i > 1) put_char(w, ',');
    lua_rawgeti(L, list, i);
    w->changed = false;
    if (!dm_walk_visit(w, &w->program->nodes[items[tuple ? i - 1 : 0]])) {
      lua_pushinteger(L, i);
      return dm_walk_within(w);
    }
    if (w->changed && w->text == NULL) lua_rawseti(L, list, i);
    else lua_pop(L, 1);
  }
  put_char(w, ']');
  w->changed = false;
  return true;
}

/* -- Maps ------------------------------------------------------------------------------------- */

static bool check_map (dm_walk *w, const dm_node *node, const dm_node *item) {
  lua_State *L = w->L;
  int map = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, map);) {
    if (lua_type(L, -2) != LUA_TSTRING) {
      lua_pushvalue(L, map);
      return dm_walk_expected(w, node);
    }
    w->changed = false;
    if (!dm_walk_visit(w, item)) {
      lua_pushvalue(L, map + 1);
      return dm_walk_within(w);
    }
    if (w->changed) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, map);
    }
    else lua_pop(L, 1);
  }
  w->changed = false;
  return true;
}

/* Writes the member whose name is at the top, and pops it. */
static bool write_member (dm_walk *w, const dm_node *item, int map) {
  lua_State *L = w->L;
  int name = lua_gettop(L);
  if (w->text->at[w->text->size - 1] != '{') put_char(w, ',');
  if (dm_write_string(w)) {
    put_char(w, ':');
    lua_pushvalue(L, name);
    lua_rawget(L, map);
    if (dm_walk_visit(w, item)) {
      lua_settop(L, name - 1);
      return true;
    }
  }
  lua_pushvalue(L, name);
  return dm_walk_within(w);
}

static bool write_map (dm_walk *w, const dm_node *item) {
  lua_State *L = w->L;
  int map = lua_gettop(L);
  dm_walk_push(w, DM_HELPER_NAMES);
  lua_pushvalue(L, map);
  lua_call(L, 1, 2);
  if (!lua_isnil(L, -1)) return dm_walk_reason(w);
  lua_pop(L, 1);
  put_char(w, '{');
  for (lua_Integer i = 1; lua_rawgeti(L, map + 1, i) != LUA_TNIL; i++)
    if (!write_member(w, item, map)) return false;
  put_char(w, '}');
  lua_settop(L, map);
  return true;
}

bool dm_visit_map (dm_walk *w, const dm_node *node) {
  const dm_node *item = &w->program->nodes[w->program->items[node->first]];
  if (!open_table(w, node)) return false;
  return w->text != NULL ? write_map(w, item) : check_map(w, node, item);
}
