/* SPDX-License-Identifier: MIT */
#include "kafka/consumer_parts.h"

#include <lauxlib.h>
#include <stdint.h>

#include "kafka/error.h"

#define BATCH_MAX 1000000

/* Notes that its partition has no more for now. */
static void note_end (dm_consumer *consumer, const rd_kafka_message_t *record) {
  rd_kafka_topic_partition_t place = {
    .topic = (char *)(uintptr_t)rd_kafka_topic_name(record->rkt), .partition = record->partition,
    .offset = record->offset,
  };
  dm_places_put(&consumer->ended, &place);
}

/* Takes the next record or error that waits, at most timeout_ms from now. The ends of partitions
** are no records: behind them there may be some. */
static rd_kafka_message_t *take_any (dm_consumer *consumer, int timeout_ms) {
  rd_kafka_message_t *record = rd_kafka_consumer_poll(consumer->client.rk, timeout_ms);
  while (record != NULL && record->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    note_end(consumer, record);
    rd_kafka_message_destroy(record);
    record = rd_kafka_consumer_poll(consumer->client.rk, 0);
  }
  return record;
}

/* Takes the next record that waits, at most timeout_ms from now. NULL: there is none, a callback
** has left a note, or the consumer has a fault. */
static rd_kafka_message_t *take (dm_consumer *consumer, int timeout_ms) {
  rd_kafka_message_t *record = take_any(consumer, timeout_ms);
  if (record == NULL) return NULL;
  if (!record->err) {
    dm_feed_reached(consumer->client.feed);
    return record;
  }
  dm_consumer_fail(consumer, record->err, "%s", rd_kafka_message_errstr(record));
  rd_kafka_message_destroy(record);
  return NULL;
}

/* Takes the next record without waiting, after the notes that lie before it were heard. */
static rd_kafka_message_t *take_now (lua_State *L, dm_consumer *consumer) {
  rd_kafka_message_t *record;
  do {
    dm_client_dispatch(L, 1, &consumer->client);
    if (consumer->fault.code) return NULL;
    record = take(consumer, 0);
  } while (record == NULL && dm_feed_waiting(consumer->client.feed));
  return record;
}

/* Takes the next record, the consumer being at 1. NULL: none came in time, or there is a fault.
** Whoever calls has pushed the message already: nothing may raise between here and dm_hold_take. */
static rd_kafka_message_t *await (lua_State *L, dm_consumer *consumer, int timeout_ms) {
  rd_kafka_message_t *record;
  dm_deadline deadline;
  dm_watch watch;
  dm_client_drain_fd(&consumer->client);
  record = take_now(L, consumer);
  if (record != NULL || consumer->fault.code || timeout_ms == 0) return record;
  deadline = dm_deadline_in(timeout_ms);
  watch = dm_watch_begin(L);
  do {
    record = take(consumer, dm_deadline_slice(deadline));
    if (record != NULL) break;
    dm_client_dispatch(L, 1, &consumer->client);
    if (consumer->fault.code) break;
    dm_watch_check(L, &watch);
  } while (dm_deadline_left(deadline) > 0);
  return record;
}

int dm_consumer_push_fault (lua_State *L, dm_consumer *consumer) {
  dm_fault *fault = &consumer->fault;
  dm_error_return(L, fault->code, "%s", fault->text);
  if (fault->fatal) dm_error_fatal(L);
  fault->code = RD_KAFKA_RESP_ERR_NO_ERROR;
  return 2;
}

/* Pushes the next message, nil when none came in time, or nil and an error. */
static int poll_for (lua_State *L, int timeout_ms) {
  dm_consumer *consumer = dm_consumer_check(L, 1, false);
  dm_hold *hold = dm_hold_push(L, 1, consumer->client.state, &consumer->messages);
  rd_kafka_message_t *record;
  dm_message_push(L, lua_gettop(L), hold);
  record = await(L, consumer, timeout_ms);
  if (record != NULL) {
    dm_hold_take(hold, record);
    dm_hold_note(L, hold);
    return 1;
  }
  if (consumer->fault.code) return dm_consumer_push_fault(L, consumer);
  lua_pushnil(L);
  return 1;
}

int dm_consumer_poll_lua (lua_State *L) {
  return poll_for(L, dm_duration_opt(L, 2, "1s"));
}

