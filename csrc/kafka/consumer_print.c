/* SPDX-License-Identifier: MIT */
/* Records from the broker to a file. None becomes a Lua value, unless a Lua function chooses among
** them, and none is kept: that is what makes it as fast as a program in C. */
#include <lauxlib.h>

#include "kafka/consumer_parts.h"
#include "kafka/printer.h"

/* Ctrl-C is looked for every so many records. */
#define RECORDS_PER_CHECK 1024

/* So many are held together for a Lua function: few, so that their memory is used again soon. */
#define RECORDS_PER_HOLD 64

#define WHAT "print"

static const dm_option options[] = {
  { "choose", DM_OPTION_FUNCTION, 0, 0 },
  { "ends", DM_OPTION_TABLE, 0, 0 },
  { "max", DM_OPTION_INTEGER, 1, LUA_MAXINTEGER },
  { "timeout", DM_OPTION_DURATION, 0, 0 },
  { "within", DM_OPTION_DURATION, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

/* The stack of a call, from the bottom. */
enum { CONSUMER = 1, PRINTER, OPTIONS, ENDS, CHOOSE, ENDS_BLOCK, METATABLE, HOLD, MESSAGE };

/* A call of print. */
typedef struct printing {
  dm_consumer *consumer;
  dm_printer *printer;
  int64_t *ends;          /* by partition: the first offset that is not wanted; 0: reached */
  int32_t partitions;     /* how many have an end; 0: all is wanted */
  int32_t left;           /* how many have not reached it */
  bool chosen;            /* a Lua function says which, and what is printed */
  dm_deadline end;        /* when it is over, whatever is there still */
  lua_Integer count, max;
  dm_hold *hold;          /* of the records that are chosen among; NULL: not yet */
  int held;               /* records in it */
  bool prepared;          /* the next message is in its place */
} printing;

/* Reads the ends into a userdata, which it pushes. */
static void read_ends (lua_State *L, printing *it) {
  it->partitions = lua_isnil(L, ENDS) ? 0 : (int32_t)lua_rawlen(L, ENDS);
  it->ends = lua_newuserdatauv(L, (size_t)it->partitions * sizeof *it->ends + 1, 0);
  for (int32_t i = 0; i < it->partitions; i++) {
    if (lua_rawgeti(L, ENDS, i + 1) != LUA_TNUMBER)
      luaL_error(L, WHAT ": ends[%d]: an offset expected, got %s", (int)i + 1,
                 luaL_typename(L, -1));
    it->ends[i] = lua_tointeger(L, -1);
    if (it->ends[i] > 0) it->left++;
    lua_pop(L, 1);
  }
}

/* Leaves in their table which partitions have reached their end. */
static void write_ends (lua_State *L, const printing *it) {
  for (int32_t i = 0; i < it->partitions; i++) {
    lua_pushinteger(L, it->ends[i]);
    lua_rawseti(L, ENDS, i + 1);
  }
}

static void reach (printing *it, int32_t partition) {
  if (partition >= it->partitions || it->ends[partition] == 0) return;
  it->ends[partition] = 0;
  it->left--;
}

/* Is the record before the end of its partition? */
static bool is_wanted (printing *it, const rd_kafka_message_t *record) {
  int64_t end;
  if (record->partition >= it->partitions) return it->partitions == 0;
  end = it->ends[record->partition];
  if (record->offset + 1 >= end) reach(it, record->partition);
  return record->offset < end;
}

/* -- Choosing --------------------------------------------------------------------------------- */

/* A new hold at its place in the stack; the records of the one before are done with. */
static void renew_hold (lua_State *L, printing *it) {
  dm_consumer *consumer = it->consumer;
  if (it->hold != NULL) dm_hold_drop(it->hold);
  it->hold = dm_hold_push(L, CONSUMER, consumer->client.state, &consumer->messages);
  it->held = 0;
  lua_replace(L, HOLD);
  lua_replace(L, METATABLE);
}

/* Makes the message for the next record: nothing may raise once that was taken. */
static void prepare (lua_State *L, printing *it) {
  if (it->hold == NULL || it->held == RECORDS_PER_HOLD) renew_hold(L, it);
  dm_message_push(L, HOLD, it->hold);
  lua_replace(L, MESSAGE);
  it->prepared = true;
}

/* Writes what the function on the top of the stack gave instead of the record. */
static void print_text (lua_State *L, printing *it) {
  size_t size;
  const char *text;
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, WHAT ": choose: a boolean, a string or nil expected, got %s",
               luaL_typename(L, -1));
  text = lua_tolstring(L, -1, &size);
  dm_printer_write(it->printer, text, size);
}

/* Lets the Lua function choose. The record is the hold's from now on. */
static void choose (lua_State *L, printing *it, rd_kafka_message_t *record) {
  dm_hold_take(it->hold, record);
  it->held++;
  it->prepared = false;
  lua_pushvalue(L, CHOOSE);
  lua_pushvalue(L, MESSAGE);
  lua_call(L, 1, 1);
  if (it->consumer->client.rk == NULL) luaL_error(L, WHAT ": its consumer was closed by choose");
  if (lua_toboolean(L, -1)) {
    if (lua_isboolean(L, -1)) dm_printer_print(it->printer, record);
    else print_text(L, it);
    it->count++;
  }
  lua_pop(L, 1);
}

/* -- The loop --------------------------------------------------------------------------------- */

static rd_kafka_message_t *take (lua_State *L, printing *it, int timeout_ms) {
  if (it->chosen && !it->prepared) prepare(L, it);
  return rd_kafka_consumer_poll(it->consumer->client.rk, timeout_ms);
}

/* Prints what was taken, which it destroys. */
static void print (lua_State *L, printing *it, rd_kafka_message_t *record) {
  if (record->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) reach(it, record->partition);
  else if (record->err)
    dm_consumer_fail(it->consumer, record->err, "%s", rd_kafka_message_errstr(record));
  else if (is_wanted(it, record)) {
    if (it->chosen) {
      choose(L, it, record);
      return;
    }
    dm_printer_print(it->printer, record);
    it->count++;
  }
  rd_kafka_message_destroy(record);
}

static bool is_over (const printing *it) {
  return it->count == it->max || it->consumer->fault.code || dm_printer_failed(it->printer) ||
         (it->partitions > 0 && it->left == 0) || dm_deadline_left(it->end) == 0;
}

/* The most to wait for a record at once. */
static int slice_until (const printing *it, dm_deadline deadline) {
  int slice = dm_deadline_slice(deadline);
  int left = dm_deadline_left(it->end);
  return left < slice ? left : slice;
}

/* Prints what waits, without waiting for more. */
static void print_waiting (lua_State *L, printing *it, const dm_watch *watch) {
  rd_kafka_message_t *record;
  for (int n = 1; !is_over(it); n++) {
    record = take(L, it, 0);
    if (record == NULL) break;
    print(L, it, record);
    if (n % RECORDS_PER_CHECK == 0) dm_watch_check(L, watch);
  }
  if (it->count > 0) dm_feed_reached(it->consumer->client.feed);
}

/* Prints until it is over or nothing has come for timeout_ms. */
static void print_all (lua_State *L, printing *it, int timeout_ms) {
  dm_watch watch = dm_watch_begin(L);
  dm_deadline deadline = dm_deadline_in(timeout_ms);
  rd_kafka_message_t *record;
  while (!is_over(it)) {
    record = take(L, it, slice_until(it, deadline));
    if (record != NULL) {
      print(L, it, record);
      print_waiting(L, it, &watch);
      dm_printer_flush(it->printer); /* whoever follows wants to see it now */
      deadline = dm_deadline_in(timeout_ms);
    }
    dm_client_dispatch(L, 1, &it->consumer->client);
    dm_watch_check(L, &watch);
    if (record == NULL && dm_deadline_left(deadline) == 0) break;
  }
}

/* Reads the options and lays out the stack. Returns the time to wait. */
static int read_options (lua_State *L, printing *it) {
  int timeout_ms;
  lua_settop(L, OPTIONS);
  dm_option_default(L, OPTIONS);
  dm_option_check(L, OPTIONS, WHAT, options);
  it->max = dm_option_integer(L, OPTIONS, "max", LUA_MAXINTEGER);
  timeout_ms = dm_option_duration(L, OPTIONS, "timeout", "1s");
  it->end = dm_deadline_in(dm_option_duration(L, OPTIONS, "within", "forever"));
  lua_getfield(L, OPTIONS, "ends");
  it->chosen = lua_getfield(L, OPTIONS, "choose") != LUA_TNIL;
  read_ends(L, it);
  lua_settop(L, MESSAGE);
  return timeout_ms;
}

int dm_consumer_print_lua (lua_State *L) {
  printing it = { .consumer = dm_consumer_check(L, CONSUMER, false),
                  .printer = dm_printer_check(L, PRINTER) };
  int timeout_ms = read_options(L, &it);
  print_all(L, &it, timeout_ms);
  if (it.hold != NULL) dm_hold_drop(it.hold);
  write_ends(L, &it);
  if (!dm_printer_flush(it.printer)) return dm_printer_fail(L, it.printer);
  if (it.consumer->fault.code && it.count == 0) return dm_consumer_push_fault(L, it.consumer);
  lua_pushinteger(L, it.count);
  lua_pushboolean(L, it.count == it.max || (it.partitions > 0 && it.left == 0));
  return 2;
}
