/* SPDX-License-Identifier: MIT */
#include "schema/read.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "schema/utf8.h"
#include "schema/walk.h"

/* lua-cjson is asked about what is nested deeper. */
#define DEPTH 32

/* Items that wait on the stack until there is a table of the right size for them. */
#define BATCH 32

/* Fields of a record that are read as they come. */
#define FIELDS_MAX 64

/* Digits that an integer of 64 bits always has room for, and those that a float has. */
#define INTEGER_DIGITS 18
#define FLOAT_DIGITS 15
#define NUMBER_MAX 64

/* From here on a float no longer tells neighbouring integers apart. */
#define EXACT 0x1p53

typedef struct reader {
  lua_State *L;
  dm_walk *w;            /* NULL: there is no schema */
  int parse, array;      /* upvalues */
  const char *at, *end;  /* what is left of the text; *end is NUL */
  int depth;
} reader;

/* Each of these reads what begins at r->at, pushes it, and moves on. False: it is not to be read
** here; the stack is anyhow. */
static bool read_value (reader *r);
static bool read_node (reader *r, const dm_node *node);

static void skip_space (reader *r) {
  if ((unsigned char)*r->at > ' ') return; /* as a rule */
  while (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t') r->at++;
}

/* Takes the byte, and the space around it, when it is the next. */
static bool take (reader *r, char byte) {
  skip_space(r);
  if (*r->at != byte) return false;
  r->at++;
  skip_space(r);
  return true;
}

/* -- Strings ---------------------------------------------------------------------------------- */

/* Takes the quotation mark of a name; space behind it belongs to the name. */
static bool begin_name (reader *r) {
  skip_space(r);
  if (*r->at != '"') return false;
  r->at++;
  return true;
}

/* A string with escapes or control characters, which ends at 'end', a quotation mark. */
static bool parse_string (reader *r, const char *end) {
  lua_State *L = r->L;
  int status;
  lua_pushvalue(L, r->parse);
  lua_pushlstring(L, r->at - 1, (size_t)(end - r->at) + 2);
  status = lua_pcall(L, 1, 1, 0);
  if (status != LUA_OK && status != LUA_ERRRUN) return lua_error(L);
  r->at = end + 1;
  return status == LUA_OK;
}

/* The quotation mark that ends the string at r->at; NULL: there is none. */
static const char *find_end (const reader *r, bool *plain) {
  const char *at = r->at;
  *plain = true;
  for (;;) {
    at += dm_bytes_plain(at, (size_t)(r->end - at));
    if (at == r->end || *at == '"') return at < r->end ? at : NULL;
    *plain = false;
    at += *at == '\\' && at + 1 < r->end ? 2 : 1;
  }
}

static bool read_string (reader *r) {
  bool plain;
  const char *end = find_end(r, &plain);
  if (end == NULL) return false;
  if (!plain) return parse_string(r, end);
  lua_pushlstring(r->L, r->at, (size_t)(end - r->at));
  r->at = end + 1;
  return true;
}

/* -- Numbers ---------------------------------------------------------------------------------- */

static bool is_digit (char byte) {
  return byte >= '0' && byte <= '9';
}

static bool skip_digits (reader *r) {
  const char *from = r->at;
  while (is_digit(*r->at)) r->at++;
  return r->at > from;
}

/* A float that is whole becomes an integer, where that is certain; -0 is more than an integer. */
static bool push_float (reader *r, lua_Number number) {
  if (number - number != 0 || (number == 0 && signbit(number))) return false;
  if (number < EXACT && number > -EXACT && floor(number) == number)
    lua_pushinteger(r->L, (lua_Integer)number);
  else lua_pushnumber(r->L, number);
  return true;
}

/* Any number, by Lua. */
static bool convert (reader *r, const char *from) {
  char text[NUMBER_MAX];
  size_t size = (size_t)(r->at - from);
  lua_Number number;
  if (size >= sizeof text) return false;
  memcpy(text, from, size);
  text[size] = '\0';
  if (lua_stringtonumber(r->L, text) != size + 1) return false;
  number = lua_tonumber(r->L, -1);
  lua_pop(r->L, 1);
  return push_float(r, number);
}

/* The fraction and the exponent of a number whose 'digits' were read. Few digits are an integer and
** a power of ten that floats hold exactly, so that their quotient is the nearest. */
static bool read_float (reader *r, const char *from, lua_Integer digits) {
  static const lua_Number powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15 };
  const char *point = r->at;
  lua_Number number;
  if (*r->at == '.') {
    for (r->at++; is_digit(*r->at) && r->at - from <= FLOAT_DIGITS; r->at++)
      digits = digits * 10 + (*r->at - '0');
    if (r->at == point + 1) return false;
    if (!is_digit(*r->at) && *r->at != 'e' && *r->at != 'E' && r->at - from <= FLOAT_DIGITS + 1) {
      number = (lua_Number)digits / powers[r->at - point - 1];
      return push_float(r, *from == '-' ? -number : number);
    }
    skip_digits(r);
  }
  if (*r->at == 'e' || *r->at == 'E') {
    r->at++;
    if (*r->at == '+' || *r->at == '-') r->at++;
    if (!skip_digits(r)) return false;
  }
  return convert(r, from);
}

