/* SPDX-License-Identifier: MIT */
#include "runtime/group_properties_lua.h"

#include <stdbool.h>
#include <stdio.h>

#include "kafka/conf.h"
#include "kafka/option.h"
#include "kafka/property.h"
#include "runtime/group_lua_parts.h"
#include "runtime/group_options_lua.h"

/* How much is read ahead in all: what is handled in a tenth of a second, and stays in the caches of the
** processor until then. librdkafka stops fetching a partition that has its share. */
#define QUEUED_RECORDS 20000
#define QUEUED_KBYTES 16384

/* How much is fetched at once in all: large fetches are fewer, but come on top of what is read ahead. */
#define FETCH_BYTES (6 << 20)

/* The least share of a partition: most of them may be another member's. */
#define SHARE_RECORDS 500
#define SHARE_KBYTES 256
#define SHARE_BYTES (256 << 10)

/* After so many milliseconds librdkafka looks again, where it can be told. */
#define LOOK_AGAIN "fetch.queue.backoff.ms"
#define LOOK_AGAIN_MS "20"

/* A broker answers one fetch at a time: what asks for partitions that have no more records holds up
** all others of the broker that have less than their share now. Who sets one of the two properties has
** a wait in mind. */
#define FETCH_WAIT_MS "50"

/* How many partitions there are when nobody says so. */
#define PARTITIONS 32

/* Sets a property of the table on the top. */
static void set_property (lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

static bool is_set (lua_State *L, const char *name) {
  bool set = lua_getfield(L, -1, name) != LUA_TNIL;
  lua_pop(L, 1);
  return set;
}

/* The part of one partition, as text. */
static const char *share (char text[24], lua_Integer all, lua_Integer partitions,
                          lua_Integer least) {
  lua_Integer part = all / partitions;
  snprintf(text, 24, "%lld", (long long)(part < least ? least : part));
  return text;
}

/* Pushes the properties for what the options at idx leave open. */
static void push_presets (lua_State *L, int idx) {
  lua_Integer partitions = dm_option_integer(L, idx, "partitions", PARTITIONS);
  char records[24], kbytes[24], bytes[24];
  const dm_preset presets[] = {
    { "auto.offset.reset", "earliest" },
    { "queued.min.messages", share(records, QUEUED_RECORDS, partitions, SHARE_RECORDS) },
    { "queued.max.messages.kbytes", share(kbytes, QUEUED_KBYTES, partitions, SHARE_KBYTES) },
    { "fetch.message.max.bytes", share(bytes, FETCH_BYTES, partitions, SHARE_BYTES) },
    { dm_property_is_known(L, LOOK_AGAIN) ? LOOK_AGAIN : NULL, LOOK_AGAIN_MS },
    { NULL, NULL },
  };
  dm_conf_collect(L, idx, DM_GROUP_WHAT, DM_SCOPE_CONSUMER, presets);
}

/* What would break the guarantee is set last. */
void dm_group_properties_push (lua_State *L, int idx) {
  idx = lua_absindex(L, idx);
  push_presets(L, idx);
  dm_conf_set_id(L, idx, DM_GROUP_WHAT, "group", "group.id");
  dm_conf_set_id(L, idx, DM_GROUP_WHAT, "instance_id", "group.instance.id");
  if (dm_option_string(L, idx, "start") != NULL)
    set_property(L, "auto.offset.reset", dm_option_string(L, idx, "start"));
  set_property(L, "enable.auto.commit", "false");
  set_property(L, "enable.auto.offset.store", "false");
  if (dm_group_is_exactly_once(L, idx)) set_property(L, "isolation.level", "read_committed");
  if (!is_set(L, "fetch.wait.max.ms") && !is_set(L, "fetch.min.bytes"))
    set_property(L, "fetch.wait.max.ms", FETCH_WAIT_MS);
  if (dm_option_string(L, -1, "partition.assignment.strategy") == NULL)
    set_property(L, "partition.assignment.strategy", dm_conf_default_strategy());
}
