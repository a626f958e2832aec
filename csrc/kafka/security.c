/* SPDX-License-Identifier: MIT */
#include "kafka/security.h"

#include <lauxlib.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kafka/compat.h"
#include "kafka/state.h"

#define VERIFICATION "enable.ssl.certificate.verification"

/* Each lets another server pose as the broker. */
static const struct { const char *name, *value; } trusting[] = {
  { VERIFICATION, "false" },
  { "ssl.endpoint.identification.algorithm", "none" },
};

/* Is the property in the table on the top of the stack set to that word? */
static bool is_set (lua_State *L, const char *name, const char *value) {
  bool equal;
  lua_getfield(L, -1, name);
  equal = lua_isstring(L, -1) && strcasecmp(lua_tostring(L, -1), value) == 0;
  lua_pop(L, 1);
  return equal;
}

static void refuse_trust (lua_State *L, const char *what) {
  for (size_t i = 0; i < sizeof trusting / sizeof trusting[0]; i++)
    if (is_set(L, trusting[i].name, trusting[i].value))
      luaL_error(L, "%s: '%s' = %s lets any server pose as the broker: if that is meant, set "
                 "insecure_tls = true too (docmsg-lua: --insecure-tls)",
                 what, trusting[i].name, trusting[i].value);
}

bool dm_security_insecure_default (lua_State *L) {
  bool insecure;
  dm_state_push_table(L, "defaults");
  lua_getfield(L, -1, "insecure_tls");
  insecure = lua_toboolean(L, -1);
  lua_pop(L, 2);
  return insecure;
}

/* The option, where it is given, goes over the default. */
static bool is_insecure (lua_State *L, int idx) {
  bool given = lua_getfield(L, idx, "insecure_tls") != LUA_TNIL, insecure = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return given ? insecure : dm_security_insecure_default(L);
}

void dm_security_settle (lua_State *L, int idx, const char *what) {
  if (!is_insecure(L, idx)) {
    refuse_trust(L, what);
    return;
  }
  if (lua_getfield(L, -1, VERIFICATION) == LUA_TNIL) {
    lua_pushliteral(L, "false");
    lua_setfield(L, -3, VERIFICATION);
  }
  lua_pop(L, 1);
  fprintf(stderr, "docmsg: %s: insecure_tls: the broker's certificate is not verified; whoever is "
                  "on the way can read and change everything\n", what);
}

/* Adds to the text of an error, as far as memory allows. */
static void add (dm_note *note, const char *more) {
  char *text;
  if (asprintf(&text, "%s: %s", note->text, more) < 0) return;
  free(note->text);
  note->text = text;
}

static bool says (const dm_note *note, const char *words) {
  return strstr(note->text, words) != NULL;
}

/* A handshake that fails within its first step, because the broker was quick, is told as a broken
** connection and without the remedy that librdkafka adds in later steps. */
static void explain_tls (dm_note *note) {
  if (note->code == RD_KAFKA_RESP_ERR__TRANSPORT && says(note, ":SSL routines:"))
    note->code = RD_KAFKA_RESP_ERR__SSL;
  if (note->code == RD_KAFKA_RESP_ERR__SSL && says(note, "certificate verify failed") &&
      !says(note, "could not be verified"))
    add(note, "broker certificate could not be verified: ssl.ca.location must name the file of "
              "its authority");
}

/* Apache Kafka 4 refuses the SCRAM of an old librdkafka. */
static bool scram_fails (const rd_kafka_t *rk) {
  char mechanism[32] = "";
  size_t size = sizeof mechanism;
  if (rd_kafka_version() >= DM_RDKAFKA_WITH_SCRAM) return false;
  rd_kafka_conf_get(rd_kafka_conf((rd_kafka_t *)rk), "sasl.mechanism", mechanism, &size);
  return strncasecmp(mechanism, "SCRAM-", strlen("SCRAM-")) == 0;
}

void dm_security_explain (const rd_kafka_t *rk, dm_note *note) {
  explain_tls(note);
  /* A login that fails because of librdkafka itself looks like a wrong password. */
  if (note->code == RD_KAFKA_RESP_ERR__AUTHENTICATION && scram_fails(rk))
    add(note, "SCRAM of this librdkafka fails at Apache Kafka 3.8.1 and newer: build with "
              "librdkafka 2.6.1 or newer, or use another sasl.mechanism");
}
