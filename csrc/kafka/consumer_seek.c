/* SPDX-License-Identifier: MIT */
#include "kafka/consumer_parts.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/error.h"
#include "kafka/patience.h"

/* How long a partition that is not ready is left alone before the next try. */
#define RETRY_MS 10

/* -- Ends of partitions ----------------------------------------------------------------------- */

/* Which offsets "earliest" and "latest" are. Their numbers are the times to ask for, too. */
typedef struct ends_job {
  rd_kafka_t *rk;
  dm_deadline deadline;
  dm_list *places; /* those that are to be asked for */
  rd_kafka_resp_err_t err;
} ends_job;

static void ends_cleanup (void *block) {
  ends_job *job = block;
  if (job->places != NULL) rd_kafka_topic_partition_list_destroy(job->places);
}

static void ask_ends (void *block) {
  ends_job *job = block;
  dm_patience patience = dm_patience_begin(job->deadline);
  do job->err = rd_kafka_offsets_for_times(job->rk, job->places, dm_patience_ms(&patience));
  while (dm_patience_again(&patience, block, job->err));
}

static bool is_end (int64_t offset) {
  return offset == RD_KAFKA_OFFSET_BEGINNING || offset == RD_KAFKA_OFFSET_END;
}

/* Pushes the job that asks for the ends in the list. */
static ends_job *push_ends (lua_State *L, dm_consumer *consumer, const dm_list *list,
                            dm_deadline deadline) {
  ends_job *job = dm_job_push_scoped(L, sizeof *job, ends_cleanup);
  job->rk = consumer->client.rk;
  job->deadline = deadline;
  job->places = rd_kafka_topic_partition_list_new(list->cnt);
  for (int i = 0; i < list->cnt; i++) {
    const rd_kafka_topic_partition_t *at = &list->elems[i];
    if (is_end(at->offset))
      rd_kafka_topic_partition_list_add(job->places, at->topic, at->partition)->offset = at->offset;
  }
  return job;
}

/* Puts numbers in the place of "earliest" and "latest": librdkafka 2.15 at the least forgets a seek
** that comes before the answer about the end that it was to seek before. False after pushing nil
** and an error. */
static bool find_ends (lua_State *L, dm_consumer *consumer, dm_list *list, dm_deadline deadline) {
  const ends_job *job = push_ends(L, consumer, list, deadline);
  bool failed;
  if (job->places->cnt == 0) return true;
  if (!dm_client_run(L, &consumer->client, lua_gettop(L), ask_ends, deadline, "seek")) return false;
  failed = job->err != 0;
  for (int i = 0; i < job->places->cnt; i++) {
    const rd_kafka_topic_partition_t *found = &job->places->elems[i];
    failed = failed || found->err;
    if (!found->err && found->offset >= 0) dm_list_find(list, found)->offset = found->offset;
  }
  if (!failed) return true;
  if (!job->err) return dm_offsets_error(L, job->places, "seek"), false;
  dm_error_return(L, job->err, "seek: %s", rd_kafka_err2str(job->err));
  return dm_client_blame(L, &consumer->client), false;
}

/* -- Seek ------------------------------------------------------------------------------------- */

/* Before 2.1 the time-out was taken for microseconds. */
static int seek_timeout (int timeout_ms) {
  return rd_kafka_version() < 0x020100ff ? timeout_ms * 1000 : timeout_ms;
}

