/* SPDX-License-Identifier: MIT */
/* admin_embedded.h -- admin calls on an embedded broker of this process: what librdkafka's mock
** cluster cannot be asked by protocol is done on it directly, and topic configurations are kept
** in its user value.
**
** Threads:   the thread that owns L.
** Ownership: call.embedded is kept alive by the value dm_admin_begin left on the stack.
*/
#ifndef DM_ADMIN_EMBEDDED_H
#define DM_ADMIN_EMBEDDED_H

#include <lua.h>
#include <stdbool.h>

#include "kafka/admin_request.h"

/* A topic to create, as it was asked for. */
typedef struct dm_new_topic {
  const char *name;
  int partitions;
  int replicas; /* -1: not given */
  int assigned; /* an assignment was given */
} dm_new_topic;

/* Creates a topic with the table key -> text on the top of the stack as its configuration, and
** sets results[name].  [-0, +0, e] */
void dm_embedded_create_topic (lua_State *L, const dm_admin_call *call, const dm_new_topic *topic,
                               int results);

/* What dm_configs_describe and dm_merge_alter do on real brokers.  [-0, +(1|2), e] */
bool dm_embedded_describe_configs (lua_State *L, const dm_admin_call *call, int list);
bool dm_embedded_alter_configs (lua_State *L, const dm_admin_call *call, int list);

/* Pushes nil and an error: the embedded broker has no 'thing'.  [-0, +2, e] */
int dm_embedded_lacks (lua_State *L, const dm_admin_call *call, const char *thing);

#endif
