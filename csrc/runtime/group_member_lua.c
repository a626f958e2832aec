/* SPDX-License-Identifier: MIT */
#include "runtime/group_lua_parts.h"

#include <lauxlib.h>

#include "kafka/clock.h"
#include "kafka/error.h"
#include "kafka/interrupt.h"
#include "runtime/group_options_lua.h"
#include "runtime/group_stats_lua.h"
#include "runtime/group_tally_lua.h"
#include "runtime/notes_lua.h"

/* group:start() -> true | nil, err */
int dm_group_start_lua (lua_State *L) {
  rd_kafka_resp_err_t error = dm_group_start(dm_group_box_check(L)->group);
  if (error) return dm_error_return(L, error, DM_GROUP_WHAT ": %s", rd_kafka_err2str(error));
  lua_pushboolean(L, 1);
  return 1;
}

/* group:subscribe(topics): from now on to these, and no others */
int dm_group_subscribe_lua (lua_State *L) {
  dm_group_box *box = dm_group_box_check(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  if (!dm_group_subscribe(box->group, dm_group_topics_read(L, 2)))
    return luaL_error(L, "not enough memory");
  return 0;
}

void dm_group_box_stop (lua_State *L, dm_group_box *box) {
  dm_serving *serving = &box->servings[0];
  dm_group_stop(box->group);
  if (serving->open && serving->worker == NULL) dm_handler_give_back(&serving->handler, L);
}

/* group:stop(): running records settle, what is due is committed, the member leaves */
int dm_group_stop_lua (lua_State *L) {
  dm_group_box_stop(L, dm_group_box_check(L));
  return 0;
}

/* group:kill(): what did not settle by now stays uncommitted */
int dm_group_kill_lua (lua_State *L) {
  dm_group_kill(dm_group_box_check(L)->group);
  return 0;
}

bool dm_group_await_end (lua_State *L, dm_group *group, dm_deadline deadline) {
  dm_watch watch = dm_watch_begin(L);
  bool ended;
  while (!(ended = dm_group_join(group, dm_deadline_slice(deadline))) &&
         dm_deadline_left(deadline) > 0)
    dm_watch_check(L, &watch);
  return ended;
}

/* group:ended() -> boolean */
int dm_group_ended_lua (lua_State *L) {
  lua_pushboolean(L, dm_group_join(dm_group_box_check(L)->group, 0));
  return 1;
}

/* group:join(timeout) -> boolean: waits until it has ended */
int dm_group_join_lua (lua_State *L) {
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 2, "forever"));
  lua_pushboolean(L, dm_group_await_end(L, dm_group_box_check(L)->group, deadline));
  return 1;
}

/* -- What is told ----------------------------------------------------------------------------- */

/* group:stats() -> figures, see docmsg.GroupStats */
int dm_group_stats_lua (lua_State *L) {
  dm_group *group = dm_group_box_check(L)->group;
  dm_group_stats_push(L, group);
  dm_group_tally_set(L, group);
  return 1;
}

/* group:notes() -> { {level, message}, ... } since the last call */
int dm_group_notes_lua (lua_State *L) {
  dm_notes_push(L, dm_group_feed(dm_group_box_check(L)->group));
  return 1;
}

/* group:trouble() -> why the group failed, or nil */
int dm_group_trouble_lua (lua_State *L) {
  char trouble[512];
  if (!dm_group_trouble(dm_group_box_check(L)->group, trouble, sizeof trouble)) return 0;
  lua_pushstring(L, trouble);
  return 1;
}
