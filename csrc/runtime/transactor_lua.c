/* SPDX-License-Identifier: MIT */
#include "runtime/transactor_lua.h"

#include <lauxlib.h>
#include <uuid/uuid.h>

#include "kafka/conf.h"
#include "kafka/option.h"

static const dm_option options[] = {
  { "bootstrap_servers", DM_OPTION_STRINGS, 0, 0 }, { "client_id", DM_OPTION_STRING, 0, 0 },
  { "insecure_tls", DM_OPTION_BOOLEAN, 0, 0 },      { "kafka", DM_OPTION_TABLE, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

/* The time-out: how long an open transaction may hold up those who read what is committed, when the
** process that began it is gone. Whether a topic exists must be known well before. */
static const dm_preset presets[] = {
  { "acks", "all" },
  { "partitioner", "murmur2_random" },
  { "queue.buffering.max.kbytes", "65536" },
  { "topic.metadata.propagation.max.ms", "5000" },
  { "transaction.timeout.ms", "15000" },
  { NULL, NULL },
};

/* Pushes <group>.<instance>: two processes must not have the same, or they end each other's
** transactions. A member with an instance_id keeps its own, so that after a crash the next process
** ends at once what was left open; others have one of their own, and the broker ends what they
** left after the time-out.  [-0, +1, m] */
static void push_id (lua_State *L, int idx) {
  const char *instance = dm_option_string(L, idx, "instance_id");
  char text[UUID_STR_LEN];
  uuid_t id;
  if (instance == NULL) {
    uuid_generate_random(id);
    uuid_unparse_lower(id, text);
    instance = text;
  }
  lua_pushfstring(L, "%s.%s", dm_option_string(L, idx, "group"), instance);
}

rd_kafka_conf_t *dm_transactor_conf (lua_State *L, int idx, const char *what) {
  rd_kafka_conf_t *conf;
  int own;
  idx = lua_absindex(L, idx);
  lua_getfield(L, idx, "transactions");
  own = lua_gettop(L);
  dm_option_check(L, own, what, options);
  dm_conf_collect(L, own, what, DM_SCOPE_PRODUCER, presets);
  push_id(L, idx);
  lua_setfield(L, -2, "transactional.id");
  conf = dm_conf_build(L, own + 1);
  if (conf == NULL) {
    lua_remove(L, own);
    lua_remove(L, own);
  }
  else lua_settop(L, own - 1);
  return conf;
}
