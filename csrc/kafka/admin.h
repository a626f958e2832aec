/* SPDX-License-Identifier: MIT */
/* admin.h -- the admin object of docmsg.kafka.
**
** Threads:   the thread that owns L.
** Ownership: the userdata owns its client, see client.h.
*/
#ifndef DM_ADMIN_H
#define DM_ADMIN_H

#include <lua.h>

/* Makes the metatables.  [-0, +0, m] */
void dm_admin_open (lua_State *L);

/* kafka.admin(options) -> admin | nil, err.  [-1, +(1|2), e] */
int dm_admin_lua (lua_State *L);

#endif