static bool read_number (reader *r) {
  const char *from = r->at, *first = from + (*from == '-');
  lua_Integer number = 0;
  for (r->at = first; is_digit(*r->at) && r->at - first < INTEGER_DIGITS; r->at++)
    number = number * 10 + (*r->at - '0');
  if (r->at == first || is_digit(*r->at) || (*first == '0' && r->at > first + 1)) return false;
  if (*r->at == '.' || *r->at == 'e' || *r->at == 'E') return read_float(r, from, number);
  lua_pushinteger(r->L, *from == '-' ? -number : number);
  return first == from || number != 0;
}

/* -- Arrays and objects ----------------------------------------------------------------------- */

/* Moves the items on the stack above 'slot' into the array there, which is made when it is not
** there yet. They are the last of 'count'. */
static void store_items (lua_State *L, int slot, lua_Integer count) {
  int waiting = lua_gettop(L) - slot;
  if (lua_isnil(L, slot)) {
    lua_createtable(L, waiting, 0);
    lua_replace(L, slot);
  }
  for (; waiting > 0; waiting--) lua_rawseti(L, slot, count--);
}

static void push_empty (reader *r) {
  lua_createtable(r->L, 0, 0);
  lua_pushvalue(r->L, r->array);
  lua_setmetatable(r->L, -2);
}

/* With a node, the items are of its kind. */
static bool read_items (reader *r, const dm_node *item) {
  lua_State *L = r->L;
  int slot = lua_gettop(L) + 1;
  lua_Integer count = 0;
  lua_pushnil(L);
  if (take(r, ']')) {
    lua_pop(L, 1);
    push_empty(r);
    return true;
  }
  do {
    if (item != NULL ? !read_node(r, item) : !read_value(r)) return false;
    if (++count % BATCH == 0) store_items(L, slot, count);
  } while (take(r, ','));
  store_items(L, slot, count);
  return take(r, ']');
}

static bool read_array (reader *r, const dm_node *none) {
  (void)none;
  return read_items(r, NULL);
}

/* The same with the names and values of an object: of two with the same name the last one stays. */
static void store_members (lua_State *L, int slot) {
  int top = lua_gettop(L);
  if (lua_isnil(L, slot)) {
    lua_createtable(L, 0, (top - slot) / 2);
    lua_replace(L, slot);
  }
  for (int name = slot + 1; name < top; name += 2) {
    lua_pushvalue(L, name);
    lua_pushvalue(L, name + 1);
    lua_rawset(L, slot);
  }
  lua_settop(L, slot);
}

static bool read_member (reader *r) {
  return begin_name(r) && read_string(r) && take(r, ':') && read_value(r);
}

static bool read_object (reader *r, const dm_node *none) {
  lua_State *L = r->L;
  int slot = lua_gettop(L) + 1;
  (void)none;
  lua_pushnil(L);
  if (take(r, '}')) {
    store_members(L, slot);
    return true;
  }
  do {
    if (!read_member(r)) return false;
    if (lua_gettop(L) - slot == 2 * BATCH) store_members(L, slot);
  } while (take(r, ','));
  store_members(L, slot);
  return take(r, '}');
}

/* -- Values ----------------------------------------------------------------------------------- */

static bool read_word (reader *r, const char *word, size_t size) {
  if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0) return false;
  r->at += size;
  return true;
}

static bool read_boolean (reader *r, const char *word, size_t size, bool value) {
  lua_pushboolean(r->L, value);
  return read_word(r, word, size);
}

static bool read_null (reader *r) {
  lua_pushlightuserdata(r->L, NULL);
  return read_word(r, "null", 4);
}

static bool read_container (reader *r, const dm_node *node,
                            bool (*read) (reader *r, const dm_node *node)) {
  bool done;
  if (++r->depth > DEPTH) return false;
  luaL_checkstack(r->L, 2 * BATCH + 8, "JSON is nested too deeply");
  r->at++;
  done = read(r, node);
  r->depth--;
  return done;
}

static bool read_value (reader *r) {
  switch (*r->at) {
    case '"': r->at++; return read_string(r);
    case '{': return read_container(r, NULL, read_object);
    case '[': return read_container(r, NULL, read_array);
    case 't': return read_boolean(r, "true", 4, true);
    case 'f': return read_boolean(r, "false", 5, false);
    case 'n': return read_null(r);
    default: return read_number(r);
  }
}

/* -- Values of a schema ----------------------------------------------------------------------- */

