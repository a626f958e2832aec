/* SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "kafka/admin_metadata.h"
#include "kafka/admin_methods.h"
#include "kafka/admin_request.h"

static void push_broker (lua_State *L, const rd_kafka_metadata_broker_t *broker) {
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, broker->id);
  lua_setfield(L, -2, "id");
  lua_pushstring(L, broker->host);
  lua_setfield(L, -2, "host");
  lua_pushinteger(L, broker->port);
  lua_setfield(L, -2, "port");
}

int dm_admin_cluster (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "cluster", 2, false);
  const dm_metadata *metadata = dm_metadata_get(L, &call, false);
  if (metadata == NULL) return dm_admin_end(L, &call, 2);
  lua_createtable(L, 0, 3);
  lua_pushstring(L, metadata->cluster_id);
  lua_setfield(L, -2, "id");
  if (metadata->controller >= 0) {
    lua_pushinteger(L, metadata->controller);
    lua_setfield(L, -2, "controller");
  }
  lua_createtable(L, metadata->cluster->broker_cnt, 0);
  for (int i = 0; i < metadata->cluster->broker_cnt; i++) {
    push_broker(L, &metadata->cluster->brokers[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "brokers");
  return dm_admin_end(L, &call, 1);
}
