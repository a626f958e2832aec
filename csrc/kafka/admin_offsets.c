/* SPDX-License-Identifier: MIT */
/* list_offsets: all partitions in one request to each leader. A partition may be asked about more
** than once ("earliest" and "latest"), but the protocol takes it once in a request: the queries
** are sorted by partition, and each round takes the first open one of every partition.
*/
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/admin_args.h"
#include "kafka/admin_embedded.h"
#include "kafka/admin_methods.h"
#include "kafka/admin_request.h"
#include "kafka/compat.h"
#include "kafka/error.h"
#include "kafka/offsets.h"
#include "kafka/patience.h"

/* What the protocol has in place of a timestamp. */
#define AT_LATEST (-1)
#define AT_EARLIEST (-2)

typedef struct query {
  char *topic;
  int32_t partition;
  int64_t at;
  lua_Integer place; /* in the list of the caller */
  bool done;
  int64_t offset;
  rd_kafka_resp_err_t code;
} query;

typedef struct queries {
  size_t count;
  query *list;
} queries;

/* What is asked at once, in the order of the queries, and then the answers. */
typedef struct round_job {
  rd_kafka_topic_partition_list_t *list;
  rd_kafka_t *rk;
  dm_deadline deadline;
  rd_kafka_resp_err_t code;
} round_job;

static void round_cleanup (void *block) {
  round_job *round = block;
  if (round->list != NULL) rd_kafka_topic_partition_list_destroy(round->list);
}

static void queries_cleanup (void *block) {
  queries *all = block;
  for (size_t i = 0; i < all->count; i++) free(all->list[i].topic);
  free(all->list);
}

/* The time on the top of the stack. */
static int64_t check_at (lua_State *L, const char *what) {
  int exact;
  lua_Integer at = lua_tointegerx(L, -1, &exact);
  if (lua_type(L, -1) == LUA_TSTRING) {
    if (strcmp(lua_tostring(L, -1), "earliest") == 0) return AT_EARLIEST;
    if (strcmp(lua_tostring(L, -1), "latest") == 0) return AT_LATEST;
  }
  if (lua_type(L, -1) != LUA_TNUMBER || !exact || at < 0)
    luaL_error(L, "%s: at: 'earliest', 'latest' or a timestamp in ms expected, got %s", what,
               luaL_tolstring(L, -1, NULL));
  return at;
}

/* Reads the table on the top of the stack. */
static void read_query (lua_State *L, query *it, const char *what) {
  static const dm_option fields[] = {
    { "topic", DM_OPTION_ANY, 0, 0 },
    { "partition", DM_OPTION_ANY, 0, 0 },
    { "at", DM_OPTION_ANY, 0, 0 },
    { NULL, DM_OPTION_ANY, 0, 0 },
  };
  dm_option_check(L, lua_gettop(L), what, fields);
  lua_getfield(L, -1, "partition");
  it->partition = dm_partition_check(L, -1, what);
  lua_getfield(L, -2, "at");
  it->at = check_at(L, what);
  lua_getfield(L, -3, "topic");
  it->topic = strdup(dm_topic_check(L, -1, what));
  if (it->topic == NULL) luaL_error(L, "not enough memory");
  lua_pop(L, 3);
}

static int by_partition (const void *a, const void *b) {
  const query *x = a, *y = b;
  int order = strcmp(x->topic, y->topic);
  if (order != 0) return order;
  if (x->partition != y->partition) return x->partition < y->partition ? -1 : 1;
  return (x->place > y->place) - (x->place < y->place);
}

/* Pushes a box with the queries of the list at 2. */
static queries *read_queries (lua_State *L, const dm_admin_call *call) {
  lua_Integer n = dm_list_check(L, 2, call->doing);
  queries *all = dm_job_push(L, sizeof *all, queries_cleanup);
  all->list = calloc((size_t)n + 1, sizeof *all->list);
  if (all->list == NULL) luaL_error(L, "not enough memory");
  all->count = (size_t)n;
  for (lua_Integer i = 1; i <= n; i++) {
    const char *what = lua_pushfstring(L, "%s: queries[%I]", call->doing, i);
    lua_rawgeti(L, 2, i);
    all->list[i - 1].place = i;
    read_query(L, &all->list[i - 1], what);
    lua_pop(L, 2);
  }
  qsort(all->list, all->count, sizeof *all->list, by_partition);
  return all;
}

