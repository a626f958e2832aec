/* SPDX-License-Identifier: MIT */
#include "runtime/group_tally_lua.h"

#include <stdint.h>

#include "base/field.h"
#include "kafka/offsets.h"

/* {outcomes, classes, seconds} */
static void push_sum (lua_State *L, const dm_tally_sum *sum) {
  lua_createtable(L, 0, 3);
  lua_createtable(L, 0, DM_TALLY_OUTCOMES);
  for (int i = 0; i < DM_TALLY_OUTCOMES; i++)
    dm_field_count(L, dm_tally_outcomes[i], sum->outcomes[i]);
  lua_setfield(L, -2, "outcomes");
  lua_createtable(L, DM_TALLY_BOUNDS + 1, 0);
  for (int i = 0; i <= DM_TALLY_BOUNDS; i++) {
    lua_pushinteger(L, (lua_Integer)sum->classes[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "classes");
  dm_field_seconds(L, "seconds", sum->micros);
}

/* types = { [type] = {outcomes, classes, seconds} } */
static void set_types (lua_State *L, dm_group *group) {
  int lanes = dm_group_lanes(group), count = 0;
  dm_tally_sum *sums = lua_newuserdatauv(L, (size_t)lanes * DM_ROWS_MAX * sizeof *sums, 0);
  for (int i = 0; i < lanes; i++)
    count = dm_tally_collect(&dm_group_lane(group, i)->tally, sums, count);
  lua_createtable(L, 0, count);
  for (int i = 0; i < count; i++) {
    lua_pushlstring(L, sums[i].row.name, sums[i].row.length);
    push_sum(L, &sums[i]);
    lua_rawset(L, -3);
  }
  lua_setfield(L, -3, "types");
  lua_pop(L, 1);
}

/* busy = { seconds, ... }, by lane */
static void set_busy (lua_State *L, dm_group *group) {
  int lanes = dm_group_lanes(group);
  dm_tally_sum sums[DM_ROWS_MAX];
  lua_createtable(L, lanes, 0);
  for (int i = 0; i < lanes; i++) {
    int count = dm_tally_collect(&dm_group_lane(group, i)->tally, sums, 0);
    uint64_t micros = 0;
    for (int k = 0; k < count; k++) micros += sums[k].micros;
    lua_pushnumber(L, (lua_Number)micros / 1e6);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "busy");
}

/* places = { {topic, partition, lag?}, ... } */
static void set_places (lua_State *L, dm_group *group) {
  rd_kafka_topic_partition_list_t **list = dm_offsets_box(L);
  *list = dm_group_places(group);
  lua_createtable(L, (*list)->cnt, 0);
  for (int i = 0; i < (*list)->cnt; i++) {
    const rd_kafka_topic_partition_t *place = &(*list)->elems[i];
    lua_createtable(L, 0, 3);
    lua_pushstring(L, place->topic);
    lua_setfield(L, -2, "topic");
    dm_field_count(L, "partition", (uint64_t)place->partition);
    if (place->offset >= 0) dm_field_count(L, "lag", (uint64_t)place->offset);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -3, "places");
  lua_pop(L, 1);
}

void dm_group_tally_set (lua_State *L, dm_group *group) {
  set_types(L, group);
  set_busy(L, group);
  set_places(L, group);
}

void dm_tally_bounds_push (lua_State *L) {
  lua_createtable(L, DM_TALLY_BOUNDS, 0);
  for (int i = 0; i < DM_TALLY_BOUNDS; i++) {
    lua_pushnumber(L, (lua_Number)dm_tally_bounds[i] / 1e6);
    lua_rawseti(L, -2, i + 1);
  }
}
