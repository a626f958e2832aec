/* SPDX-License-Identifier: MIT */
/* emit_lua.h -- emitting from Lua: work:emit and ctx:emit.
**
** Threads: the thread that owns L.
*/
#ifndef DM_EMIT_LUA_H
#define DM_EMIT_LUA_H

#include <lua.h>

#include "schema/text.h"

typedef struct dm_handler dm_handler;

/* Adds an event to what the handler's record emits. The docmsg.Work is at 'at', and behind it topic, key,
** value, type and options as docmsg.Work's emit takes them; with a text, that is the value. Returns NULL,
** or why the record may not emit that: "too_large", "too_many" or "hops". Raises for arguments that make no
** sense.  [-0, +?, e] */
const char *dm_emit_lua (lua_State *L, dm_handler *handler, int at, const dm_text *text);

/* context_emit(slowly, refuse_data, refuse_size) -> emit
**
** emit(ctx, type, data [, options]) does what slowly(ctx, type, data [, options]) would do, and leaves to
** it what has options, and what is for a frame that does not say its targets. The context's frame has at
** 1 its targets, event type -> { topic, encode (walk.h), the field that is the key or false, the key's
** function or false }, and at 2 its work. What cannot be emitted goes, with its reason, to
** refuse_data(frame, type, reason) or refuse_size(frame, type, reason of dm_emit_lua), which raise. */
int dm_context_emit_new (lua_State *L);

/* The places in a frame. */
enum { DM_FRAME_TARGETS = 1, DM_FRAME_WORK };

#endif
