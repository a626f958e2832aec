/* SPDX-License-Identifier: MIT */
/* admin_args.h -- lists, names and values that admin methods are called with.
**
** Threads: the thread that owns L.
*/
#ifndef DM_ADMIN_ARGS_H
#define DM_ADMIN_ARGS_H

#include <lua.h>
#include <stdint.h>

/* A reader of one kind of name, such as dm_topic_check: [-0, +0, e] */
typedef const char *(*dm_name_check) (lua_State *L, int idx, const char *what);

/* The length of the list at idx; raises when it is no list. 'what' names it.  [-0, +0, e] */
lua_Integer dm_list_check (lua_State *L, int idx, const char *what);

/* Raises when 'name' is in the table at 'seen', else enters it.  [-0, +0, e] */
void dm_once_check (lua_State *L, int seen, const char *what, const char *name);

/* Reads a group's name at idx; raises when it is empty or has control characters.  [-0, +0, e] */
const char *dm_group_check (lua_State *L, int idx, const char *what);

/* Pushes the text of the configuration value at idx: a string, an integer, a boolean, or a float
** that is integral.  [-0, +1, e] */
void dm_config_push_text (lua_State *L, int idx, const char *what, const char *key);

/* Checks the configuration at idx, nil or a table, and pushes a table key -> text.  [-0, +1, e] */
void dm_config_push_texts (lua_State *L, int idx, const char *what);

#endif
