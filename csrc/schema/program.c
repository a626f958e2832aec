/* SPDX-License-Identifier: MIT */
#include "schema/program.h"

#include <lauxlib.h>
#include <math.h>

#include "schema/utf8.h"

static const char *const kind_names[] = {
  "any", "array", "boolean", "datetime", "default", "enum", "integer", "map", "number", "object",
  "optional", "record", "string", "tuple", NULL,
};

/* A program in the making. */
typedef struct compiler {
  lua_State *L;
  dm_program *program;
  int constants;       /* the stack index of the table */
  int constant_count;
  int32_t node_count;  /* those that are complete */
  int32_t field_count, item_count;
} compiler;

/* -- Parts of a description ------------------------------------------------------------------- */

/* Makes the value at the top a constant and pops it; 0 for nil. */
static dm_constant keep (compiler *c) {
  if (lua_isnil(c->L, -1)) {
    lua_pop(c->L, 1);
    return 0;
  }
  lua_rawseti(c->L, c->constants, ++c->constant_count);
  return c->constant_count;
}

/* The constant description[name], where 'type' is its type or LUA_TNONE for any. */
static dm_constant read_constant (compiler *c, const char *name, int type) {
  int given = lua_getfield(c->L, -1, name);
  if (type != LUA_TNONE && given != LUA_TNIL && given != type)
    luaL_error(c->L, "%s: a %s expected, not a %s", name, lua_typename(c->L, type),
               lua_typename(c->L, given));
  return keep(c);
}

/* The same for a string that must be there. */
static dm_word read_word (compiler *c, const char *name) {
  dm_word word = { .number = read_constant(c, name, LUA_TSTRING) };
  if (word.number == 0) luaL_error(c->L, "a field without a name");
  lua_rawgeti(c->L, c->constants, word.number);
  word.at = lua_tolstring(c->L, -1, &word.size);
  lua_pop(c->L, 1); /* the constants keep it */
  return word;
}

static bool read_boolean (compiler *c, const char *name) {
  bool value;
  lua_getfield(c->L, -1, name);
  value = lua_toboolean(c->L, -1);
  lua_pop(c->L, 1);
  return value;
}

static dm_default read_default (compiler *c) {
  return (dm_default){ .call = read_boolean(c, "call"),
                       .value = read_constant(c, "default", LUA_TNONE) };
}

static dm_limit read_limit (compiler *c, const char *name, dm_kind kind, bool is_max) {
  dm_limit limit;
  bool given = lua_getfield(c->L, -1, name) != LUA_TNIL;
  if (kind == DM_KIND_NUMBER)
    limit.number = given ? luaL_checknumber(c->L, -1) : is_max ? HUGE_VAL : -HUGE_VAL;
  else
    limit.integer = given ? luaL_checkinteger(c->L, -1) : is_max ? LUA_MAXINTEGER : LUA_MININTEGER;
  lua_pop(c->L, 1);
  return limit;
}

/* The node whose number is at the top, and pops it. It becomes a child of 'parent'. */
static int32_t read_child (compiler *c, dm_node *parent) {
  lua_Integer number = luaL_checkinteger(c->L, -1);
  const dm_node *child;
  if (number < 1 || number > c->node_count) luaL_error(c->L, "node %I is not complete", number);
  child = &c->program->nodes[number - 1];
  if (child->height >= parent->height) parent->height = child->height + 1;
  if (parent->height > DM_PROGRAM_DEPTH)
    luaL_error(c->L, "a schema is nested deeper than %d", DM_PROGRAM_DEPTH);
  lua_pop(c->L, 1);
  return (int32_t)number - 1;
}

static void read_field (compiler *c, dm_node *record, dm_field *field) {
  field->name = read_word(c, "name");
  field->label = read_word(c, "label");
  field->plain = !(dm_bytes_kinds(field->name.at, field->name.size) & DM_BYTES_ESCAPE);
  field->optional = read_boolean(c, "optional");
  field->absent = read_default(c);
  lua_getfield(c->L, -1, "node");
  field->node = read_child(c, record);
}

/* -- Nodes ------------------------------------------------------------------------------------ */

static void read_fields (compiler *c, dm_node *node) {
  node->first = c->field_count;
  lua_getfield(c->L, -1, "fields");
  luaL_checktype(c->L, -1, LUA_TTABLE);
  for (; lua_rawgeti(c->L, -1, node->count + 1) == LUA_TTABLE; node->count++) {
    read_field(c, node, &c->program->fields[c->field_count++]);
    lua_pop(c->L, 1);
  }
  lua_pop(c->L, 2);
}

