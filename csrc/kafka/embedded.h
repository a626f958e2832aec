/* SPDX-License-Identifier: MIT */
/* embedded.h -- a broker inside this process: librdkafka's mock cluster, which speaks the real
** protocol on loopback. It has no admin requests, so admin clients of this state whose address
** belongs to one use it directly.
**
** Threads:   the thread that owns L; the broker runs on librdkafka's threads.
** Ownership: the userdata owns the cluster.
*/
#ifndef DM_EMBEDDED_H
#define DM_EMBEDDED_H

#include <lua.h>

/* Makes the metatable.  [-0, +0, m] */
void dm_embedded_open (lua_State *L);

/* kafka.embedded(options) -> broker | nil, err.  [-1, +(1|2), e] */
int dm_embedded_lua (lua_State *L);

#endif
