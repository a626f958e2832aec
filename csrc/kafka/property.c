/* SPDX-License-Identifier: MIT */
#include "kafka/property.h"

#include <ctype.h>
#include <lauxlib.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/option.h"
#include "kafka/state.h"

/* Properties that scripts may not set, and why. */
static const struct { const char *name, *why; } refused[] = {
  { "allow.auto.create.topics", "topics are created by admin calls only" },
  { "bootstrap.servers", "use the option bootstrap_servers" },
  { "builtin.features", "it is fixed when librdkafka is built" },
  { "enable.auto.offset.store", "offsets are stored by `store` only, after the work is done" },
  { "log.queue", "logs always reach the calling thread" },
  { "metadata.broker.list", "use the option bootstrap_servers" },
  { "plugin.library.paths", "it would load foreign code" },
  { "sasl.kerberos.kinit.cmd", "it would run a shell command" },
};

/* What the names of secrets contain: librdkafka 2.0.2 does not mark all of them as sensitive. */
static const char *const secrets[] = {
  "jaas.config", "key.pem", "oauthbearer.config", "passphrase", "password", "secret",
};

int dm_property_is_secret (const char *name) {
  for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
    if (strstr(name, secrets[i]) != NULL) return 1;
  return 0;
}

/* librdkafka's own description of its properties, a Markdown table. Caller frees. */
static char *describe (void) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (out == NULL) return NULL;
  rd_kafka_conf_properties_show(out);
  fclose(out);
  return text;
}

/* Pushes s without the spaces around it. */
static void push_trimmed (lua_State *L, const char *s, size_t len) {
  while (len > 0 && *s == ' ') s++, len--;
  while (len > 0 && s[len - 1] == ' ') len--;
  lua_pushlstring(L, s, len);
}

/* Splits "a | b | c" into the fields of the table on the top of the stack; returns the rest. */
static const char *set_columns (lua_State *L, const char *line) {
  static const char *const columns[] = { "name", "scope", "range", "default", "importance" };
  for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
    const char *end = strstr(line, " | ");
    if (end == NULL) return NULL;
    push_trimmed(L, line, (size_t)(end - line));
    lua_setfield(L, -2, columns[i]);
    line = end + 3;
  }
  return line;
}

/* "Alias for `name`: text" -> alias_of. */
static void set_alias (lua_State *L, const char *text) {
  static const char mark[] = "Alias for `";
  const char *name = strstr(text, mark);
  if (name == NULL) return;
  name += sizeof mark - 1;
  lua_pushlstring(L, name, strcspn(name, "`"));
  lua_setfield(L, -2, "alias_of");
}

/* "text <br>*Type: integer*" -> description and type. */
static void set_description (lua_State *L, const char *text) {
  static const char mark[] = "<br>*Type: ";
  const char *type = strstr(text, mark);
  if (type == NULL) type = text + strlen(text);
  push_trimmed(L, text, (size_t)(type - text));
  lua_setfield(L, -2, "description");
  if (*type != '\0') type += sizeof mark - 1;
  lua_pushlstring(L, type, strcspn(type, "*"));
  lua_setfield(L, -2, "type");
  lua_pushboolean(L, strstr(text, "**DEPRECATED**") != NULL);
  lua_setfield(L, -2, "deprecated");
}

/* Adds the property on this line of the description to the table below the top. */
static void add_line (lua_State *L, const char *line) {
  const char *rest;
  lua_newtable(L);
  rest = set_columns(L, line);
  if (rest != NULL && strncmp(line, "Property ", 9) != 0) {
    set_description(L, rest);
    set_alias(L, rest);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, (lua_Integer)lua_rawlen(L, -3) + 1);
    lua_getfield(L, -1, "name");
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -4) == LUA_TNIL) { /* of two with the same name librdkafka sets the first */
      lua_pop(L, 1);
      lua_pushvalue(L, -2);
      lua_rawset(L, -4);
    }
    else lua_pop(L, 2);
  }
  lua_pop(L, 1);
}

