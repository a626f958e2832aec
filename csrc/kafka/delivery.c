/* SPDX-License-Identifier: MIT */
#include "kafka/delivery.h"

#include <lauxlib.h>
#include <string.h>

#include "base/metatable.h"
#include "kafka/error.h"
#include "kafka/producer.h"

#define DELIVERY_TYPE "docmsg.Delivery"
#define BLOCK_TYPE "docmsg.Deliveries"
#define OWNER 1 /* user value: of a handle its block's box, of a box the producer */
#define HANDLES 2 /* user value of a box: its handles' metatable, which is at hand there */

typedef struct block_box {
  dm_block *block;
  dm_state *state;
} block_box;

/* No __gc: its block's box has one for all of them. */
typedef struct dm_delivery {
  dm_slot *slot;
} dm_delivery;

static int block_gc (lua_State *L) {
  block_box *box = lua_touserdata(L, 1);
  if (box->block == NULL) return 0;
  dm_block_unref(box->block);
  box->block = NULL;
  box->state->deliveries--;
  return 0;
}

/* Pushes a box with a new block and keeps it as the producer's. */
static block_box *push_block (lua_State *L, int producer, int block, dm_ledger *ledger,
                              dm_state *state) {
  block_box *box = lua_newuserdatauv(L, sizeof *box, 2);
  box->block = NULL;
  box->state = state;
  luaL_setmetatable(L, BLOCK_TYPE);
  lua_pushvalue(L, producer);
  lua_setiuservalue(L, -2, OWNER);
  luaL_getmetatable(L, DELIVERY_TYPE);
  lua_setiuservalue(L, -2, HANDLES);
  box->block = dm_block_new(ledger);
  if (box->block == NULL) luaL_error(L, "not enough memory");
  state->deliveries++;
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, producer, block);
  return box;
}

dm_slot *dm_delivery_push (lua_State *L, int producer, int block, dm_ledger *ledger,
                           dm_state *state, const dm_topic *topic) {
  dm_delivery *delivery = lua_newuserdatauv(L, sizeof *delivery, 1);
  block_box *box;
  delivery->slot = NULL;
  lua_getiuservalue(L, producer, block);
  box = lua_touserdata(L, -1);
  if (box != NULL) delivery->slot = dm_slot_open(box->block, topic);
  if (delivery->slot == NULL) {
    lua_pop(L, 1);
    box = push_block(L, producer, block, ledger, state);
    delivery->slot = dm_slot_open(box->block, topic);
  }
  lua_getiuservalue(L, -1, HANDLES);
  lua_setmetatable(L, -3);
  lua_setiuservalue(L, -2, OWNER);
  return delivery->slot;
}

static dm_delivery *check (lua_State *L, int idx) {
  return luaL_checkudata(L, idx, DELIVERY_TYPE);
}

static const char *const status_names[] = { "pending", "persisted", "not_persisted",
                                            "possibly_persisted" };

static void set_integer (lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static int push_report (lua_State *L, const dm_report *report) {
  lua_createtable(L, 0, 5);
  lua_pushstring(L, report->topic);
  lua_setfield(L, -2, "topic");
  set_integer(L, "partition", report->partition);
  set_integer(L, "offset", report->offset);
  set_integer(L, "timestamp", report->timestamp);
  set_integer(L, "latency_us", report->latency_us);
  return 1;
}

/* Adds to the error what happened to the connection of the producer of the delivery at idx. */
static void blame_connection (lua_State *L, int idx) {
  lua_getiuservalue(L, idx, OWNER);
  lua_getiuservalue(L, -1, OWNER);
  lua_replace(L, -2);
  lua_insert(L, -2);
  dm_client_blame(L, lua_touserdata(L, -2));
  lua_remove(L, -2);
}

static int push_pending (lua_State *L, int idx, const dm_report *report) {
  dm_error_return(L, RD_KAFKA_RESP_ERR__TIMED_OUT,
                  "%s: no delivery report in time; the record is still on its way", report->topic);
  blame_connection(L, idx);
  return 2;
}

static int push_failure (lua_State *L, int idx, const dm_report *report) {
  const char *reason = rd_kafka_err2str(report->code);
  if (report->status == DM_POSSIBLY_PERSISTED)
    dm_error_return(L, report->code, "%s: %s; the broker may have written the record",
                    report->topic, reason);
  else dm_error_return(L, report->code, "%s: the record was not written: %s", report->topic, reason);
  blame_connection(L, idx);
  return 2;
}

int dm_delivery_wait (lua_State *L, int idx, dm_deadline deadline) {
  dm_delivery *delivery = check(L, idx);
  dm_report report = dm_slot_read(delivery->slot);
  idx = lua_absindex(L, idx);
  if (report.status == DM_PENDING) {
    lua_getiuservalue(L, idx, OWNER);
    lua_getiuservalue(L, -1, OWNER);
    dm_producer_await(L, lua_gettop(L), delivery->slot, deadline);
    lua_pop(L, 2);
    report = dm_slot_read(delivery->slot);
  }
  if (report.status == DM_PENDING) return push_pending(L, idx, &report);
  return report.status == DM_PERSISTED ? push_report(L, &report) : push_failure(L, idx, &report);
}

static int delivery_wait (lua_State *L) {
  check(L, 1);
  return dm_delivery_wait(L, 1, dm_deadline_in(dm_duration_opt(L, 2, "forever")));
}

static int delivery_index (lua_State *L) {
  dm_delivery *delivery = check(L, 1);
  const char *name = lua_tostring(L, 2);
  if (name != NULL && strcmp(name, "status") == 0)
    lua_pushstring(L, status_names[dm_slot_read(delivery->slot).status]);
  else {
    lua_settop(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
  }
  return 1;
}

static int delivery_tostring (lua_State *L) {
  dm_report report = dm_slot_read(check(L, 1)->slot);
  lua_pushfstring(L, "%s (%s, %s)", DELIVERY_TYPE, report.topic, status_names[report.status]);
  return 1;
}

void dm_delivery_open (lua_State *L) {
  dm_metatable_new(L, BLOCK_TYPE);
  lua_pushcfunction(L, block_gc);
  lua_setfield(L, -2, "__gc");
  dm_metatable_new(L, DELIVERY_TYPE);
  lua_pushcfunction(L, delivery_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_newtable(L);
  lua_pushcfunction(L, delivery_wait);
  lua_setfield(L, -2, "wait");
  lua_pushcclosure(L, delivery_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 2);
}
