/* SPDX-License-Identifier: MIT */
#include "http/request_lua.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "base/metatable.h"
#include "http/server.h"

#define REQUEST_TYPE "docmsg.http.Request"

dm_asked *dm_asked_push (lua_State *L, dm_server *server, dm_queue *queue) {
  dm_asked *request = lua_newuserdatauv(L, sizeof *request, 0);
  *request = (dm_asked){ .server = server, .queue = queue };
  luaL_setmetatable(L, REQUEST_TYPE);
  return request;
}

static dm_asked *check (lua_State *L) {
  dm_asked *request = luaL_checkudata(L, 1, REQUEST_TYPE);
  if (request->ex == NULL) luaL_error(L, "this request was answered");
  return request;
}

static int push_text (lua_State *L, const char *text) {
  lua_pushstring(L, text); /* nil for NULL */
  return 1;
}

static const char *value_of (const dm_asked *request, enum MHD_ValueKind kind, const char *name) {
  return MHD_lookup_connection_value(request->ex->connection, kind, name);
}

/* request:route() -> the number that server:route gave */
static int request_route (lua_State *L) {
  lua_pushinteger(L, check(L)->ex->route->number);
  return 1;
}

static int request_method (lua_State *L) {
  return push_text(L, check(L)->ex->method);
}

static int request_path (lua_State *L) {
  return push_text(L, check(L)->ex->path);
}

/* request:rest() -> what of the path is behind that of the route */
static int request_rest (lua_State *L) {
  const dm_exchange *ex = check(L)->ex;
  return push_text(L, ex->path + strlen(ex->route->path));
}

/* request:query(name) -> string | nil */
static int request_query (lua_State *L) {
  return push_text(L, value_of(check(L), MHD_GET_ARGUMENT_KIND, luaL_checkstring(L, 2)));
}

/* request:header(name) -> string | nil */
static int request_header (lua_State *L) {
  return push_text(L, value_of(check(L), MHD_HEADER_KIND, luaL_checkstring(L, 2)));
}

/* request:body() -> string */
static int request_body (lua_State *L) {
  const dm_exchange *ex = check(L)->ex;
  lua_pushlstring(L, ex->length > 0 ? ex->body : "", ex->length);
  return 1;
}

/* request:known() -> boolean: has it the token, or the cookie of a login? */
static int request_known (lua_State *L) {
  const dm_asked *request = check(L);
  lua_pushboolean(L, dm_guard_knows(&request->server->guard, request->ex->connection));
  return 1;
}

/* request:logout() -> the Set-Cookie after the session that it has, if any, was ended */
static int request_logout (lua_State *L) {
  const dm_asked *request = check(L);
  dm_guard_logout(&request->server->guard, request->ex->connection);
  lua_pushfstring(L, DM_GUARD_COOKIE "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0%s",
                  request->server->tls.cert != NULL ? "; Secure" : "");
  return 1;
}

/* -- Forms ------------------------------------------------------------------------------------- */

static dm_upload *check_upload (lua_State *L) {
  dm_upload *upload = check(L)->ex->upload;
  if (upload == NULL) luaL_error(L, "this request is no upload");
  return upload;
}

/* request:field(name) -> string | nil: of a form */
static int request_field (lua_State *L) {
  const char *name = luaL_checkstring(L, 2);
  for (const dm_form_field *field = check_upload(L)->fields; field != NULL; field = field->next)
    if (strcmp(field->name, name) == 0) {
      lua_pushlstring(L, field->text, field->length);
      return 1;
    }
  lua_pushnil(L);
  return 1;
}