/* Protected, so that 'text' is freed whatever happens. */
static int fill (lua_State *L) {
  char *line = lua_touserdata(L, 1), *rest = NULL;
  lua_newtable(L);
  for (line = strtok_r(line, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
    add_line(L, line);
  return 1;
}

/* Pushes the table, made anew. */
static void make_all (lua_State *L) {
  int failed;
  char *text = describe();
  if (text == NULL) luaL_error(L, "not enough memory");
  lua_pushcfunction(L, fill);
  lua_pushlightuserdata(L, text);
  failed = lua_pcall(L, 1, 1, 0);
  free(text);
  if (failed) lua_error(L);
}

void dm_property_push_all (lua_State *L) {
  dm_state_push_table(L, "properties");
  if (lua_getfield(L, -1, "all") == LUA_TNIL) {
    lua_pop(L, 1);
    make_all(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "all"); /* only now that it is complete */
  }
  lua_remove(L, -2);
}

static const char *name_at (const void *names, size_t i) {
  lua_State *L = (lua_State *)names;
  const char *name;
  lua_rawgeti(L, -1, (lua_Integer)i + 1);
  lua_getfield(L, -1, "name");
  name = lua_tostring(L, -1); /* the properties table keeps it */
  lua_pop(L, 2);
  return name;
}

static int unknown (lua_State *L, const char *what, const char *name) {
  const char *nearest;
  dm_property_push_all(L);
  nearest = dm_nearest(name, L, (size_t)lua_rawlen(L, -1), name_at);
  if (nearest != NULL)
    return luaL_error(L, "%s: unknown property '%s'; did you mean '%s'?", what, name, nearest);
  return luaL_error(L, "%s: unknown property '%s' (librdkafka %s)", what, name,
                    rd_kafka_version_str());
}

/* Pushes the property's description; raises when there is none or it is not for scripts. */
static void push_property (lua_State *L, const char *what, const char *name) {
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
    if (strcmp(name, refused[i].name) == 0)
      luaL_error(L, "%s: '%s' cannot be set: %s", what, name, refused[i].why);
  dm_property_push_all(L);
  if (lua_getfield(L, -1, name) != LUA_TTABLE) unknown(L, what, name);
  lua_remove(L, -2);
}

static int malformed (lua_State *L, int idx, const char *what, const char *name,
                      const char *expected) {
  if (dm_property_is_secret(name))
    return luaL_error(L, "%s: '%s': %s expected (the value is not shown)", what, name, expected);
  return luaL_error(L, "%s: '%s': %s expected, got '%s'", what, name, expected,
                    luaL_tolstring(L, idx, NULL));
}

/* A decimal integer and nothing else: librdkafka would take "10abc" as 10 and "0x10" as 16. */
static int is_decimal (const char *s) {
  size_t digits;
  if (*s == '-') s++;
  digits = strspn(s, "0123456789");
  return digits > 0 && digits < 19 && s[digits] == '\0';
}

/* Is this librdkafka's word for a number of that property, as "all" of acks? */
static bool is_word (const char *name, const char *text) {
  char reason[64];
  rd_kafka_conf_t *conf;
  bool known;
  if (!isalpha((unsigned char)*text)) return false;
  conf = rd_kafka_conf_new();
  known = rd_kafka_conf_set(conf, name, text, reason, sizeof reason) == RD_KAFKA_CONF_OK;
  rd_kafka_conf_destroy(conf);
  return known;
}

/* Range as librdkafka prints it: "1 .. 1000". */
static int within (const char *value, const char *range) {
  long long low, high, n = strtoll(value, NULL, 10);
  if (range == NULL || sscanf(range, "%lld .. %lld", &low, &high) != 2) return 1;
  return n >= low && n <= high;
}

static void push_integer (lua_State *L, int idx, const char *what, const char *name,
                          const char *range) {
  int exact;
  const char *text;
  lua_Integer n = lua_tointegerx(L, idx, &exact);
  if (lua_type(L, idx) == LUA_TNUMBER && exact) lua_pushfstring(L, "%I", n);
  else if (lua_type(L, idx) == LUA_TSTRING) lua_pushvalue(L, idx);
  else malformed(L, idx, what, name, "integer");
  text = lua_tostring(L, -1);
  if (strlen(text) != lua_rawlen(L, -1)) malformed(L, idx, what, name, "integer");
  if (is_word(name, text)) return;
  if (!is_decimal(text)) malformed(L, idx, what, name, "integer");
  if (!within(text, range)) luaL_error(L, "%s: '%s': %s is not within %s", what, name, text, range);
}

/* Is the value at idx this very string? */
static int is_text (lua_State *L, int idx, const char *text) {
  size_t len;
  const char *s;
  if (lua_type(L, idx) != LUA_TSTRING) return 0;
  s = lua_tolstring(L, idx, &len);
  return len == strlen(text) && memcmp(s, text, len) == 0;
}

static void push_boolean (lua_State *L, int idx, const char *what, const char *name) {
  if (lua_isboolean(L, idx)) lua_pushstring(L, lua_toboolean(L, idx) ? "true" : "false");
  else if (is_text(L, idx, "true") || is_text(L, idx, "false")) lua_pushvalue(L, idx);
  else malformed(L, idx, what, name, "true or false");
}

/* Digits with at most one point: no hexadecimal, no "nan", no "inf". */
static int is_plain_number (const char *s, size_t len) {
  size_t digits, fraction = 0;
  if (*s == '-') s++, len--;
  digits = strspn(s, "0123456789");
  if (s[digits] == '.') fraction = 1 + strspn(s + digits + 1, "0123456789");
  return digits > 0 && digits + fraction == len;
}

static void push_float (lua_State *L, int idx, const char *what, const char *name) {
  size_t len;
  const char *s;
  if (!lua_isnumber(L, idx)) malformed(L, idx, what, name, "number");
  lua_pushvalue(L, idx);
  s = lua_tolstring(L, -1, &len);
  if (!is_plain_number(s, len)) malformed(L, idx, what, name, "number");
}

static void push_string (lua_State *L, int idx, const char *what, const char *name) {
  if (lua_type(L, idx) != LUA_TSTRING && !lua_isinteger(L, idx))
    malformed(L, idx, what, name, "string");
  lua_pushvalue(L, idx);
  if (strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1))
    luaL_error(L, "%s: '%s': the string has a NUL byte inside", what, name);
}

void dm_property_push_text (lua_State *L, int idx, const char *what, const char *name) {
  const char *type, *range;
  idx = lua_absindex(L, idx);
  push_property(L, what, name);
  type = dm_option_string(L, -1, "type");
  range = dm_option_string(L, -1, "range");
  if (strcmp(type, "integer") == 0) push_integer(L, idx, what, name, range);
  else if (strcmp(type, "boolean") == 0) push_boolean(L, idx, what, name);
  else if (strcmp(type, "float") == 0) push_float(L, idx, what, name);
  else if (strcmp(type, "see dedicated API") == 0)
    luaL_error(L, "%s: '%s' cannot be set from a script", what, name);
  else push_string(L, idx, what, name);
  lua_remove(L, -2);
}

bool dm_property_is_known (lua_State *L, const char *name) {
  bool known;
  dm_property_push_all(L);
  known = lua_getfield(L, -1, name) != LUA_TNIL;
  lua_pop(L, 2);
  return known;
}

/* The name that librdkafka knows the property by: of an alias, what it stands for. */
static const char *real_name (lua_State *L, const char *name) {
  int top = lua_gettop(L);
  dm_property_push_all(L);
  if (lua_getfield(L, -1, name) == LUA_TTABLE && lua_getfield(L, -1, "alias_of") == LUA_TSTRING)
    name = lua_tostring(L, -1); /* the properties table keeps it */
  lua_settop(L, top);
  return name;
}

bool dm_property_is_same (lua_State *L, const char *name, const char *other) {
  return strcmp(real_name(L, name), real_name(L, other)) == 0;
}

int dm_property_applies (lua_State *L, const char *name, dm_scope scope) {
  const char *letter;
  int applies;
  dm_property_push_all(L);
  lua_getfield(L, -1, name);
  letter = dm_option_string(L, -1, "scope");
  applies = *letter == '*' || (*letter == 'C' && scope == DM_SCOPE_CONSUMER) ||
            (*letter == 'P' && scope == DM_SCOPE_PRODUCER);
  lua_pop(L, 2);
  return applies;
}

int dm_property_list_lua (lua_State *L) {
  lua_Integer n;
  dm_property_push_all(L);
  n = (lua_Integer)lua_rawlen(L, -1);
  lua_createtable(L, (int)n, 0);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, -2, i);
    lua_rawseti(L, -2, i);
  }
  return 1;
}
