/* SPDX-License-Identifier: MIT */
#include "kafka/message.h"

#include <lauxlib.h>

#define MESSAGE_TYPE "docmsg.Message"

struct dm_message {
  rd_kafka_message_t *record; /* NULL: not taken yet, or released */
  dm_message_list *list;
  dm_message *previous, *next;
  dm_state *state;
};

void dm_message_open (lua_State *L) {
  luaL_newmetatable(L, MESSAGE_TYPE);
  lua_pop(L, 1);
}

bool dm_message_test (lua_State *L, int idx) {
  return luaL_testudata(L, idx, MESSAGE_TYPE) != NULL;
}

const rd_kafka_message_t *dm_message_check (lua_State *L, int idx) {
  dm_message *message = luaL_checkudata(L, idx, MESSAGE_TYPE);
  if (message->record == NULL) luaL_error(L, "message released: its consumer was closed");
  return message->record;
}
