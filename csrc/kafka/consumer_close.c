/* SPDX-License-Identifier: MIT */
#include "kafka/consumer_parts.h"

#include <lauxlib.h>

#include "kafka/error.h"

static void queue_cleanup (void *block) {
  rd_kafka_queue_t *queue = *(rd_kafka_queue_t **)block;
  if (queue != NULL) rd_kafka_queue_destroy(queue);
}

static int dispatch_protected (lua_State *L) {
  dm_client_dispatch(L, 1, lua_touserdata(L, 1));
  return 0;
}

/* Runs the hooks for what has come; their first error stays at index 'error'. */
static void dispatch_keeping_error (lua_State *L, int error) {
  lua_pushcfunction(L, dispatch_protected);
  lua_pushvalue(L, 1);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return;
  if (lua_isnil(L, error)) lua_replace(L, error);
  else lua_pop(L, 1);
}

void dm_consumer_drop (dm_consumer *consumer, rd_kafka_message_t *record) {
  if (!record->err) {
    rd_kafka_topic_partition_t place = { .topic = (char *)rd_kafka_topic_name(record->rkt),
                                         .partition = record->partition,
                                         .offset = record->offset };
    if (!dm_places_has(&consumer->dropped, &place)) dm_places_put(&consumer->dropped, &place);
  }
  rd_kafka_message_destroy(record);
}

/* Leaves the group: the last revoke comes to this thread, through 'queue'. True when the group is
** left, and when there is nothing to wait for. */
static bool leave (lua_State *L, dm_consumer *consumer, rd_kafka_queue_t *queue,
                   dm_deadline deadline, const dm_watch *watch, int error) {
  rd_kafka_t *rk = consumer->client.rk;
  rd_kafka_error_t *failure = rd_kafka_consumer_close_queue(rk, queue);
  if (failure != NULL) { /* a fatal error: the group knows nothing of us any more */
    rd_kafka_error_destroy(failure);
    return true;
  }
  while (!rd_kafka_consumer_closed(rk)) {
    rd_kafka_message_t *record = rd_kafka_consume_queue(queue, dm_deadline_slice(deadline));
    if (record != NULL) dm_consumer_drop(consumer, record);
    dispatch_keeping_error(L, error);
    if (dm_watch_pending(L, watch)) return false;
    if (record == NULL && dm_deadline_left(deadline) == 0) return rd_kafka_consumer_closed(rk);
  }
  return true;
}

/* 1. records and other objects are given back, 2. the hooks run, 3. the group is left, 4. the
** queue goes, 5. rk ends: each blocks the next. */
static bool end (lua_State *L, dm_consumer *consumer, dm_deadline deadline) {
  rd_kafka_queue_t **queue;
  bool left, ended, quiet;
  dm_watch watch;
  int error;
  lua_pushnil(L);
  error = lua_gettop(L);
  quiet = dm_watch_try(L, &watch);
  if (!quiet) lua_replace(L, error);
  queue = dm_job_push(L, sizeof *queue, queue_cleanup);
  dm_message_release_all(&consumer->messages);
  dispatch_keeping_error(L, error);
  *queue = rd_kafka_queue_new(consumer->client.rk);
  left = quiet && leave(L, consumer, *queue, deadline, &watch, error);
  dm_job_end(L, error + 1);
  ended = dm_client_bury(L, &consumer->client, left ? deadline : dm_deadline_in(0));
  dm_watch_check(L, &watch);
  lua_settop(L, error);
  if (!lua_isnil(L, error)) lua_error(L);
  return left && ended;
}

int dm_consumer_close_lua (lua_State *L) {
  dm_consumer *consumer = luaL_checkudata(L, 1, DM_CONSUMER_TYPE);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 2, "10s"));
  if (consumer->client.rk != NULL) {
    dm_consumer_check(L, 1, false);
    if (!end(L, consumer, deadline))
      return dm_error_return(L, RD_KAFKA_RESP_ERR__TIMED_OUT,
                             "close: the group was not left in time; the consumer goes on ending "
                             "in the background");
  }
  lua_pushboolean(L, 1);
  return 1;
}