/* The number of the field whose name begins at r->at, which is moved behind it; -1: none. 'from' is
** the one that is likely. */
static int find_field (reader *r, const dm_field *fields, int count, int from) {
  for (int i = 0; i < count; i++) {
    int number = from + i < count ? from + i : from + i - count;
    const dm_word *name = &fields[number].name;
    if ((size_t)(r->end - r->at) <= name->size || r->at[name->size] != '"' ||
        memcmp(r->at, name->at, name->size) != 0 || !fields[number].plain)
      continue;
    r->at += name->size + 1;
    return number;
  }
  return -1;
}

/* A field that is not declared is kept as it is. */
static bool read_other (reader *r, int record) {
  bool plain; /* otherwise it may be the name of one that is declared */
  if (find_end(r, &plain) == NULL || !plain) return false;
  if (!read_string(r) || !take(r, ':') || !read_value(r)) return false;
  lua_rawset(r->L, record);
  return true;
}

/* Reads the value of the field into the record. One that is null is absent, where it may be. */
static bool read_declared (reader *r, const dm_field *field, int record, bool *absent) {
  *absent = field->optional && *r->at == 'n';
  if (*absent) return read_word(r, "null", 4);
  dm_walk_push(r->w, field->name.number);
  if (!read_node(r, &r->w->program->nodes[field->node])) return false;
  lua_rawset(r->L, record);
  return true;
}

/* Sets the field, which is absent, to what stands for it. */
static bool fill_in (reader *r, const dm_field *field, int record) {
  if (field->absent.value == 0) return field->optional;
  dm_walk_push(r->w, field->name.number);
  dm_walk_push_default(r->w, field->absent, record);
  if (!dm_walk_visit(r->w, &r->w->program->nodes[field->node])) return false;
  lua_rawset(r->L, record);
  return true;
}

static bool read_members (reader *r, const dm_node *node, int record, uint64_t *seen) {
  const dm_field *fields = r->w->program->fields + node->first;
  int number = -1;
  bool absent;
  if (take(r, '}')) return true;
  do {
    if (!begin_name(r)) return false;
    number = find_field(r, fields, node->count, number + 1);
    if (number < 0) {
      if (!read_other(r, record)) return false;
      continue;
    }
    if (*seen & UINT64_C(1) << number || !take(r, ':')) return false;
    if (!read_declared(r, &fields[number], record, &absent)) return false;
    if (!absent) *seen |= UINT64_C(1) << number;
  } while (take(r, ','));
  return take(r, '}');
}

static bool read_record (reader *r, const dm_node *node) {
  const dm_field *fields = r->w->program->fields + node->first;
  int record = lua_gettop(r->L) + 1;
  uint64_t seen = 0;
  lua_createtable(r->L, 0, node->count);
  if (!read_members(r, node, record, &seen)) return false;
  for (int i = 0; i < node->count; i++)
    if (!(seen & UINT64_C(1) << i) && !fill_in(r, &fields[i], record)) return false;
  return true;
}

static bool read_list (reader *r, const dm_node *node) {
  lua_Integer count;
  const dm_program *program = r->w->program;
  if (!read_items(r, &program->nodes[program->items[node->first]])) return false;
  count = (lua_Integer)lua_rawlen(r->L, -1);
  return count >= node->min.integer && count <= node->max.integer;
}

/* Reads a value of the node's kind and checks it: its parts as they come, where that is the same. */
static bool read_node (reader *r, const dm_node *node) {
  if (node->any_string && *r->at == '"') {
    r->at++;
    return read_string(r);
  }
  if (node->kind == DM_KIND_RECORD && !node->observed && node->count <= FIELDS_MAX && *r->at == '{')
    return read_container(r, node, read_record);
  if (node->kind == DM_KIND_ARRAY && node->check == 0 && *r->at == '[')
    return read_container(r, node, read_list);
  return read_value(r) && dm_walk_visit(r->w, node);
}

/* -- The functions ---------------------------------------------------------------------------- */

/* Reads the text at 1 and leaves its value at the top. */
static bool read_text (reader *r, const dm_node *root) {
  const dm_text *lent = root != NULL ? dm_text_lent(r->L, 1) : NULL;
  size_t size;
  if (lent != NULL) r->at = lent->at, size = lent->size;
  else r->at = luaL_checklstring(r->L, 1, &size);
  r->end = r->at + size;
  if (dm_utf8_invalid(r->at, size) != size) return false;
  skip_space(r);
  if (root != NULL ? !read_node(r, root) : !read_value(r)) return false;
  skip_space(r);
  return r->at == r->end;
}

static int read_any (lua_State *L) {
  reader r = { .L = L, .parse = lua_upvalueindex(1), .array = lua_upvalueindex(2) };
  return read_text(&r, NULL);
}

int dm_read_decode (lua_State *L) {
  dm_walk w = { .L = L };
  reader r = { .L = L, .w = &w, .parse = lua_upvalueindex(3), .array = lua_upvalueindex(4) };
  return read_text(&r, dm_walk_begin(&w)) && !dm_walk_is_null(&w);
}

int dm_read_new (lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_pushcclosure(L, read_any, 2);
  return 1;
}
