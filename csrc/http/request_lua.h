/* SPDX-License-Identifier: MIT */
/* request_lua.h -- docmsg.http.Request: a request as its handler sees it.
**
** Threads:   the thread that owns L.
** Ownership: borrows its exchange until it is answered; one that is collected unanswered is refused.
*/
#ifndef DM_HTTP_REQUEST_LUA_H
#define DM_HTTP_REQUEST_LUA_H

#include <lua.h>

#include "http/exchange.h"

typedef struct dm_server dm_server;

typedef struct dm_asked {
  dm_exchange *ex;    /* NULL: answered, or none yet */
  dm_server *server;
  dm_queue *queue;
} dm_asked;

/* Registers the metatable.  [-0, +0, m] */
void dm_asked_open (lua_State *L);

/* Pushes a request without an exchange, which dm_queue_take puts there.  [-0, +1, m] */
dm_asked *dm_asked_push (lua_State *L, dm_server *server, dm_queue *queue);

/* Refuses it, unless it was answered. */
void dm_asked_drop (dm_asked *request);

#endif