static void set_text (lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

/* request:file() -> { filename, name, path, sha256, size } of an upload */
static int request_file (lua_State *L) {
  const dm_upload *upload = check_upload(L);
  lua_createtable(L, 0, 5);
  set_text(L, "filename", upload->filename);
  set_text(L, "name", upload->name);
  set_text(L, "sha256", upload->sha256);
  lua_pushfstring(L, "%s/%s", upload->rules->folder, upload->name);
  lua_setfield(L, -2, "path");
  lua_pushinteger(L, (lua_Integer)upload->size);
  lua_setfield(L, -2, "size");
  return 1;
}

/* request:hold(): the file stays, and is held until it is kept or discarded */
static int request_hold (lua_State *L) {
  dm_upload_hold(check_upload(L));
  return 0;
}

/* request:keep(): the file stays */
static int request_keep (lua_State *L) {
  dm_upload_keep(check_upload(L));
  return 0;
}

/* request:discard() -> true | nil, reason: removes the file */
static int request_discard (lua_State *L) {
  dm_upload *upload = check_upload(L);
  if (!dm_upload_discard(upload)) return luaL_fileresult(L, 0, upload->name);
  lua_pushboolean(L, 1);
  return 1;
}

/* -- The answer -------------------------------------------------------------------------------- */

/* Adds the headers in the list at idx, of pairs; raises when one is none. */
static void add_headers (lua_State *L, int idx, struct MHD_Response *response) {
  lua_Integer n = luaL_len(L, idx);
  for (lua_Integer i = 1; i <= n; i++) {
    bool added;
    lua_geti(L, idx, i);
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_geti(L, -1, 1);
    lua_geti(L, -2, 2);
    added = MHD_add_response_header(response, luaL_checkstring(L, -2), luaL_checkstring(L, -1)) ==
            MHD_YES;
    if (!added) luaL_error(L, "no header can be made of %s", lua_tostring(L, -2));
    lua_pop(L, 3);
  }
}

/* A response in a box of its own, so that an error does not lose it. */
static int response_gc (lua_State *L) {
  struct MHD_Response **response = lua_touserdata(L, 1);
  if (*response != NULL) MHD_destroy_response(*response);
  *response = NULL;
  return 0;
}

static struct MHD_Response **push_response (lua_State *L) {
  struct MHD_Response **response = lua_newuserdatauv(L, sizeof *response, 0);
  *response = NULL;
  if (dm_metatable_new(L, "docmsg.http.Response")) {
    lua_pushcfunction(L, response_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return response;
}

/* request:answer(code, type, body [, headers]) */
static int request_answer (lua_State *L) {
  dm_asked *request = check(L);
  lua_Integer code = luaL_checkinteger(L, 2);
  const char *type = luaL_checkstring(L, 3);
  size_t length;
  const char *body = luaL_checklstring(L, 4, &length);
  struct MHD_Response **response;
  lua_settop(L, 5);
  luaL_argcheck(L, code >= 200 && code <= 599, 2, "200 to 599 expected");
  response = push_response(L);
  *response = dm_response_new(type, body, length, request->server->headers);
  if (*response == NULL) return luaL_error(L, "not enough memory for the answer");
  if (!lua_isnoneornil(L, 5)) add_headers(L, 5, *response);
  dm_exchange_answer(request->queue, request->ex, (unsigned)code, *response, DM_NOT_REFUSED);
  *response = NULL;
  return 0;
}

void dm_asked_drop (dm_asked *request) {
  if (request->ex != NULL)
    dm_exchange_answer(request->queue, request->ex, dm_refusal_code(DM_FAILED), NULL, DM_FAILED);
}

/* request:fail(): the answer is 500 */
static int request_fail (lua_State *L) {
  dm_asked_drop(luaL_checkudata(L, 1, REQUEST_TYPE));
  return 0;
}

void dm_asked_open (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "answer", request_answer }, { "body", request_body }, { "discard", request_discard },
    { "fail", request_fail }, { "field", request_field }, { "file", request_file },
    { "header", request_header }, { "hold", request_hold }, { "keep", request_keep }, { "known", request_known },
    { "logout", request_logout },
    { "method", request_method }, { "path", request_path }, { "query", request_query },
    { "rest", request_rest }, { "route", request_route }, { NULL, NULL },
  };
  if (dm_metatable_new(L, REQUEST_TYPE)) {
    lua_pushcfunction(L, request_fail);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
  }
  lua_pop(L, 1);
}