static void read_items (compiler *c, dm_node *node) {
  node->first = c->item_count;
  lua_getfield(c->L, -1, "items");
  if (!lua_isnil(c->L, -1)) {
    for (; lua_rawgeti(c->L, -1, node->count + 1) != LUA_TNIL; node->count++)
      c->program->items[c->item_count++] = read_child(c, node);
    lua_pop(c->L, 1);
  }
  lua_pop(c->L, 1);
  if (node->kind == DM_KIND_TUPLE) node->min.integer = node->max.integer = node->count;
}

/* A node of these kinds has one child. */
static bool wants_item (dm_kind kind) {
  return kind == DM_KIND_ARRAY || kind == DM_KIND_MAP || kind == DM_KIND_OPTIONAL ||
         kind == DM_KIND_DEFAULT;
}

/* Reads the description at the top. */
static void read_node (compiler *c, dm_node *node) {
  lua_getfield(c->L, -1, "kind");
  *node = (dm_node){ .kind = (dm_kind)luaL_checkoption(c->L, -1, NULL, kind_names), .height = 1 };
  lua_pop(c->L, 1);
  node->what = read_constant(c, "what", LUA_TSTRING);
  node->check = read_constant(c, "check", LUA_TFUNCTION);
  node->extra = read_constant(c, "extra", node->kind == DM_KIND_STRING ? LUA_TSTRING : LUA_TTABLE);
  node->min = read_limit(c, "min", node->kind, false);
  node->max = read_limit(c, "max", node->kind, true);
  node->no_control = read_boolean(c, "no_control");
  node->any_string = node->kind == DM_KIND_STRING && !node->no_control && node->extra == 0 &&
                     node->check == 0 && node->min.integer <= 0 &&
                     node->max.integer == LUA_MAXINTEGER;
  node->observed = read_boolean(c, "observed");
  node->absent = read_default(c);
  if (node->kind == DM_KIND_RECORD) read_fields(c, node);
  else read_items(c, node);
  if ((wants_item(node->kind) && node->count != 1) || (node->kind == DM_KIND_ENUM && !node->extra))
    luaL_error(c->L, "a node of kind %s lacks a part", kind_names[node->kind]);
}

/* -- Programs --------------------------------------------------------------------------------- */

/* How many things are in description[name], a list, of all the descriptions. */
static size_t count_parts (lua_State *L, int nodes, const char *name) {
  size_t count = 0;
  for (lua_Integer i = 1; lua_rawgeti(L, nodes, i) != LUA_TNIL; i++) {
    luaL_checktype(L, -1, LUA_TTABLE);
    if (lua_getfield(L, -1, name) != LUA_TNIL) {
      luaL_checktype(L, -1, LUA_TTABLE);
      count += lua_rawlen(L, -1);
    }
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  return count;
}

/* Pushes a program with room for everything. */
static dm_program *push_room (lua_State *L, int nodes) {
  size_t node_count = lua_rawlen(L, nodes), field_count = count_parts(L, nodes, "fields");
  size_t item_count = count_parts(L, nodes, "items");
  dm_program *program;
  if (node_count == 0) luaL_error(L, "a program needs a node");
  program = lua_newuserdatauv(L, sizeof *program + node_count * sizeof(dm_node) +
                                   field_count * sizeof(dm_field) + item_count * sizeof(int32_t), 0);
  program->fields = (dm_field *)(program->nodes + node_count);
  program->items = (int32_t *)(program->fields + field_count);
  program->root = (int32_t)node_count - 1;
  return program;
}

void dm_program_push (lua_State *L, int nodes, int helpers) {
  compiler c = { .L = L, .constant_count = DM_HELPERS };
  luaL_checkstack(L, 16, NULL);
  c.program = push_room(L, nodes);
  lua_createtable(L, 4 * DM_HELPERS, 0);
  c.constants = lua_gettop(L);
  for (int i = 1; i <= DM_HELPERS; i++) {
    lua_rawgeti(L, helpers, i);
    lua_rawseti(L, c.constants, i);
  }
  while (c.node_count <= c.program->root) {
    lua_rawgeti(L, nodes, c.node_count + 1);
    luaL_checktype(L, -1, LUA_TTABLE);
    read_node(&c, &c.program->nodes[c.node_count]);
    c.node_count++;
    lua_pop(L, 1);
  }
}
