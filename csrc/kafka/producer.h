/* SPDX-License-Identifier: MIT */
/* producer.h -- the producer object of docmsg.kafka.
**
** Threads:   the thread that owns L.
** Ownership: the userdata owns its client, see client.h.
*/
#ifndef DM_PRODUCER_H
#define DM_PRODUCER_H

#include <lua.h>

/* Makes the metatables.  [-0, +0, m] */
void dm_producer_open (lua_State *L);

/* kafka.producer(options) -> producer | nil, err.  [-1, +(1|2), e] */
int dm_producer_lua (lua_State *L);

#endif
