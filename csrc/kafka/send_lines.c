/* SPDX-License-Identifier: MIT */
/* Lines as records. None becomes a Lua value, and none has a handle: failures are counted. */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/metatable.h"
#include "kafka/error.h"
#include "kafka/lines.h"
#include "kafka/send.h"

#define LINES_TYPE "docmsg.Lines"
#define WHAT "lines"

static const dm_option options[] = {
  { "key_delimiter", DM_OPTION_STRING, 0, 0 },
  { "null", DM_OPTION_BOOLEAN, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

/* librdkafka takes so many records at once. */
#define BATCH 64

/* A record of at most so many bytes is never too large: message.max.bytes is 1000 at least. */
#define SMALL 512

/* A call: the producer at 1, what all records have at 2, the file at 3, the options at 4. */
typedef struct reading {
  dm_producer *producer;
  const dm_topic *topic; /* NULL: librdkafka refuses its name */
  const char *delimiter; /* between key and value, or NULL */
  bool null;             /* an empty key or value is null */
  dm_lines *lines;       /* in a userdata: an error frees them, too */
  dm_record record;      /* the next one */
  const char *key;       /* of a line that has none itself */
  size_t key_size;
  lua_Integer count;
  unsigned fresh;        /* sent since reports were last served */
  rd_kafka_message_t batch[BATCH];
  size_t start[BATCH];   /* where each of them is among the lines */
} reading;

/* An error, too, leaves the file where the lines are that were not taken. */
typedef struct lines_box {
  dm_lines lines;
  const luaL_Stream *stream; /* the user value */
} lines_box;

static int lines_close (lua_State *L) {
  lines_box *box = lua_touserdata(L, 1);
  if (box->stream->closef != NULL) dm_lines_leave(&box->lines);
  return 0;
}

static int lines_gc (lua_State *L) {
  lines_box *box = lua_touserdata(L, 1);
  dm_lines_free(&box->lines);
  return 0;
}

static luaL_Stream *check_file (lua_State *L) {
  luaL_Stream *stream = luaL_checkudata(L, 3, LUA_FILEHANDLE);
  luaL_argcheck(L, stream->closef != NULL, 3, "the file is closed");
  return stream;
}

static dm_lines *push_lines (lua_State *L) {
  luaL_Stream *stream = check_file(L);
  lines_box *box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = (lines_box){ .stream = stream };
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, -2, 1);
  if (dm_metatable_new(L, LINES_TYPE)) {
    lua_pushcfunction(L, lines_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, lines_close);
    lua_setfield(L, -2, "__close");
  }
  lua_setmetatable(L, -2);
  dm_lines_start(&box->lines, stream->f);
  lua_toclose(L, -1);
  return &box->lines;
}

/* Reads the options, and what all records have in common. */
static void read_common (lua_State *L, reading *it) {
  it->delimiter = dm_option_string(L, 4, "key_delimiter");
  it->null = dm_option_flag(L, 4, "null");
  dm_record_read(L, 2, &it->record);
  it->key = it->record.key;
  it->key_size = it->record.key_size;
  it->topic = dm_send_topic(L, it->producer, it->record.topic, it->record.topic_size);
}

static void set_value (reading *it, const char *text, size_t size) {
  it->record.value = it->null && size == 0 ? NULL : text;
  it->record.value_size = size;
}

/* The line without its end: a key, when a delimiter is in it, and a value. */
static void set_record (reading *it, const char *text, size_t size) {
  size_t length = it->delimiter != NULL ? strlen(it->delimiter) : 0;
  const char *found = length > 0 ? memmem(text, size, it->delimiter, length) : NULL;
  it->record.key = it->key;
  it->record.key_size = it->key_size;
  if (found != NULL) {
    it->record.key_size = (size_t)(found - text);
    it->record.key = it->null && it->record.key_size == 0 ? NULL : text;
    size -= (size_t)(found + length - text);
    text = found + length;
  }
  set_value(it, text, size);
}

/* Calls the handlers, which may change whatever was read. */
static void call_handlers (lua_State *L, reading *it) {
  dm_lines_leave(it->lines);
  dm_client_dispatch(L, 1, &it->producer->client);
  read_common(L, it);
  dm_lines_start(it->lines, check_file(L)->f);
}

/* The record alone, whose line begins there: with it the lines go on when it is refused, or an error is
** raised. False after pushing nil and an error. */
static bool send_one (lua_State *L, reading *it, size_t start) {
  size_t end = it->lines->begin;
  dm_ledger_expect(it->producer->ledger, 1);
  it->lines->begin = start;
  if (!dm_send_take(L, it->producer, it->topic, &it->record, NULL)) return false;
  it->lines->begin = end;
  it->count++;
  it->fresh++;
  return true;
}

/* May the record be one of many? Those cannot have headers and timestamps. */
static bool is_plain (const dm_record *record) {
  return record->headers == 0 && record->timestamp == 0 &&
         record->key_size + record->value_size <= SMALL;
}

/* Puts lines that are there into the batch; returns how many. The record is the next one when the
** first of them is not plain. */
static int fill_batch (reading *it) {
  const char *text;
  size_t size;
  int n = 0;
  for (; n < BATCH; n++) {
    it->start[n] = it->lines->begin;
    if (!dm_lines_take(it->lines, &text, &size)) break;
    set_record(it, text, size);
    if (!is_plain(&it->record)) break;
    it->batch[n] = (rd_kafka_message_t){ .payload = (void *)it->record.value,
                                         .len = it->record.value_size,
                                         .key = (void *)it->record.key,
                                         .key_len = it->record.key_size };
  }
  if (n > 0 && n < BATCH) it->lines->begin = it->start[n]; /* what is not plain comes after them */
  return n;
}

/* What was not taken among others is tried alone: that waits for room, or tells why not. */
static bool send_again (lua_State *L, reading *it, int i) {
  const rd_kafka_message_t *message = &it->batch[i];
  it->record.key = message->key;
  it->record.key_size = message->key_len;
  it->record.value = message->payload;
  it->record.value_size = message->len;
  return send_one(L, it, it->start[i]);
}

/* Sends records of the batch from 'i' on, in order; from a full queue on, only the next. Returns with
** which to go on, or -1 after pushing nil and an error. */
static int send_many (lua_State *L, reading *it, int i, int n) {
  rd_kafka_message_t *batch = it->batch;
  int taken = rd_kafka_produce_batch(it->topic->rkt, it->record.partition,
                                     RD_KAFKA_MSG_F_COPY, batch + i, n - i);
  dm_ledger_expect(it->producer->ledger, (unsigned)taken);
  for (; i < n; i++) {
    if (!batch[i].err) it->count++, it->fresh++;
    else if (!send_again(L, it, i)) return -1;
    else if (batch[i].err == RD_KAFKA_RESP_ERR__QUEUE_FULL) return i + 1;
  }
  return n;
}

/* Sends lines that are there. False after pushing nil and an error. */
static bool send_loaded (lua_State *L, reading *it) {
  int n = fill_batch(it), i = 0;
  if (n == 0) return send_one(L, it, it->start[0]);
  while (i >= 0 && i < n) i = send_many(L, it, i, n);
  return i >= 0;
}

/* What a read that failed leaves behind; a signal may have ended it. */
static int not_read (lua_State *L, const dm_watch *watch) {
  int code = errno;
  dm_watch_check(L, watch);
  return dm_error_return(L, RD_KAFKA_RESP_ERR__FS, "the input cannot be read: %s", strerror(code));
}

/* Sends the next lines. 1: they were sent; 0: there are none; 2 after pushing nil and an error. */
static int send_next (lua_State *L, reading *it, const dm_watch *watch) {
  int loaded;
  if (dm_send_serve(it->producer, it->fresh)) call_handlers(L, it);
  it->fresh = 0;
  dm_watch_check(L, watch);
  check_file(L);
  if (it->topic == NULL) return dm_send_refused(L, it->record.topic);
  loaded = dm_lines_load(it->lines);
  if (loaded < 0) return not_read(L, watch);
  return loaded == 0 ? 0 : send_loaded(L, it) ? 1 : 2;
}

int dm_send_lines (lua_State *L) {
  reading it = { .producer = dm_producer_check(L, 1) };
  dm_watch watch = dm_watch_begin(L);
  int result;
  check_file(L);
  lua_settop(L, 4);
  dm_option_default(L, 4);
  dm_option_check(L, 4, WHAT, options);
  read_common(L, &it);
  it.lines = push_lines(L);
  while ((result = send_next(L, &it, &watch)) == 1) continue;
  lua_pushinteger(L, it.count);
  return result + 1;
}

int dm_send_failed (lua_State *L) {
  dm_producer *producer = dm_producer_check(L, 1);
  rd_kafka_resp_err_t code;
  uint64_t failed = dm_ledger_failed(producer->ledger, &code);
  lua_pushinteger(L, (lua_Integer)failed);
  if (failed == 0) return 1;
  dm_error_return(L, code, "%s", rd_kafka_err2str(code));
  dm_client_blame(L, &producer->client);
  lua_remove(L, -2); /* the nil of errors */
  return 2;
}
