/* SPDX-License-Identifier: MIT */
/* read.h -- reads JSON as most of it is: not nested deeply, integers of up to 18 digits. What is
** anything else, or no JSON, is not read, for docmsg.json to look at with lua-cjson.
**
** Threads:   the one of its lua_State.
** Ownership: all in Lua.
** Order:     dm_read_new makes a function; dm_read_decode is the body of a Lua function with the
**            upvalues program, constants, 'parse' and 'array'.
*/
#ifndef DM_READ_H
#define DM_READ_H

#include <lua.h>

/* reader(parse, array) -> read
** 'parse' is lua-cjson's decode, which reads strings with escapes; 'array' becomes the metatable of
** empty arrays.
**
** read(text) -> value as docmsg.json.decode makes it, or nil when the text was not read. */
int dm_read_new (lua_State *L);

/* decode(text) -> value as check(read(text)) gives it, or nil when the text was not read, or does not
** fit: it may still do when it is read and checked apart. The text may be lent (text.h), with a NUL behind
** it. */
int dm_read_decode (lua_State *L);

#endif