/* The first open query at or after *i whose partition has none before; NULL at the end. *i is then
** past the partition. */
static query *pick (const queries *all, size_t *i) {
  query *picked = NULL;
  for (; *i < all->count; ++*i) {
    query *it = &all->list[*i];
    bool same = picked != NULL && picked->partition == it->partition &&
                strcmp(picked->topic, it->topic) == 0;
    if (picked != NULL && !same) break;
    if (picked == NULL && !it->done) picked = it;
  }
  return picked;
}

/* Pushes a box with the next round, which is empty when all is answered. */
static round_job *push_round (lua_State *L, const dm_admin_call *call, const queries *all) {
  round_job *round = dm_job_push(L, sizeof *round, round_cleanup);
  query *it;
  size_t i = 0;
  round->rk = call->client->rk;
  round->deadline = call->deadline;
  round->list = rd_kafka_topic_partition_list_new((int)all->count);
  while ((it = pick(all, &i)) != NULL)
    rd_kafka_topic_partition_list_add(round->list, it->topic, it->partition)->offset = it->at;
  return round;
}

/* A partition without a record that new answers with no offset: then its end is asked for. */
static void take_offset (query *it, int64_t offset) {
  it->code = RD_KAFKA_RESP_ERR_NO_ERROR;
  it->offset = offset;
  it->done = offset >= 0 || it->at < 0;
  if (!it->done) it->at = AT_LATEST;
}

/* Gives the answers, in the order of the round, to its queries. Where a leader is only just known, the
** query stays open. Returns why one does. */
static rd_kafka_resp_err_t take_round (const dm_admin_call *call, queries *all,
                                       const round_job *round) {
  rd_kafka_resp_err_t again = RD_KAFKA_RESP_ERR_NO_ERROR;
  size_t i = 0;
  for (int k = 0; k < round->list->cnt; k++) {
    const rd_kafka_topic_partition_t *answer = &round->list->elems[k];
    query *it = pick(all, &i);
    if (!answer->err) take_offset(it, answer->offset);
    else if (dm_admin_may_repeat(call, answer->err, false)) again = answer->err;
    else {
      it->code = answer->err;
      it->done = true;
    }
  }
  return again;
}

#if DM_HAS_LIST_OFFSETS

static const rd_kafka_topic_partition_t *info_at (const rd_kafka_event_t *event, size_t i) {
  size_t n;
  const rd_kafka_ListOffsetsResultInfo_t **infos = rd_kafka_ListOffsets_result_infos(event, &n);
  return i < n ? rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]) : NULL;
}

static dm_answer listed_answer (const rd_kafka_event_t *event, size_t i) {
  const rd_kafka_topic_partition_t *info = info_at(event, i);
  dm_answer answer = { 0 };
  if (info == NULL) return answer;
  answer.name = info->topic;
  answer.code = info->err;
  return answer;
}

/* The item is the round's list, which is not the request's to free. */
static void free_nothing (void *item) {
  (void)item;
}

static void send_list (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_ListOffsets(rk, request->items[0], request->options, request->queue);
}

static const dm_operation list_operation = {
  .api = RD_KAFKA_ADMIN_OP_LISTOFFSETS, .free = free_nothing, .send = send_list,
  .answer = listed_answer,
};

/* Pushes a box with the answers, which come by leader, sorted like the round. */
static const rd_kafka_topic_partition_list_t *push_answers (lua_State *L,
                                                            const rd_kafka_event_t *event) {
  rd_kafka_topic_partition_list_t **answers = dm_offsets_box(L);
  const rd_kafka_topic_partition_t *info;
  *answers = rd_kafka_topic_partition_list_new(0);
  for (size_t i = 0; (info = info_at(event, i)) != NULL; i++) {
    rd_kafka_topic_partition_t *copy =
        rd_kafka_topic_partition_list_add(*answers, info->topic, info->partition);
    copy->offset = info->offset;
    copy->err = info->err;
  }
  rd_kafka_topic_partition_list_sort(*answers, NULL, NULL);
  return *answers;
}

