/* SPDX-License-Identifier: MIT */
#include "kafka/consumer_parts.h"

#include <lauxlib.h>
#include <string.h>

#include "kafka/error.h"

/* What the protected part of an answer works on. */
typedef struct answer {
  dm_consumer *consumer;
  dm_list *partitions;
  const char *hook;
} answer;

/* Copies the offsets that on_assign returned, at index 'offsets', to the partitions gained. */
static void take_offsets (lua_State *L, int offsets, dm_list *partitions) {
  const dm_list *asked;
  if (lua_isnil(L, offsets)) return;
  asked = dm_offsets_read(L, offsets, "on_assign's result", DM_OFFSET_OPTIONAL);
  for (int i = 0; i < asked->cnt; i++) {
    rd_kafka_topic_partition_t *entry = dm_list_find(partitions, &asked->elems[i]);
    if (entry == NULL)
      luaL_error(L, "on_assign's result: %s [%d] is not among the partitions gained",
                 asked->elems[i].topic, (int)asked->elems[i].partition);
    entry->offset = asked->elems[i].offset;
  }
}

/* Calls the hook of the consumer at 1 with its partitions. Everything that may raise is in here,
** so that the group gets its answer whatever happens. */
static int run_hook (lua_State *L) {
  answer *it = lua_touserdata(L, 2);
  lua_getiuservalue(L, 1, DM_CLIENT_HANDLERS);
  if (lua_getfield(L, -1, it->hook) != LUA_TFUNCTION) return 0;
  dm_offsets_push_partitions(L, it->partitions);
  lua_pushvalue(L, 1);
  lua_call(L, 2, 1);
  if (it->consumer->gained != NULL) take_offsets(L, lua_gettop(L), it->partitions);
  return 0;
}

/* Runs the hook; leaves its error on the stack when it fails. */
static bool call_hook (lua_State *L, int idx, answer *it) {
  int status;
  lua_pushcfunction(L, run_hook);
  lua_pushvalue(L, idx);
  lua_pushlightuserdata(L, it);
  it->consumer->client.in_handler = true;
  status = lua_pcall(L, 2, 0, 0);
  it->consumer->client.in_handler = false;
  return status == LUA_OK;
}

static bool is_cooperative (const dm_consumer *consumer) {
  const char *protocol = rd_kafka_rebalance_protocol(consumer->client.rk);
  return protocol != NULL && strcmp(protocol, "COOPERATIVE") == 0;
}

/* Takes (list) or gives up (NULL) all partitions. */
static void assign_all (dm_consumer *consumer, const dm_list *list) {
  rd_kafka_resp_err_t err = rd_kafka_assign(consumer->client.rk, list);
  if (err) dm_consumer_fail(consumer, err, "rebalance: %s", rd_kafka_err2str(err));
}

static bool gain (lua_State *L, int idx, dm_consumer *consumer, dm_list *list) {
  answer it = { consumer, list, "on_assign" };
  bool ok;
  consumer->coordinated = true;
  consumer->gained = list;
  ok = call_hook(L, idx, &it);
  consumer->gained = NULL;
  if (is_cooperative(consumer))
    dm_consumer_fail_with(consumer, rd_kafka_incremental_assign(consumer->client.rk, list),
                          "rebalance");
  else assign_all(consumer, list);
  dm_consumer_note_starts(consumer, list);
  dm_flow_apply(consumer, list);
  return ok;
}

static bool give_up (lua_State *L, int idx, dm_consumer *consumer, dm_list *list) {
  bool lost = rd_kafka_assignment_lost(consumer->client.rk);
  answer it = { consumer, list, lost ? "on_lost" : "on_revoke" };
  bool ok;
  consumer->given_up = list;
  ok = call_hook(L, idx, &it);
  consumer->given_up = NULL;
  dm_flow_drop(consumer, list);
  if (is_cooperative(consumer))
    dm_consumer_fail_with(consumer, rd_kafka_incremental_unassign(consumer->client.rk, list),
                          "rebalance");
  else assign_all(consumer, NULL);
  return ok;
}

void dm_rebalance_answer (lua_State *L, int idx, dm_client *client, dm_note *note) {
  dm_consumer *consumer = (dm_consumer *)client;
  bool ok = true;
  if (note->code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
    ok = gain(L, idx, consumer, note->partitions);
  else if (note->code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
    ok = give_up(L, idx, consumer, note->partitions);
  else {
    assign_all(consumer, NULL);
    dm_consumer_fail(consumer, note->code, "rebalance: %s", rd_kafka_err2str(note->code));
  }
  if (!ok) lua_error(L);
}
