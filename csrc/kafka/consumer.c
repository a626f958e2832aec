/* SPDX-License-Identifier: MIT */
#include "kafka/consumer.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kafka/compat.h"
#include "kafka/consumer_parts.h"
#include "kafka/error.h"

#define STRATEGY "partition.assignment.strategy"

static const dm_option options[] = {
  DM_CLIENT_OPTIONS,
  { "group", DM_OPTION_STRING, 0, 0 },
  { "instance_id", DM_OPTION_STRING, 0, 0 },
  { "on_assign", DM_OPTION_FUNCTION, 0, 0 },
  { "on_lost", DM_OPTION_FUNCTION, 0, 0 },
  { "on_revoke", DM_OPTION_FUNCTION, 0, 0 },
  { "start", DM_OPTION_STRING, 0, 0 },
  { "topics", DM_OPTION_TABLE, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

static const dm_preset presets[] = {
  { "auto.offset.reset", "earliest" },
  { "enable.auto.commit", "false" },
  { NULL, NULL },
};

/* Gives back what would keep rk alive. */
static void abandon (dm_client *client) {
  dm_consumer *consumer = (dm_consumer *)client;
  dm_message_release_all(&consumer->messages);
  dm_places_clear(&consumer->paused);
  dm_places_clear(&consumer->starts);
  dm_places_clear(&consumer->dropped);
  dm_places_clear(&consumer->ended);
}

static const dm_client_kind kind = {
  .type = DM_CONSUMER_TYPE,
  .what = "kafka.consumer",
  .scope = DM_SCOPE_CONSUMER,
  .options = options,
  .presets = presets,
  .abandon = abandon,
  .rebalance = dm_rebalance_answer,
};

/* -- Shared by the parts ---------------------------------------------------------------------- */

dm_consumer *dm_consumer_check (lua_State *L, int arg, bool nested) {
  return (dm_consumer *)dm_client_check(L, arg, &kind, nested);
}

void dm_consumer_check_group (lua_State *L, const dm_consumer *consumer, const char *doing) {
  if (!consumer->grouped)
    luaL_error(L, "%s: this consumer has no group: name one with the option 'group'", doing);
}

void dm_consumer_fail (dm_consumer *consumer, rd_kafka_resp_err_t code, const char *format, ...) {
  dm_fault *fault = &consumer->fault;
  va_list args;
  if (fault->code) return;
  va_start(args, format);
  vsnprintf(fault->text, sizeof fault->text, format, args);
  va_end(args);
  fault->code = code;
  fault->fatal = false;
  if (code != RD_KAFKA_RESP_ERR__FATAL) return;
  fault->code = rd_kafka_fatal_error(consumer->client.rk, fault->text, sizeof fault->text);
  fault->fatal = true;
}

void dm_consumer_fail_with (dm_consumer *consumer, rd_kafka_error_t *error, const char *doing) {
  if (error == NULL) return;
  dm_consumer_fail(consumer, rd_kafka_error_code(error), "%s: %s", doing,
                   rd_kafka_error_string(error));
  rd_kafka_error_destroy(error);
}

rd_kafka_consumer_group_metadata_t *dm_consumer_group_metadata (lua_State *L, int arg) {
  const dm_consumer *consumer = dm_consumer_check(L, arg, true);
  dm_consumer_check_group(L, consumer, "send_offsets");
  return rd_kafka_consumer_group_metadata(consumer->client.rk);
}

/* -- Construction ----------------------------------------------------------------------------- */

static void set_property (lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, 2, name);
}

/* The start option is a better word for auto.offset.reset. */
static void set_start (lua_State *L) {
  static const char *const starts[] = { "earliest", "latest", "error", NULL };
  const char *start = dm_option_string(L, 1, "start");
  if (start == NULL) return;
  for (int i = 0; starts[i] != NULL; i++) {
    if (strcmp(start, starts[i]) != 0) continue;
    set_property(L, "auto.offset.reset", start);
    return;
  }
  luaL_error(L, "%s: start: expected \"earliest\", \"latest\" or \"error\"", kind.what);
}

static void set_strategy (lua_State *L) {
  if (dm_option_string(L, 2, STRATEGY) == NULL)
    set_property(L, STRATEGY, dm_conf_default_strategy());
}

/* librdkafka reads nothing without a group id: an unnamed group never joins and never commits. */
static bool set_group (lua_State *L) {
  const char *group;
  dm_conf_set_id(L, 1, kind.what, "group", "group.id");
  dm_conf_set_id(L, 1, kind.what, "instance_id", "group.instance.id");
  group = dm_option_string(L, 2, "group.id");
  if (group != NULL && *group != '\0') return true;
  if (dm_option_string(L, 2, "group.instance.id") != NULL)
    luaL_error(L, "%s: instance_id needs a group: name one with the option 'group'", kind.what);
  set_property(L, "group.id", "docmsg-lua.no-group");
  set_property(L, "enable.auto.commit", "false");
  return false;
}

/* Where a partition begins that has no committed offset, as an offset. */
static int64_t begin_of (const char *reset) {
  static const char *const latest[] = { "latest", "largest", "end" };
  for (size_t i = 0; i < sizeof latest / sizeof latest[0]; i++)
    if (strcmp(reset, latest[i]) == 0) return RD_KAFKA_OFFSET_END;
  return strcmp(reset, "error") == 0 ? RD_KAFKA_OFFSET_INVALID : RD_KAFKA_OFFSET_BEGINNING;
}

/* Sets what the options mean for the properties at 2. */
static void configure (lua_State *L, dm_consumer *consumer) {
  lua_pushvalue(L, 2);
  set_start(L);
  set_strategy(L);
  consumer->grouped = set_group(L);
  set_property(L, "enable.auto.offset.store", "false");
  consumer->begin = begin_of(dm_option_string(L, 2, "auto.offset.reset"));
  lua_pop(L, 1);
}

static void warn_strategy (lua_State *L, dm_consumer *consumer) {
  const char *strategy = dm_option_string(L, 2, STRATEGY);
  if (dm_conf_is_cooperative_safe() || strstr(strategy, "cooperative-sticky") == NULL) return;
  dm_feed_add(consumer->client.feed, 4, "cooperative-sticky can loop and crash in this "
                                        "librdkafka; it is safe from 2.6.1 on");
}

/* Subscribes the consumer at 3 to the topics in the box at 4; ends it when that fails. */
static bool join_or_end (lua_State *L, dm_consumer *consumer, dm_list *const *topics) {
  if (topics == NULL || dm_consumer_join(L, consumer, *topics)) return true;
  dm_client_bury(L, &consumer->client, dm_deadline_in(0));
  return false;
}

int dm_consumer_lua (lua_State *L) {
  dm_consumer *consumer;
  dm_list *topics = NULL;
  lua_settop(L, 1);
  dm_option_default(L, 1);
  dm_option_check(L, 1, kind.what, options);
  dm_conf_collect(L, 1, kind.what, kind.scope, presets);
  consumer = (dm_consumer *)dm_client_new(L, &kind, sizeof *consumer);
  configure(L, consumer);
  if (lua_getfield(L, 1, "topics") != LUA_TNIL) {
    topics = dm_consumer_read_topics(L, -1, kind.what);
    dm_consumer_check_group(L, consumer, kind.what);
  }
  lua_pushvalue(L, 3);
  if (!dm_client_open(L, &consumer->client, 1, 2, NULL, NULL)) return 2;
  rd_kafka_poll_set_consumer(consumer->client.rk);
  warn_strategy(L, consumer);
  return join_or_end(L, consumer, topics != NULL ? &topics : NULL) ? 1 : 2;
}

static int consumer_fd (lua_State *L) {
  dm_consumer *consumer = dm_consumer_check(L, 1, true);
  return dm_client_push_fd(L, &consumer->client,
                           rd_kafka_queue_get_consumer(consumer->client.rk));
}

static const luaL_Reg methods[] = {
  { "assign", dm_consumer_assign_lua },
  { "assignment", dm_consumer_assignment_lua },
  { "batch", dm_consumer_batch_lua },
  { "batches", dm_consumer_batches_lua },
  { "close", dm_consumer_close_lua },
  { "commit", dm_consumer_commit_lua },
  { "committed", dm_consumer_committed_lua },
  { "ended", dm_consumer_ended_lua },
  { "fd", consumer_fd },
  { "member_id", dm_consumer_member_id_lua },
  { "messages", dm_consumer_messages_lua },
  { "pause", dm_consumer_pause_lua },
  { "paused", dm_consumer_paused_lua },
  { "poll", dm_consumer_poll_lua },
  { "position", dm_consumer_position_lua },
  { "print", dm_consumer_print_lua },
  { "resume", dm_consumer_resume_lua },
  { "seek", dm_consumer_seek_lua },
  { "store", dm_consumer_store_lua },
  { "subscribe", dm_consumer_subscribe_lua },
  { "subscription", dm_consumer_subscription_lua },
  { "unsubscribe", dm_consumer_unsubscribe_lua },
  { "watermarks", dm_consumer_watermarks_lua },
  { NULL, NULL },
};

void dm_consumer_open (lua_State *L) {
  dm_client_register(L, &kind, methods);
}