static void copy_answers (round_job *round, const rd_kafka_topic_partition_list_t *answers) {
  for (int i = 0, k = 0; i < round->list->cnt; i++) {
    rd_kafka_topic_partition_t *asked = &round->list->elems[i];
    const rd_kafka_topic_partition_t *answer = k < answers->cnt ? &answers->elems[k] : NULL;
    asked->err = RD_KAFKA_RESP_ERR__BAD_MSG; /* unless there is an answer */
    if (answer == NULL || asked->partition != answer->partition ||
        strcmp(asked->topic, answer->topic) != 0)
      continue;
    asked->offset = answer->offset;
    asked->err = answer->err;
    k++;
  }
}

/* Has the round on the top of the stack answered. */
static bool ask (lua_State *L, const dm_admin_call *call, round_job *round) {
  int box = lua_gettop(L) + 1;
  dm_request *request = dm_request_push(L, call, &list_operation, 1);
  bool done;
  *dm_request_add(L, request, call->doing) = round->list;
  done = dm_request_ask(L, call, request);
  if (done) copy_answers(round, push_answers(L, request->event));
  dm_job_end(L, box);
  return done;
}

#else

/* rd_kafka_offsets_for_times passes what stands for a timestamp on to the broker as it is, so that
** it also answers for "earliest" and "latest". */
static void fetch (void *block) {
  round_job *round = block;
  dm_patience patience = dm_patience_begin(round->deadline);
  do {
    round->code = rd_kafka_offsets_for_times(round->rk, round->list, dm_patience_ms(&patience));
  } while (dm_patience_again(&patience, block, round->code));
}

/* For the refusal of one partition librdkafka throws the answers of all away. */
static void refuse_all (round_job *round) {
  for (int i = 0; i < round->list->cnt; i++) round->list->elems[i].err = round->code;
}

/* Has the round on the top of the stack answered. */
static bool ask (lua_State *L, const dm_admin_call *call, round_job *round) {
  if (!dm_client_run(L, call->client, lua_gettop(L), fetch, dm_admin_grace(call->deadline),
                     call->doing))
    return false;
  /* Where no partition exists, each says so itself. */
  if (!round->code || round->code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
    dm_admin_reached(call);
    return true;
  }
  if (dm_admin_may_repeat(call, round->code, false)) {
    refuse_all(round);
    return true;
  }
  dm_admin_serve(L, call);
  dm_admin_failure(L, call, round->code, rd_kafka_err2str(round->code), false);
  return false;
}

#endif

/* Is an offset by time asked for? The mock cluster knows none. */
static bool by_time (const queries *all) {
  for (size_t i = 0; i < all->count; i++)
    if (all->list[i].at >= 0) return true;
  return false;
}

static void push_offset (lua_State *L, const query *it) {
  lua_createtable(L, 0, 4);
  lua_pushstring(L, it->topic);
  lua_setfield(L, -2, "topic");
  lua_pushinteger(L, it->partition);
  lua_setfield(L, -2, "partition");
  if (it->code) {
    dm_error_push(L, it->code, "%s [%d]: %s", it->topic, (int)it->partition,
                  rd_kafka_err2str(it->code));
    lua_setfield(L, -2, "error");
  }
  else {
    lua_pushinteger(L, it->offset);
    lua_setfield(L, -2, "offset");
  }
}

static void push_offsets (lua_State *L, const queries *all) {
  lua_createtable(L, (int)all->count, 0);
  for (size_t i = 0; i < all->count; i++) {
    push_offset(L, &all->list[i]);
    lua_rawseti(L, -2, all->list[i].place);
  }
}

int dm_admin_list_offsets (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "list_offsets", 3, false);
  queries *all = read_queries(L, &call);
  int box = lua_gettop(L);
  round_job *round;
  if (call.embedded != NULL && by_time(all))
    return dm_embedded_lacks(L, &call, "offsets by time");
  while ((round = push_round(L, &call, all))->list->cnt > 0) {
    rd_kafka_resp_err_t again;
    if (!ask(L, &call, round)) return dm_admin_end(L, &call, 2);
    again = take_round(&call, all, round);
    dm_job_end(L, box + 1);
    lua_settop(L, box);
    if (again) dm_admin_before_next(L, &call, again);
  }
  push_offsets(L, all);
  return dm_admin_end(L, &call, 1);
}
