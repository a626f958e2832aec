/* SPDX-License-Identifier: MIT */
/* Records from the broker to a file. None becomes a Lua value, and none is kept: that is what makes
** it as fast as a program in C. */
#include <lauxlib.h>

#include "kafka/consumer_parts.h"
#include "kafka/printer.h"

/* Ctrl-C is looked for every so many records. */
#define RECORDS_PER_CHECK 1024

#define WHAT "print"

static const dm_option options[] = {
  { "ends", DM_OPTION_TABLE, 0, 0 },
  { "max", DM_OPTION_INTEGER, 1, LUA_MAXINTEGER },
  { "timeout", DM_OPTION_DURATION, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

/* A call of print: the consumer at 1, the printer at 2, the options at 3, the ends at 4. */
typedef struct printing {
  dm_consumer *consumer;
  dm_printer *printer;
  int64_t *ends;          /* by partition: the first offset that is not wanted; 0: has been reached */
  int32_t partitions;     /* how many have an end; 0: all is wanted */
  int32_t left;           /* how many have not reached it */
  lua_Integer count, max;
} printing;

/* Reads the ends at 4 into a userdata at 5. */
static void read_ends (lua_State *L, printing *it) {
  if (lua_isnil(L, 4)) return;
  it->partitions = (int32_t)lua_rawlen(L, 4);
  it->ends = lua_newuserdatauv(L, (size_t)it->partitions * sizeof *it->ends + 1, 0);
  for (int32_t i = 0; i < it->partitions; i++) {
    if (lua_rawgeti(L, 4, i + 1) != LUA_TNUMBER)
      luaL_error(L, WHAT ": ends[%d]: an offset expected, got %s", (int)i + 1,
                 luaL_typename(L, -1));
    it->ends[i] = lua_tointeger(L, -1);
    if (it->ends[i] > 0) it->left++;
    lua_pop(L, 1);
  }
}

/* Leaves in the table at 4 which partitions have reached their end. */
static void write_ends (lua_State *L, const printing *it) {
  for (int32_t i = 0; i < it->partitions; i++) {
    lua_pushinteger(L, it->ends[i]);
    lua_rawseti(L, 4, i + 1);
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

/* Prints and destroys what was taken. */
static void print (printing *it, rd_kafka_message_t *record) {
  if (record->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) reach(it, record->partition);
  else if (record->err)
    dm_consumer_fail(it->consumer, record->err, "%s", rd_kafka_message_errstr(record));
  else if (is_wanted(it, record)) {
    dm_printer_print(it->printer, record);
    it->count++;
  }
  rd_kafka_message_destroy(record);
}

static bool is_over (const printing *it) {
  return it->count == it->max || it->consumer->fault.code || dm_printer_failed(it->printer) ||
         (it->partitions > 0 && it->left == 0);
}

/* Prints what waits, without waiting for more. */
static void print_waiting (lua_State *L, printing *it, const dm_watch *watch) {
  rd_kafka_message_t *record;
  for (int n = 1; !is_over(it); n++) {
    record = rd_kafka_consumer_poll(it->consumer->client.rk, 0);
    if (record == NULL) break;
    print(it, record);
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
    record = rd_kafka_consumer_poll(it->consumer->client.rk, dm_deadline_slice(deadline));
    if (record != NULL) {
      print(it, record);
      print_waiting(L, it, &watch);
      deadline = dm_deadline_in(timeout_ms);
    }
    dm_client_dispatch(L, 1, &it->consumer->client);
    dm_watch_check(L, &watch);
    if (record == NULL && dm_deadline_left(deadline) == 0) break;
  }
}

int dm_consumer_print_lua (lua_State *L) {
  printing it = { .consumer = dm_consumer_check(L, 1, false), .printer = dm_printer_check(L, 2) };
  int timeout_ms, failed;
  lua_settop(L, 3);
  dm_option_default(L, 3);
  dm_option_check(L, 3, WHAT, options);
  it.max = dm_option_integer(L, 3, "max", LUA_MAXINTEGER);
  timeout_ms = dm_option_duration(L, 3, "timeout", "1s");
  lua_getfield(L, 3, "ends");
  read_ends(L, &it);
  print_all(L, &it, timeout_ms);
  write_ends(L, &it);
  failed = dm_printer_flush(L, it.printer);
  if (failed == 2) return failed;
  if (it.consumer->fault.code && it.count == 0) return dm_consumer_push_fault(L, it.consumer);
  lua_pushinteger(L, it.count);
  lua_pushboolean(L, it.count == it.max || (it.partitions > 0 && it.left == 0));
  return 2;
}