/* A partition that was assigned just now, or whose first offset is still being asked for. */
static bool is_not_ready (rd_kafka_resp_err_t err) {
  return err == RD_KAFKA_RESP_ERR__STATE || err == RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS ||
         err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || err == RD_KAFKA_RESP_ERR__IN_PROGRESS ||
         err == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

/* Takes out of the list what has arrived, and of what on_assign is being asked about. */
static void take_out_done (dm_list *list) {
  for (int i = list->cnt - 1; i >= 0; i--)
    if (!list->elems[i].err) rd_kafka_topic_partition_list_del_by_idx(list, i);
}

/* Seeks once; the list keeps what is not there yet. */
static rd_kafka_resp_err_t seek_once (dm_consumer *consumer, dm_list *list, int timeout_ms) {
  rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
  rd_kafka_error_t *error =
    rd_kafka_seek_partitions(consumer->client.rk, list, seek_timeout(timeout_ms));
  if (error != NULL) err = rd_kafka_error_code(error);
  if (error != NULL) rd_kafka_error_destroy(error);
  take_out_done(list);
  return err == RD_KAFKA_RESP_ERR__TIMED_OUT ? RD_KAFKA_RESP_ERR_NO_ERROR : err;
}

/* Is every error in the list one that passes? */
static bool may_succeed (const dm_list *list) {
  for (int i = 0; i < list->cnt; i++)
    if (!is_not_ready(list->elems[i].err)) return false;
  return true;
}

static int seek_error (lua_State *L, const dm_consumer *consumer, rd_kafka_resp_err_t err,
                       const dm_list *list) {
  if (err) return dm_error_return(L, err, "seek: %s", rd_kafka_err2str(err));
  if (!may_succeed(list)) return dm_offsets_error(L, list, "seek");
  dm_error_return(L, RD_KAFKA_RESP_ERR__TIMED_OUT, "seek: %s [%d] was not ready in time",
                  list->elems[0].topic, (int)list->elems[0].partition);
  return dm_client_blame(L, &consumer->client);
}

/* Seeks until all have arrived, one cannot, or the deadline. Pushes nil and an error, or nothing. */
static int seek_all (lua_State *L, dm_consumer *consumer, dm_list *list, dm_deadline deadline) {
  dm_watch watch = dm_watch_begin(L);
  while (list->cnt > 0) {
    int slice = dm_deadline_slice(deadline);
    rd_kafka_resp_err_t err = seek_once(consumer, list, slice > 0 ? slice : 1);
    if (list->cnt == 0) return 0;
    if (err || !may_succeed(list) || dm_deadline_left(deadline) == 0)
      return seek_error(L, consumer, err, list);
    dm_watch_check(L, &watch);
    dm_clock_pause(RETRY_MS);
  }
  return 0;
}

/* Inside on_assign the partitions gained only get another start. */
static void seek_gained (dm_consumer *consumer, dm_list *list) {
  for (int i = list->cnt - 1; i >= 0; i--) {
    rd_kafka_topic_partition_t *entry = dm_list_find(consumer->gained, &list->elems[i]);
    if (entry == NULL) continue;
    entry->offset = list->elems[i].offset;
    rd_kafka_topic_partition_list_del_by_idx(list, i);
  }
}

int dm_consumer_seek_lua (lua_State *L) {
  dm_consumer *consumer = dm_consumer_check(L, 1, true);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 3, "30s"));
  dm_list *list, **rest;
  luaL_checktype(L, 2, LUA_TTABLE);
  list = dm_consumer_read_assigned(L, 2, consumer, "seek", DM_OFFSET_POSITION);
  if (list == NULL) return 2;
  rest = dm_offsets_box(L);
  *rest = rd_kafka_topic_partition_list_copy(list);
  seek_gained(consumer, *rest);
  if (!find_ends(L, consumer, *rest, deadline)) return 2;
  if (seek_all(L, consumer, *rest, deadline)) return 2;
  dm_consumer_note_starts(consumer, list);
  lua_pushboolean(L, 1);
  return 1;
}

/* -- Position --------------------------------------------------------------------------------- */

/* librdkafka counts records as read that were dropped, and knows no position before the first. */
static void correct_position (const dm_consumer *consumer, rd_kafka_topic_partition_t *place) {
  const rd_kafka_topic_partition_t *dropped = dm_list_find(consumer->dropped.list, place);
  const rd_kafka_topic_partition_t *start = dm_list_find(consumer->starts.list, place);
  if (dropped != NULL) place->offset = dropped->offset;
  else if (place->offset < 0 && start != NULL) place->offset = start->offset;
}

int dm_consumer_position_lua (lua_State *L) {
  const dm_consumer *consumer = dm_consumer_check(L, 1, true);
  dm_list *list = dm_consumer_read_assigned(L, 2, consumer, "position", DM_OFFSET_NONE);
  rd_kafka_resp_err_t err;
  if (list == NULL) return 2;
  err = rd_kafka_position(consumer->client.rk, list);
  if (err) return dm_error_return(L, err, "position: %s", rd_kafka_err2str(err));
  for (int i = 0; i < list->cnt; i++) correct_position(consumer, &list->elems[i]);
  dm_offsets_push(L, list);
  return 1;
}

/* -- Watermarks ------------------------------------------------------------------------------- */

typedef struct question {
  rd_kafka_t *rk;
  char *topic;
  int32_t partition;
  dm_deadline deadline;
  int64_t low, high;
  rd_kafka_resp_err_t err;
} question;

static void question_cleanup (void *block) {
  free(((question *)block)->topic);
}

static void ask (void *block) {
  question *q = block;
  dm_patience patience = dm_patience_begin(q->deadline);
  do {
    q->err = rd_kafka_query_watermark_offsets(q->rk, q->topic, q->partition, &q->low, &q->high,
                                              dm_patience_ms(&patience));
  } while (dm_patience_again(&patience, block, q->err));
}

/* Pushes the job that asks for what the arguments name. */
static question *push_question (lua_State *L, dm_consumer *consumer) {
  const char *topic = dm_topic_check(L, 2, "watermarks");
  int32_t partition = dm_partition_check(L, 3, "watermarks");
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 4, "30s"));
  question *q = dm_job_push_scoped(L, sizeof *q, question_cleanup);
  q->rk = consumer->client.rk;
  q->partition = partition;
  q->deadline = deadline;
  q->topic = strdup(topic);
  if (q->topic == NULL) luaL_error(L, "not enough memory");
  return q;
}

int dm_consumer_watermarks_lua (lua_State *L) {
  dm_consumer *consumer = dm_consumer_check(L, 1, true);
  const question *q = push_question(L, consumer);
  if (!dm_client_run(L, &consumer->client, lua_gettop(L), ask, q->deadline, "watermarks"))
    return 2;
  if (q->err) {
    dm_error_return(L, q->err, "watermarks: %s [%d]: %s", q->topic, (int)q->partition,
                    rd_kafka_err2str(q->err));
    return dm_client_blame(L, &consumer->client);
  }
  lua_pushinteger(L, q->low);
  lua_pushinteger(L, q->high);
  return 2;
}