/* A batch that is being filled. */
typedef struct filling {
  dm_consumer *consumer;
  dm_hold *hold;
  rd_kafka_message_t *record; /* the next one, whose message is in the table already */
  int count, max;
} filling;

/* Fills the table at 1 with what waits; the metatable of messages is at 2, the hold at 3. Stops
** before a rebalance is answered: records are handed over while their partition is still ours. */
static int fill (lua_State *L) {
  filling *it = lua_touserdata(L, 4);
  while (it->record != NULL) {
    dm_hold_take(it->hold, it->record);
    if (++it->count == it->max) break;
    dm_message_push(L, 3, it->hold);
    lua_rawseti(L, 1, it->count + 1);
    it->record = take(it->consumer, 0);
  }
  return 0;
}

/* Fills the table at 'messages'. When memory runs out on the way, what was taken is handed over
** all the same: a record that is dropped here would never come again. */
static int fill_protected (lua_State *L, filling *it, int messages) {
  int status;
  lua_pushcfunction(L, fill);
  lua_pushvalue(L, messages);
  lua_pushvalue(L, messages + 1);
  lua_pushvalue(L, messages + 2);
  lua_pushlightuserdata(L, it);
  status = lua_pcall(L, 4, 0, 0);
  if (status != LUA_OK && it->count == 0) lua_error(L);
  lua_pushnil(L);
  lua_rawseti(L, messages, it->count + 1);
  return it->count;
}

/* Pushes a table of messages, empty when none came in time, or nil and an error. */
static int batch_for (lua_State *L, int max, int timeout_ms) {
  filling it = { .consumer = dm_consumer_check(L, 1, false), .max = max };
  int messages = lua_gettop(L) + 1;
  luaL_checkstack(L, 12, "batch");
  lua_createtable(L, it.consumer->last_batch, 0);
  it.hold = dm_hold_push(L, 1, it.consumer->client.state, &it.consumer->messages);
  dm_message_push(L, messages + 2, it.hold);
  lua_rawseti(L, messages, 1);
  it.record = await(L, it.consumer, timeout_ms);
  it.consumer->last_batch = fill_protected(L, &it, messages);
  if (it.count == 0 && it.consumer->fault.code) return dm_consumer_push_fault(L, it.consumer);
  dm_hold_note(L, it.hold);
  lua_settop(L, messages);
  return 1;
}

/* The size of a batch at arg. */
static int check_max (lua_State *L, int arg) {
  int exact;
  lua_Integer max = lua_tointegerx(L, arg, &exact);
  if (lua_type(L, arg) != LUA_TNUMBER || !exact)
    luaL_error(L, "max: integer expected, got %s", luaL_typename(L, arg));
  if (max < 1 || max > BATCH_MAX) luaL_error(L, "max: %I is not within 1..%d", max, BATCH_MAX);
  return (int)max;
}

int dm_consumer_batch_lua (lua_State *L) {
  int max = check_max(L, 2);
  return batch_for(L, max, dm_duration_opt(L, 3, "1s"));
}

/* -- Iterators: upvalues are the consumer, the time in ms and, for batches, the size ---------- */

static int upvalue_integer (lua_State *L, int i) {
  return (int)lua_tointeger(L, lua_upvalueindex(i));
}

static void begin_step (lua_State *L) {
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(1));
}

static int next_message (lua_State *L) {
  begin_step(L);
  return poll_for(L, upvalue_integer(L, 2)) == 2 ? lua_error(L) : 1;
}

static int next_batch (lua_State *L) {
  begin_step(L);
  if (batch_for(L, upvalue_integer(L, 3), upvalue_integer(L, 2)) == 2) return lua_error(L);
  if (lua_rawlen(L, -1) == 0) lua_pushnil(L);
  return 1;
}

int dm_consumer_messages_lua (lua_State *L) {
  dm_consumer_check(L, 1, true);
  lua_settop(L, 2);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, dm_duration_opt(L, 2, "forever"));
  lua_pushcclosure(L, next_message, 2);
  return 1;
}

int dm_consumer_batches_lua (lua_State *L) {
  int max;
  dm_consumer_check(L, 1, true);
  max = check_max(L, 2);
  lua_settop(L, 3);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, dm_duration_opt(L, 3, "forever"));
  lua_pushinteger(L, max);
  lua_pushcclosure(L, next_batch, 3);
  return 1;
}
