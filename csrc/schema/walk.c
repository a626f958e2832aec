/* SPDX-License-Identifier: MIT */
#include "schema/walk.h"

#define PROGRAM lua_upvalueindex(1)
#define CONSTANTS lua_upvalueindex(2)

/* The first slots of the stack; the value that is visited lies above them. */
enum { ARGUMENT = 1, REASON, PATH, BUFFER };

int dm_walk_push (const dm_walk *w, dm_constant number) {
  return lua_rawgeti(w->L, CONSTANTS, number);
}

bool dm_walk_is_null (const dm_walk *w) {
  return lua_islightuserdata(w->L, -1) && lua_touserdata(w->L, -1) == NULL;
}

void dm_walk_push_default (const dm_walk *w, dm_default absent, int record) {
  dm_walk_push(w, absent.value);
  if (!absent.call) return;
  lua_pushvalue(w->L, record);
  lua_call(w->L, 1, 1);
}

/* -- Refusals --------------------------------------------------------------------------------- */

bool dm_walk_reason (dm_walk *w) {
  lua_replace(w->L, REASON);
  return false;
}

bool dm_walk_reason_at (dm_walk *w) {
  lua_replace(w->L, PATH);
  return dm_walk_reason(w);
}

bool dm_walk_refuse (dm_walk *w, dm_helper helper) {
  dm_walk_push(w, helper);
  lua_pushvalue(w->L, -2);
  lua_call(w->L, 1, 1);
  return dm_walk_reason(w);
}

bool dm_walk_expected (dm_walk *w, const dm_node *node) {
  dm_walk_push(w, DM_HELPER_EXPECTED);
  dm_walk_push(w, node->what);
  lua_pushvalue(w->L, -3);
  lua_call(w->L, 2, 1);
  return dm_walk_reason(w);
}

bool dm_walk_doubt (dm_walk *w) {
  dm_walk_push(w, DM_HELPER_DOUBTFUL);
  return dm_walk_reason(w);
}

bool dm_walk_within (dm_walk *w) {
  lua_State *L = w->L;
  dm_walk_push(w, DM_HELPER_STEP);
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  if (lua_isstring(L, PATH)) {
    lua_pushvalue(L, PATH);
    lua_concat(L, 2);
  }
  lua_replace(L, PATH);
  return false;
}

/* -- Visiting --------------------------------------------------------------------------------- */

static bool visit_optional (dm_walk *w, const dm_node *node) {
  if (!dm_walk_is_null(w))
    return dm_walk_visit(w, &w->program->nodes[w->program->items[node->first]]);
  if (w->text != NULL) dm_text_put(w->text, "null", 4);
  return true;
}

static bool visit_default (dm_walk *w, const dm_node *node) {
  return dm_walk_visit(w, &w->program->nodes[w->program->items[node->first]]);
}

static bool visit_kind (dm_walk *w, const dm_node *node) {
  switch (node->kind) {
    case DM_KIND_ANY: return dm_visit_any(w, node);
    case DM_KIND_ARRAY: return dm_visit_list(w, node);
    case DM_KIND_BOOLEAN: return dm_visit_boolean(w, node);
    case DM_KIND_DATETIME: return dm_visit_datetime(w, node);
    case DM_KIND_DEFAULT: return visit_default(w, node);
    case DM_KIND_ENUM: return dm_visit_enum(w, node);
    case DM_KIND_INTEGER: return dm_visit_integer(w, node);
    case DM_KIND_MAP: return dm_visit_map(w, node);
    case DM_KIND_NUMBER: return dm_visit_number(w, node);
    case DM_KIND_OBJECT: return dm_visit_object(w, node);
    case DM_KIND_OPTIONAL: return visit_optional(w, node);
    case DM_KIND_RECORD: return dm_visit_record(w, node);
    case DM_KIND_STRING: return dm_visit_string(w, node);
    case DM_KIND_TUPLE: return dm_visit_list(w, node);
  }
  return false;
}

/* Does the user's own check find nothing wrong with the value at the top? */
static bool ask_user (dm_walk *w, const dm_node *node) {
  lua_State *L = w->L;
  dm_walk_push(w, node->check);
  lua_pushvalue(L, -2);
  lua_call(L, 1, 1);
  if (!lua_isnil(L, -1)) return dm_walk_refuse(w, DM_HELPER_REASON);
  lua_pop(L, 1);
  return true;
}

bool dm_walk_visit (dm_walk *w, const dm_node *node) {
  return visit_kind(w, node) && (node->check == 0 || ask_user(w, node));
}

/* -- The functions ---------------------------------------------------------------------------- */

/* Pushes the value that is visited: the argument, or what stands for it when it is absent. */
static void push_value (const dm_walk *w, const dm_node *root) {
  if (!lua_isnil(w->L, ARGUMENT)) lua_pushvalue(w->L, ARGUMENT);
  else if (root->kind == DM_KIND_OPTIONAL) lua_pushlightuserdata(w->L, NULL);
  else if (root->kind == DM_KIND_DEFAULT) dm_walk_push_default(w, root->absent, ARGUMENT);
  else lua_pushnil(w->L);
}

/* Pushes nil and the reason, with the path before it. */
static int push_refusal (lua_State *L) {
  const char *path = lua_tostring(L, PATH);
  luaL_checkstack(L, 4, NULL);
  lua_pushnil(L);
  if (path == NULL || path[0] == '\0' || lua_type(L, REASON) != LUA_TSTRING) {
    lua_pushvalue(L, REASON);
    return 2;
  }
  lua_pushstring(L, path[0] == '.' ? path + 1 : path);
  lua_pushliteral(L, ": ");
  lua_pushvalue(L, REASON);
  lua_concat(L, 3);
  return 2;
}

const dm_node *dm_walk_begin (dm_walk *w) {
  w->program = lua_touserdata(w->L, PROGRAM);
  lua_settop(w->L, ARGUMENT);
  lua_settop(w->L, BUFFER);
  return &w->program->nodes[w->program->root];
}

/* Visits the argument and leaves it at the top. */
static bool run (dm_walk *w) {
  const dm_node *root = dm_walk_begin(w);
  push_value(w, root);
  return dm_walk_visit(w, root);
}

int dm_walk_check (lua_State *L) {
  dm_walk w = { .L = L, .parsed = lua_toboolean(L, 2) };
  if (!run(&w)) return push_refusal(L);
  /* An optional value that is null is absent, where it stands alone. */
  if (dm_walk_is_null(&w) && w.program->nodes[w.program->root].kind == DM_KIND_OPTIONAL)
    lua_pushnil(L);
  return 1;
}

int dm_walk_encode (lua_State *L) {
  dm_text own, *lent = dm_text_lent(L, 2), *text = lent != NULL ? lent : &own;
  dm_walk w = { .L = L, .text = text };
  dm_text_open(text, L, BUFFER);
  if (!run(&w)) return push_refusal(L);
  if (text == lent && dm_text_is_small(text)) lua_pushlightuserdata(L, text);
  else lua_pushlstring(L, text->at, text->size);
  return 1;
}
