/* SPDX-License-Identifier: MIT */
/* group_lua_parts.h -- what the files of docmsg.Group share; for nobody else.
**
**   group_options_lua.c     the options of a new group
**   group_properties_lua.c  the properties of its consumer
**   group_lua.c             construction, the table of methods, the end
**   group_member_lua.c      joining, topics, leaving, what it tells
**   group_serve_lua.c       what runs its handlers: workers, or the calling thread
**   group_stats_lua.c, group_tally_lua.c  its figures
**
** Threads:   the thread that owns L.
** Ownership: the box owns all that it holds; it borrows the emitter, whose userdata is its user
**            value.
*/
#ifndef DM_GROUP_LUA_PARTS_H
#define DM_GROUP_LUA_PARTS_H

#include <librdkafka/rdkafka.h>
#include <lua.h>
#include <stdbool.h>

#include "kafka/clock.h"
#include "kafka/state.h"
#include "runtime/group.h"
#include "runtime/serving.h"

#define DM_GROUP_TYPE "docmsg.Group"

/* How errors name the constructor. */
#define DM_GROUP_WHAT "runtime.group"

/* The userdata. */
typedef struct dm_group_box {
  dm_group *group; /* NULL: closed */
  dm_emitter *emitter;
  rd_kafka_conf_t *transactions; /* exactly-once, while the group is made */
  dm_state *state;
  char *name, *source;
  bool is_exactly_once;
  int lanes;
  dm_serving *servings;   /* by lane */
} dm_group_box;

/* The open group at 1; raises when it is closed.  [-0, +0, e] */
dm_group_box *dm_group_box_check (lua_State *L);

/* -- group_member_lua.c -- */

/* Begins the end. The calling thread may not serve any more: what it keeps for a batch goes back.
** [-0, +0, e] */
void dm_group_box_stop (lua_State *L, dm_group_box *box);

/* Waits for the group's thread in slices, answering Ctrl-C. False: it runs still.  [-0, +0, e] */
bool dm_group_await_end (lua_State *L, dm_group *group, dm_deadline deadline);

int dm_group_start_lua (lua_State *L);
int dm_group_subscribe_lua (lua_State *L);
int dm_group_stop_lua (lua_State *L);
int dm_group_kill_lua (lua_State *L);
int dm_group_ended_lua (lua_State *L);
int dm_group_join_lua (lua_State *L);
int dm_group_stats_lua (lua_State *L);
int dm_group_notes_lua (lua_State *L);
int dm_group_trouble_lua (lua_State *L);

/* -- group_serve_lua.c -- */

/* Raises when a handler of the group runs on the calling thread and calls 'what'.  [-0, +0, e] */
void dm_group_check_idle (lua_State *L, const dm_group_box *box, const char *what);

/* Ends the workers, whose lanes it stops. False: one still runs after the deadline. */
bool dm_group_join_workers (dm_group_box *box, dm_deadline deadline);

/* Frees what served the lanes, when nothing runs any more. */
void dm_group_close_servings (dm_group_box *box);

int dm_group_serve_lua (lua_State *L);
int dm_group_handle_lua (lua_State *L);
int dm_group_sweep_lua (lua_State *L);
int dm_group_step_lua (lua_State *L);

#endif
