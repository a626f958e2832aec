/* SPDX-License-Identifier: MIT */
/* Lines as records. None becomes a Lua value, and none has a handle: failures are counted. */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/metatable.h"
#include "kafka/error.h"
#include "kafka/send.h"

#define LINE_TYPE "docmsg.Line"
#define WHAT "lines"

static const dm_option options[] = {
  { "key_delimiter", DM_OPTION_STRING, 0, 0 },
  { "null", DM_OPTION_BOOLEAN, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

/* The line that was read last, in a userdata: an error frees it, too. */
typedef struct line_box {
  char *text;
  size_t room;
} line_box;

/* A call: the producer at 1, what all records have at 2, the file at 3, the options at 4. */
typedef struct reading {
  dm_producer *producer;
  luaL_Stream *stream;
  const dm_topic *topic; /* NULL: librdkafka refuses its name */
  const char *delimiter; /* between key and value, or NULL */
  bool null;             /* an empty key or value is null */
  line_box *line;
  dm_record record;      /* the next one */
  const char *key;       /* of a line that has none itself */
  size_t key_size;
  lua_Integer count;
} reading;

static int line_gc (lua_State *L) {
  line_box *line = lua_touserdata(L, 1);
  free(line->text);
  line->text = NULL;
  return 0;
}

static line_box *push_line (lua_State *L) {
  line_box *line = lua_newuserdatauv(L, sizeof *line, 0);
  *line = (line_box){ NULL, 0 };
  if (dm_metatable_new(L, LINE_TYPE)) {
    lua_pushcfunction(L, line_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return line;
}

static luaL_Stream *check_file (lua_State *L, int arg) {
  luaL_Stream *stream = luaL_checkudata(L, arg, LUA_FILEHANDLE);
  luaL_argcheck(L, stream->closef != NULL, arg, "the file is closed");
  return stream;
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

/* Sends the next line. 1: it was sent; 0: there is none; 2 after pushing nil and an error. */
static int send_next (lua_State *L, reading *it, const dm_watch *watch) {
  ssize_t size;
  if (dm_send_serve(L, it->producer)) read_common(L, it); /* handlers may have changed all of it */
  check_file(L, 3);
  if (it->topic == NULL) return dm_send_refused(L, it->record.topic);
  dm_watch_check(L, watch);
  errno = 0;
  size = getdelim(&it->line->text, &it->line->room, '\n', it->stream->f);
  if (size < 0) {
    dm_watch_check(L, watch); /* a signal ends a read */
    if (feof(it->stream->f) && !ferror(it->stream->f)) return 0;
    return dm_error_return(L, RD_KAFKA_RESP_ERR__FS, "the input cannot be read: %s",
                           strerror(errno));
  }
  if (it->line->text[size - 1] == '\n') size--;
  set_record(it, it->line->text, (size_t)size);
  dm_ledger_expect(it->producer->ledger);
  return dm_send_take(L, it->producer, it->topic, &it->record, NULL) ? 1 : 2;
}

int dm_send_lines (lua_State *L) {
  reading it = { .producer = dm_producer_check(L, 1), .stream = check_file(L, 3) };
  dm_watch watch = dm_watch_begin(L);
  int result;
  lua_settop(L, 4);
  dm_option_default(L, 4);
  dm_option_check(L, 4, WHAT, options);
  it.line = push_line(L);
  read_common(L, &it);
  while ((result = send_next(L, &it, &watch)) == 1) it.count++;
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
