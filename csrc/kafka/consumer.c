/* SPDX-License-Identifier: MIT */
#include "kafka/consumer.h"

#include <lauxlib.h>

int dm_consumer_lua (lua_State *L) {
  return luaL_error(L, "not built yet");
}

void dm_consumer_open (lua_State *L) {
  (void)L;
}

rd_kafka_consumer_group_metadata_t *dm_consumer_group_metadata (lua_State *L, int arg) {
  luaL_error(L, "not built yet %d", arg);
  return NULL;
}
