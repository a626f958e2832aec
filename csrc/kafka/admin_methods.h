/* SPDX-License-Identifier: MIT */
/* admin_methods.h -- the methods of the admin client, by the file they are in. Each takes the admin
** at 1, its arguments, then the options.  [-n, +(1|2), e]
*/
#ifndef DM_ADMIN_METHODS_H
#define DM_ADMIN_METHODS_H

#include <lua.h>

/* admin_topics.c */
int dm_admin_create_topics (lua_State *L);
int dm_admin_delete_topics (lua_State *L);
int dm_admin_create_partitions (lua_State *L);

/* admin_describe.c */
int dm_admin_describe_topics (lua_State *L);

/* admin_configs.c, admin_alter.c */
int dm_admin_describe_configs (lua_State *L);
int dm_admin_alter_configs (lua_State *L);

/* admin_groups.c */
int dm_admin_list_groups (lua_State *L);
int dm_admin_describe_groups (lua_State *L);
int dm_admin_delete_groups (lua_State *L);

/* admin_group_offsets.c */
int dm_admin_group_offsets (lua_State *L);
int dm_admin_alter_group_offsets (lua_State *L);

/* admin_records.c */
int dm_admin_delete_records (lua_State *L);

/* admin_offsets.c */
int dm_admin_list_offsets (lua_State *L);

/* admin_cluster.c */
int dm_admin_cluster (lua_State *L);

#endif
