/* SPDX-License-Identifier: MIT */
#include "host/line.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/metatable.h"
#include "host/edit.h"
#include "host/interrupt.h"

#define EDITOR_TYPE "docmsg.Editor"

typedef struct {
  dm_edit *edit;  /* NULL: lines come from standard input as they are */
  lua_State *L;   /* of the read that is going on, whose index 1 is this */
} editor;

/* User values of an editor: the functions that complete, and that run while nobody types. */
#define COMPLETER 1
#define IDLER 2

static editor *check_editor (lua_State *L) {
  return luaL_checkudata(L, 1, EDITOR_TYPE);
}

/* Reads without editing: input is no terminal, or one that cannot move its cursor. */
static char *read_plain (const char *prompt, size_t *length) {
  char *line = NULL;
  size_t room = 0;
  for (; *prompt != '\0'; prompt++)
    if (*prompt != '\1') putchar(*prompt);
  fflush(stdout);
  ssize_t got = dm_interrupt_pending() == 0 ? getline(&line, &room, stdin) : -1;
  if (got < 0) {
    free(line);
    clearerr(stdin);
    return NULL;
  }
  *length = (size_t)got;
  return line;
}

/* The string at idx, made by malloc; NULL when it is none, or empty. */
static char *copy_string (lua_State *L, int idx) {
  const char *text = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : "";
  return *text != '\0' ? strdup(text) : NULL;
}

/* A press of TAB. */
typedef struct {
  const char *line;
  size_t length;
  char *insertion, *list;
} question;

/* complete(line) -> insertion, list. Runs protected: an error must not jump across libedit. */
static int ask (lua_State *L) {
  question *it = lua_touserdata(L, 2);
  if (lua_getiuservalue(L, 1, COMPLETER) != LUA_TFUNCTION) return 0;
  lua_pushlstring(L, it->line, it->length);
  lua_call(L, 1, 2);
  it->insertion = copy_string(L, -2);
  it->list = copy_string(L, -1);
  return 0;
}

/* An error completes nothing: the line that is typed goes first. */
static char *complete (void *ud, const char *line, size_t length, char **list) {
  lua_State *L = ((editor *)ud)->L;
  question it = { line, length, NULL, NULL };
  if (!lua_checkstack(L, 8)) return NULL;
  lua_pushcfunction(L, ask);
  lua_pushvalue(L, 1);
  lua_pushlightuserdata(L, &it);
  if (lua_pcall(L, 2, 0, 0) != LUA_OK) lua_pop(L, 1);
  *list = it.list;
  return it.insertion;
}

/* What idle() has to say. */
typedef struct {
  char *text;
  size_t length;
} news;

/* idle() -> text. Runs protected, as 'ask'. */
static int ask_idle (lua_State *L) {
  news *it = lua_touserdata(L, 2);
  if (lua_getiuservalue(L, 1, IDLER) != LUA_TFUNCTION) return 0;
  lua_call(L, 0, 1);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &it->length) : NULL;
  if (text == NULL || (it->text = malloc(it->length + 1)) == NULL) return 0;
  memcpy(it->text, text, it->length + 1);
  return 0;
}

/* An error is for idle() itself to tell. */
static char *idle (void *ud, size_t *length) {
  lua_State *L = ((editor *)ud)->L;
  news it = { NULL, 0 };
  if (!lua_checkstack(L, 8)) return NULL;
  lua_pushcfunction(L, ask_idle);
  lua_pushvalue(L, 1);
  lua_pushlightuserdata(L, &it);
  if (lua_pcall(L, 2, 0, 0) != LUA_OK) lua_pop(L, 1);
  *length = it.length;
  return it.text;
}

/* editor:idler(idle): what goes on while a line is awaited */
static int editor_idler (lua_State *L) {
  editor *ed = check_editor(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, IDLER);
  if (ed->edit != NULL) dm_edit_idle(ed->edit, idle, ed);
  return 0;
}

/* editor:completer(complete): what TAB does */
static int editor_completer (lua_State *L) {
  editor *ed = check_editor(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, COMPLETER);
  if (ed->edit != NULL) dm_edit_complete(ed->edit, complete, ed);
  return 0;
}

/* editor:read(prompt) -> line | nil, signal number | nil at the end of the input */
static int editor_read (lua_State *L) {
  editor *ed = check_editor(L);
  const char *prompt = luaL_checkstring(L, 2);
  size_t length = 0;
  ed->L = L;
  dm_interrupt_begin_reading();
  char *line = ed->edit != NULL ? dm_edit_read(ed->edit, prompt, &length)
                                : read_plain(prompt, &length);
  int signal_number = dm_interrupt_end_reading();
  if (signal_number != 0 || line == NULL) {
    free(line);
    lua_pushnil(L);
    if (signal_number == 0) return 1;
    lua_pushinteger(L, signal_number);
    return 2;
  }
  if (length > 0 && line[length - 1] == '\n') length--;
  lua_pushlstring(L, line, length);  /* a lack of memory here loses the line, at worst */
  free(line);
  return 1;
}

/* editor:remember(entry): the arrow keys find it from now on */
static int editor_remember (lua_State *L) {
  editor *ed = check_editor(L);
  const char *entry = luaL_checkstring(L, 2);
  if (ed->edit != NULL) dm_edit_remember(ed->edit, entry);
  return 0;
}

static int editor_gc (lua_State *L) {
  editor *ed = check_editor(L);
  if (ed->edit != NULL) dm_edit_free(ed->edit);
  ed->edit = NULL;
  return 0;
}

/* editor(editing) -> editor; with 'editing' false lines are read as they come */
static int host_editor (lua_State *L) {
  int editing = lua_toboolean(L, 1);
  editor *ed = lua_newuserdatauv(L, sizeof(*ed), 2);
  ed->edit = NULL;
  luaL_setmetatable(L, EDITOR_TYPE);
  if (editing) ed->edit = dm_edit_new();
  return 1;
}

static int make_folders (const char *path) {
  char folder[4096];
  if (strlen(path) >= sizeof(folder)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(folder, path);
  for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) return -1;
    *slash = '/';
  }
  return 0;
}

/* A history that others may read becomes private; a device, such as /dev/null, is left alone. */
static int make_private (int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0) return -1;
  if (!S_ISREG(info.st_mode) || (info.st_mode & 077) == 0) return 0;
  return fchmod(fd, 0600);
}

/* One write, so that entries of sessions that share the file do not mix. */
static int append (const char *path, const char *text, size_t length) {
  if (make_folders(path) != 0) return -1;
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  int done = make_private(fd) == 0 && write(fd, text, length) == (ssize_t)length;
  int reason = errno;
  close(fd);
  errno = reason;
  return done ? 0 : -1;
}

/* append(path, text) -> true | nil, reason; for the user's eyes only, folders are made */
static int host_append (lua_State *L) {
  size_t length;
  const char *path = luaL_checkstring(L, 1);
  const char *text = luaL_checklstring(L, 2, &length);
  return luaL_fileresult(L, append(path, text, length) == 0, path);
}

static const luaL_Reg methods[] = {
  { "completer", editor_completer }, { "idler", editor_idler }, { "read", editor_read },
  { "remember", editor_remember }, { NULL, NULL }
};

static const luaL_Reg metamethods[] = { { "__gc", editor_gc }, { NULL, NULL } };

static const luaL_Reg functions[] = {
  { "append", host_append }, { "editor", host_editor }, { NULL, NULL }
};

void dm_line_register (lua_State *L) {
  dm_metatable_new(L, EDITOR_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
