/* SPDX-License-Identifier: MIT */
/* admin_merge.h -- changing single configuration keys with a request that replaces all of them:
** describe, merge what is set with the change, alter, describe until the change shows.
**
** Two programs that do this to one resource at the same time can undo each other's change; the
** incremental request of newer librdkafkas cannot.
**
** Threads: the thread that owns L.
*/
#ifndef DM_ADMIN_MERGE_H
#define DM_ADMIN_MERGE_H

#include <lua.h>
#include <stdbool.h>

#include "kafka/admin_request.h"

/* Pushes the results of the changes {name, type, set, delete} in the list at 'list'. False after
** pushing nil and an error.  [-0, +(1|2), e] */
bool dm_merge_alter (lua_State *L, const dm_admin_call *call, int list);

#endif
