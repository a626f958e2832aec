/* SPDX-License-Identifier: MIT */
#include "kafka/printer.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "base/metatable.h"
#include "kafka/error.h"
#include "kafka/format.h"
#include "kafka/message.h"
#include "kafka/option.h"

#define PRINTER_TYPE "docmsg.Printer"
#define WHAT "kafka.printer"

struct dm_printer {
  luaL_Stream *stream;
  bool json;
  int error;        /* errno of the first write that failed */
  dm_format format; /* its memory follows */
};

static const dm_option options[] = {
  { "file", DM_OPTION_ANY, 0, 0 },
  { "format", DM_OPTION_STRING, 0, 0 },
  { "json", DM_OPTION_BOOLEAN, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

dm_printer *dm_printer_check (lua_State *L, int arg) {
  dm_printer *printer = luaL_checkudata(L, arg, PRINTER_TYPE);
  if (printer->stream->closef == NULL) luaL_error(L, "printer: its file was closed");
  return printer;
}

static luaL_Stream *check_file (lua_State *L) {
  luaL_Stream *stream;
  lua_getfield(L, 1, "file");
  stream = luaL_testudata(L, -1, LUA_FILEHANDLE);
  if (stream == NULL || stream->closef == NULL)
    luaL_error(L, WHAT ": file: an open file expected, got %s", luaL_tolstring(L, -1, NULL));
  return stream;
}

static void compile (lua_State *L, dm_printer *printer, const char *text, size_t size) {
  const char *wrong = dm_format_compile(&printer->format, text, size, printer + 1);
  if (wrong != NULL)
    luaL_error(L, WHAT ": format: '%s' at byte %d is none of %%s %%S %%R %%k %%K %%T %%h %%t %%p "
                  "%%o %%%% \\n \\r \\t \\\\ \\xHH", lua_pushlstring(L, wrong, wrong[1] ? 2 : 1),
               (int)(wrong - text) + 1);
}

int dm_printer_lua (lua_State *L) {
  const char *text;
  size_t size;
  dm_printer *printer;
  luaL_Stream *stream;
  lua_settop(L, 1);
  dm_option_default(L, 1);
  dm_option_check(L, 1, WHAT, options);
  stream = check_file(L);
  lua_getfield(L, 1, "format");
  text = luaL_optlstring(L, -1, "%s\\n", &size);
  printer = lua_newuserdatauv(L, sizeof *printer + dm_format_size(size), 1);
  *printer = (dm_printer){ .stream = stream, .json = dm_option_flag(L, 1, "json") };
  compile(L, printer, text, size);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, PRINTER_TYPE);
  return 1;
}

static void note_error (dm_printer *printer) {
  if (printer->error == 0 && ferror_unlocked(printer->stream->f)) printer->error = errno;
}

/* The file; NULL, and an error is noted, when it was closed: any Lua code that runs between two
** records may do that. */
static FILE *open_file (dm_printer *printer) {
  if (printer->stream->closef != NULL) return printer->stream->f;
  if (printer->error == 0) printer->error = EBADF;
  return NULL;
}

void dm_printer_print (dm_printer *printer, const rd_kafka_message_t *record) {
  FILE *file = open_file(printer);
  if (file == NULL) return;
  if (printer->json) dm_format_print_json(file, record);
  else dm_format_print(&printer->format, file, record);
  note_error(printer);
}

void dm_printer_write (dm_printer *printer, const char *bytes, size_t size) {
  FILE *file = open_file(printer);
  if (file == NULL) return;
  fwrite_unlocked(bytes, 1, size, file);
  putc_unlocked('\n', file);
  note_error(printer);
}

bool dm_printer_failed (const dm_printer *printer) {
  return printer->error != 0;
}

bool dm_printer_flush (dm_printer *printer) {
  FILE *file = open_file(printer);
  if (file != NULL && fflush(file) != 0 && printer->error == 0) printer->error = errno;
  return printer->error == 0;
}

int dm_printer_fail (lua_State *L, const dm_printer *printer) {
  return dm_error_return(L, RD_KAFKA_RESP_ERR__FS, "the output cannot be written: %s",
                         strerror(printer->error));
}

static int printer_print (lua_State *L) {
  dm_printer_print(dm_printer_check(L, 1), dm_message_check(L, 2));
  return 0;
}

static int printer_flush (lua_State *L) {
  dm_printer *printer = dm_printer_check(L, 1);
  if (!dm_printer_flush(printer)) return dm_printer_fail(L, printer);
  lua_pushboolean(L, 1);
  return 1;
}

static const luaL_Reg methods[] = {
  { "flush", printer_flush },
  { "print", printer_print },
  { NULL, NULL },
};

void dm_printer_open (lua_State *L) {
  dm_metatable_new(L, PRINTER_TYPE);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
