/* SPDX-License-Identifier: MIT */
/* admin_configs.h -- configurations of topics, brokers and groups.
**
** A list of resources, below, is an array of {name, type, ...} that dm_resource_push_list made.
** Results are name -> {name, type, configs, error?}, as docmsg.ConfigValue says.
**
** Threads: the thread that owns L.
*/
#ifndef DM_ADMIN_CONFIGS_H
#define DM_ADMIN_CONFIGS_H

#include <librdkafka/rdkafka.h>
#include <lua.h>
#include <stdbool.h>

#include "kafka/admin_request.h"

/* Reads the entry on the top of the stack, which errors call 'what', and pushes it as a table with
** at least name and type: [-0, +1, e] */
typedef void (*dm_resource_read) (lua_State *L, const char *what);

/* Pushes the list of the resources that the list at 2 names.  [-0, +1, e] */
void dm_resource_push_list (lua_State *L, const dm_admin_call *call, dm_resource_read read);

/* Sets name and type of the table on the top of the stack to those of the table at idx; the type
** is "topic" where it is left out. Raises when they make no sense.  [-0, +0, e] */
void dm_resource_copy (lua_State *L, int idx, const char *what);

/* Fills the resource for the request from its entry on the top of the stack: [-0, +0, e] */
typedef void (*dm_resource_fill) (lua_State *L, rd_kafka_ConfigResource_t *resource);

/* Runs the operation on each resource of the list that has no result yet: one request for all, and
** one for each broker. False after pushing nil and an error.  [-0, +(0|2), e] */
bool dm_resource_run (lua_State *L, const dm_admin_call *call, const dm_operation *operation,
                      int list, int results, dm_resource_fill fill);

/* Frees an item of such a request. */
void dm_resource_free (void *item);

/* The i-th of the resources in an answer. */
dm_answer dm_resource_answer (const rd_kafka_ConfigResource_t **resources, size_t n, size_t i);

/* Pushes the results of describing the list at 'list'. False after pushing nil and an error.
** [-0, +(1|2), e] */
bool dm_configs_describe (lua_State *L, const dm_admin_call *call, int list);

#endif
