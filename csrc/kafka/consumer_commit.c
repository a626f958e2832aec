/* SPDX-License-Identifier: MIT */
#include "kafka/consumer_parts.h"

#include <lauxlib.h>
#include <string.h>

#include "kafka/error.h"
#include "kafka/patience.h"

/* -- Committed -------------------------------------------------------------------------------- */

typedef struct question {
  rd_kafka_t *rk;
  dm_list *list;
  dm_deadline deadline;
  rd_kafka_resp_err_t err;
} question;

static void question_cleanup (void *block) {
  question *q = block;
  if (q->list != NULL) rd_kafka_topic_partition_list_destroy(q->list);
}

static void ask (void *block) {
  question *q = block;
  dm_patience patience = dm_patience_begin(q->deadline);
  do {
    q->err = rd_kafka_committed(q->rk, q->list, dm_patience_ms(&patience));
  } while (dm_patience_again(&patience, block, q->err));
}

/* Pushes a job that has asked for the committed offsets of the list. NULL after pushing nil and an
** error. */
static const question *push_committed (lua_State *L, dm_consumer *consumer, const dm_list *list,
                                       dm_deadline deadline, const char *doing) {
  question *q = dm_job_push_scoped(L, sizeof *q, question_cleanup);
  q->rk = consumer->client.rk;
  q->list = rd_kafka_topic_partition_list_copy(list);
  q->deadline = deadline;
  if (!dm_client_run(L, &consumer->client, lua_gettop(L), ask, deadline, doing)) return NULL;
  consumer->coordinated = !q->err;
  if (!q->err) return q;
  dm_error_return(L, q->err, "%s: %s", doing, rd_kafka_err2str(q->err));
  dm_client_blame(L, &consumer->client);
  return NULL;
}

int dm_consumer_committed_lua (lua_State *L) {
  dm_consumer *consumer = dm_consumer_check(L, 1, true);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 3, "30s"));
  const dm_list *list = lua_isnoneornil(L, 2)
                          ? dm_consumer_push_assignment(L, consumer)
                          : dm_offsets_read(L, 2, "committed", DM_OFFSET_NONE);
  const question *q;
  dm_consumer_check_group(L, consumer, "committed");
  q = push_committed(L, consumer, list, deadline, "committed");
  if (q == NULL) return 2;
  dm_offsets_push(L, q->list);
  return 1;
}

/* -- Commit ----------------------------------------------------------------------------------- */

/* The broker's answer, and the queue it comes through. */
typedef struct reply {
  rd_kafka_queue_t *queue;
  rd_kafka_event_t *event;
} reply;

static void reply_cleanup (void *block) {
  reply *r = block;
  if (r->event != NULL) rd_kafka_event_destroy(r->event);
  if (r->queue != NULL) rd_kafka_queue_destroy(r->queue);
}

/* Errors after which the group has moved on without this member's offsets. */
static bool is_out_of_date (rd_kafka_resp_err_t err) {
  return err == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
         err == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
         err == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
}

static int commit_error (lua_State *L, rd_kafka_resp_err_t err, const dm_list *list) {
  if (list == NULL || !dm_offsets_error(L, list, "commit"))
    dm_error_return(L, err, "commit: %s", rd_kafka_err2str(err));
  if (is_out_of_date(err))
    dm_error_hint(L, "the group rebalances: poll, and process again what is handed over again");
  return 2;
}

/* The first error of the answer. */
static rd_kafka_resp_err_t error_of (rd_kafka_event_t *event, const dm_list *list) {
  rd_kafka_resp_err_t err = rd_kafka_event_error(event);
  for (int i = 0; !err && list != NULL && i < list->cnt; i++) err = list->elems[i].err;
  return err;
}

/* Waits for the event of the reply; false when it is late. */
static bool await_reply (lua_State *L, reply *r, dm_deadline deadline, const dm_watch *watch) {
  for (;;) {
    r->event = rd_kafka_queue_poll(r->queue, dm_deadline_slice(deadline));
    if (r->event != NULL) return true;
    dm_watch_check(L, watch);
    if (dm_deadline_left(deadline) == 0) return false;
  }
}

/* A commit that no coordinator takes is kept by librdkafka for session.timeout.ms and holds up the
** end of the client for so long. So one that is not known yet is found by a question first. */
static bool find_coordinator (lua_State *L, dm_consumer *consumer, const dm_list *offsets,
                              dm_deadline deadline) {
  return consumer->coordinated ||
         push_committed(L, consumer, offsets, deadline, "commit") != NULL;
}

/* Sends the commit and waits for its answer. Pushes nil and an error when it fails. */
static bool commit (lua_State *L, dm_consumer *consumer, const dm_list *offsets,
                    dm_deadline deadline) {
  dm_watch watch = dm_watch_begin(L); /* before anything is sent */
  reply *r = dm_job_push_scoped(L, sizeof *r, reply_cleanup);
  const dm_list *list = NULL;
  rd_kafka_resp_err_t err;
  r->queue = rd_kafka_queue_new(consumer->client.rk);
  err = rd_kafka_commit_queue(consumer->client.rk, offsets, r->queue, NULL, NULL);
  consumer->coordinated = false; /* until it answers well */
  if (!err && !await_reply(L, r, deadline, &watch)) {
    dm_error_return(L, RD_KAFKA_RESP_ERR__TIMED_OUT, "commit: no answer from the broker in time");
    dm_client_blame(L, &consumer->client);
    return false;
  }
  if (!err) {
    list = rd_kafka_event_topic_partition_list(r->event);
    err = error_of(r->event, list);
  }
  consumer->coordinated = !err;
  if (err) commit_error(L, err, list);
  return !err;
}

int dm_consumer_commit_lua (lua_State *L) {
  dm_consumer *consumer = dm_consumer_check(L, 1, true);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 3, "30s"));
  const dm_list *offsets = dm_offsets_read(L, 2, "commit", DM_OFFSET_NEXT);
  dm_consumer_check_group(L, consumer, "commit");
  if (offsets->cnt > 0 && !(find_coordinator(L, consumer, offsets, deadline) &&
                            commit(L, consumer, offsets, deadline)))
    return 2;
  lua_pushboolean(L, 1);
  return 1;
}

/* -- Store ------------------------------------------------------------------------------------ */

static bool commits_by_itself (const dm_consumer *consumer) {
  char value[8] = "";
  size_t size = sizeof value;
  rd_kafka_conf_get(rd_kafka_conf(consumer->client.rk), "enable.auto.commit", value, &size);
  return strcmp(value, "true") == 0;
}

int dm_consumer_store_lua (lua_State *L) {
  dm_consumer *consumer = dm_consumer_check(L, 1, true);
  dm_list *offsets = dm_offsets_read(L, 2, "store", DM_OFFSET_NEXT);
  rd_kafka_resp_err_t err;
  int failed;
  dm_consumer_check_group(L, consumer, "store");
  if (!commits_by_itself(consumer))
    return luaL_error(L, "store: enable.auto.commit is false, so nothing would commit the stored "
                         "offsets: call commit, or set it in the option 'kafka'");
  err = rd_kafka_offsets_store(consumer->client.rk, offsets);
  failed = dm_offsets_error(L, offsets, "store");
  if (failed) return failed;
  if (err) return dm_error_return(L, err, "store: %s", rd_kafka_err2str(err));
  lua_pushboolean(L, 1);
  return 1;
}
