/* SPDX-License-Identifier: MIT */
#include "kafka/send.h"

#include <lauxlib.h>
#include <string.h>

#include "kafka/delivery.h"
#include "kafka/error.h"
#include "kafka/offsets.h"
#include "kafka/patience.h"
#include "kafka/producer.h"
#include "kafka/record.h"

/* Delivery reports are served every so many sends. */
#define SENDS_PER_POLL 64

/* A partition count is asked again after so long. */
#define PARTITIONS_FRESH_MS 60000

/* Makes the topic and keeps it in the table on the top of the stack. */
static dm_topic *add_topic (lua_State *L, dm_producer *producer, const char *name) {
  rd_kafka_topic_t *rkt = rd_kafka_topic_new(producer->client.rk, name, NULL);
  dm_topic *topic;
  if (rkt == NULL) return NULL;
  topic = dm_ledger_add_topic(producer->ledger, name, rkt);
  if (topic == NULL) {
    rd_kafka_topic_destroy(rkt);
    luaL_error(L, "not enough memory");
  }
  lua_pushlightuserdata(L, topic);
  lua_setfield(L, -2, name);
  return topic;
}

/* Most records go where the one before went. */
dm_topic *dm_send_topic (lua_State *L, dm_producer *producer, const char *name, size_t size) {
  dm_topic *topic = producer->last_topic;
  if (topic != NULL && strcmp(topic->name, name) == 0) return topic;
  lua_getiuservalue(L, 1, DM_PRODUCER_TOPICS);
  lua_pushlstring(L, name, size);
  lua_rawget(L, -2);
  topic = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (topic == NULL) topic = add_topic(L, producer, name);
  lua_pop(L, 1);
  producer->last_topic = topic;
  return topic;
}

typedef struct count_job {
  rd_kafka_t *rk;
  rd_kafka_topic_t *rkt;
  dm_deadline deadline;
  rd_kafka_resp_err_t code;
  const struct rd_kafka_metadata *metadata;
} count_job;

static void count_cleanup (void *block) {
  count_job *job = block;
  if (job->metadata != NULL) rd_kafka_metadata_destroy(job->metadata);
}

static void count_work (void *block) {
  count_job *job = block;
  dm_patience patience = dm_patience_begin(job->deadline);
  do job->code = rd_kafka_metadata(job->rk, 0, job->rkt, &job->metadata, dm_patience_ms(&patience));
  while (dm_patience_again(&patience, block, job->code));
}

/* Notes the answer in 'topic'; pushes nil and an error when there is none. */
static bool read_count (lua_State *L, const dm_producer *producer, dm_topic *topic,
                        const count_job *job) {
  rd_kafka_resp_err_t code = job->code;
  if (!code && job->metadata->topic_cnt == 1) code = job->metadata->topics[0].err;
  if (code) {
    dm_error_return(L, code, "%s: %s", topic->name, rd_kafka_err2str(code));
    dm_client_blame(L, &producer->client);
    return false;
  }
  topic->partitions = job->metadata->topics[0].partition_cnt;
  topic->asked_at = dm_clock_ms();
  return true;
}

/* Makes topic->partitions known, asking the broker when it is not fresh. Pushes nil and an error
** when that fails. */
static bool count_partitions (lua_State *L, dm_producer *producer, dm_topic *topic,
                              dm_deadline deadline) {
  count_job *job;
  int box;
  bool done;
  if (topic->partitions > 0 && dm_clock_ms() - topic->asked_at < PARTITIONS_FRESH_MS) return true;
  job = dm_job_push(L, sizeof *job, count_cleanup);
  box = lua_gettop(L);
  job->rk = producer->client.rk;
  job->rkt = topic->rkt;
  job->deadline = deadline;
  done = dm_client_run(L, &producer->client, box, count_work, deadline, "partitions") &&
         read_count(L, producer, topic, job);
  dm_job_end(L, box);
  lua_remove(L, box);
  return done;
}

int dm_send_refused (lua_State *L, const char *name) {
  return dm_error_return(L, rd_kafka_last_error(), "%s: not a legal topic name", name);
}

int dm_send_partitions (lua_State *L) {
  dm_producer *producer = dm_producer_check(L, 1);
  const char *name = dm_topic_check(L, 2, "partitions");
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 3, "30s"));
  dm_topic *topic = dm_send_topic(L, producer, name, lua_rawlen(L, 2));
  if (topic == NULL) return dm_send_refused(L, name);
  if (!count_partitions(L, producer, topic, deadline)) return 2;
  lua_pushinteger(L, topic->partitions);
  return 1;
}

static void check_choice (lua_State *L, const dm_topic *topic, dm_record *record) {
  if (lua_isnil(L, -1)) return;
  record->partition = dm_partition_check(L, -1, "partitioner's result");
  if (record->partition >= topic->partitions)
    luaL_error(L, "partitioner chose partition %d of '%s', which has %d", (int)record->partition,
               topic->name, (int)topic->partitions);
}

/* Asks the Lua partitioner. The record at index 2 is read again afterwards: it may have changed. */
static bool choose_partition (lua_State *L, dm_producer *producer, dm_topic *topic,
                              dm_record *record) {
  int32_t chosen;
  if (!count_partitions(L, producer, topic, dm_deadline_in(producer->queue_timeout_ms)))
    return false;
  lua_getiuservalue(L, 1, DM_PRODUCER_TOPICS);
  lua_rawgeti(L, -1, 1);
  lua_pushstring(L, topic->name);
  if (record->key != NULL) lua_pushlstring(L, record->key, record->key_size);
  else lua_pushnil(L);
  lua_pushinteger(L, topic->partitions);
  lua_call(L, 3, 1);
  check_choice(L, topic, record);
  lua_pop(L, 2);
  dm_producer_check(L, 1);
  chosen = record->partition;
  dm_record_read(L, 2, record);
  record->partition = chosen;
  return true;
}

/* With headers or a timestamp; the headers are librdkafka's on success only. */
static rd_kafka_resp_err_t produce_full (lua_State *L, rd_kafka_t *rk, const dm_topic *topic,
                                         const dm_record *record, dm_slot *slot) {
  rd_kafka_headers_t *headers;
  rd_kafka_resp_err_t code;
  lua_getfield(L, 2, "headers");
  headers = dm_record_headers(L, lua_gettop(L), record);
  lua_pop(L, 1);
  code = rd_kafka_producev(
      rk, RD_KAFKA_V_RKT(topic->rkt), RD_KAFKA_V_PARTITION(record->partition),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_KEY((void *)record->key, record->key_size),
      RD_KAFKA_V_VALUE((void *)record->value, record->value_size),
      RD_KAFKA_V_TIMESTAMP(record->timestamp), RD_KAFKA_V_HEADERS(headers),
      RD_KAFKA_V_OPAQUE(slot), RD_KAFKA_V_END);
  if (code) rd_kafka_headers_destroy(headers);
  return code;
}

static rd_kafka_resp_err_t produce (lua_State *L, rd_kafka_t *rk, const dm_topic *topic,
                                    const dm_record *record, dm_slot *slot) {
  if (record->headers > 0 || record->timestamp > 0)
    return produce_full(L, rk, topic, record, slot);
  if (rd_kafka_produce(topic->rkt, record->partition, RD_KAFKA_MSG_F_COPY, (void *)record->value,
                       record->value_size, record->key, record->key_size, slot) == 0)
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  return rd_kafka_last_error();
}

/* When a full queue has no report for so long, its records linger. */
#define LINGER_MS 20

/* Serves reports until the full queue may have room. False: the deadline passed. */
static bool make_room (lua_State *L, dm_producer *producer, dm_deadline deadline,
                       const dm_watch *watch) {
  uint64_t before = dm_ledger_reported(producer->ledger);
  int left = dm_deadline_slice(deadline);
  rd_kafka_poll(producer->client.rk, left < LINGER_MS ? left : LINGER_MS);
  if (dm_ledger_reported(producer->ledger) == before)
    rd_kafka_flush(producer->client.rk, dm_deadline_slice(deadline));
  if (dm_watch_pending(L, watch)) return false;
  return left > 0;
}

static void forget (dm_producer *producer, dm_slot *slot) {
  if (slot != NULL) dm_slot_forget(slot);
  else dm_ledger_unexpect(producer->ledger);
}

/* Produces; while the queue is full, waits up to queue_timeout. */
static rd_kafka_resp_err_t produce_patiently (lua_State *L, dm_producer *producer,
                                              const dm_topic *topic, const dm_record *record,
                                              dm_slot *slot) {
  rd_kafka_t *rk = producer->client.rk;
  rd_kafka_resp_err_t code = produce(L, rk, topic, record, slot);
  if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
    dm_watch watch;
    dm_deadline deadline = dm_deadline_in(producer->queue_timeout_ms);
    bool quiet = dm_watch_try(L, &watch);
    if (!quiet) forget(producer, slot);
    if (!quiet) lua_error(L);
    while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && make_room(L, producer, deadline, &watch))
      code = produce(L, rk, topic, record, slot);
    if (dm_watch_pending(L, &watch)) {
      if (code) forget(producer, slot);
      dm_watch_yield(L, &watch);
    }
  }
  return code;
}

/* Nil and the reason why librdkafka did not take the record. */
static int not_taken (lua_State *L, dm_producer *producer, const dm_topic *topic,
                      const dm_record *record, rd_kafka_resp_err_t code) {
  char reason[512];
  switch (code) {
    case RD_KAFKA_RESP_ERR__FATAL:
      code = rd_kafka_fatal_error(producer->client.rk, reason, sizeof reason);
      dm_error_return(L, code, "%s: the producer is unusable: %s", topic->name, reason);
      dm_error_fatal(L);
      return 2;
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return dm_error_return(L, code, "%s: there is no partition %d", topic->name,
                             (int)record->partition);
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return dm_error_return(L, code, "%s: key and value of %I bytes are more than "
                                      "message.max.bytes", topic->name,
                             (lua_Integer)(record->key_size + record->value_size));
    case RD_KAFKA_RESP_ERR__STATE:
      return dm_error_return(L, code, "%s: %s", topic->name,
                             producer->transactional && !producer->in_transaction
                                 ? "no transaction has begun: call `begin` first"
                                 : rd_kafka_err2str(code));
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
      dm_error_return(L, code, "%s: the queue stayed full for %d ms", topic->name,
                      producer->queue_timeout_ms);
      return dm_client_blame(L, &producer->client);
    default: return dm_error_return(L, code, "%s: %s", topic->name, rd_kafka_err2str(code));
  }
}

bool dm_send_take (lua_State *L, dm_producer *producer, const dm_topic *topic,
                   const dm_record *record, dm_slot *slot) {
  rd_kafka_resp_err_t code = produce_patiently(L, producer, topic, record, slot);
  if (!code) return true;
  forget(producer, slot);
  not_taken(L, producer, topic, record, code);
  return false;
}

bool dm_send_serve (dm_producer *producer, unsigned sends) {
  producer->sends += sends;
  if (producer->sends < SENDS_PER_POLL) return false;
  producer->sends = 0;
  rd_kafka_poll(producer->client.rk, 0);
  return dm_feed_waiting(producer->client.feed);
}

/* Queues the record at index 2 of the producer at 1 and pushes its handle, or nil and an error. */
static int queue_record (lua_State *L, dm_producer *producer) {
  dm_record record;
  dm_topic *topic;
  dm_slot *slot;
  if (dm_send_serve(producer, 1)) /* before anything points into the record */
    dm_client_dispatch(L, 1, &producer->client);
  dm_record_read(L, 2, &record);
  topic = dm_send_topic(L, producer, record.topic, record.topic_size);
  if (topic == NULL) return dm_send_refused(L, record.topic);
  if (producer->has_partitioner && record.partition == RD_KAFKA_PARTITION_UA &&
      !choose_partition(L, producer, topic, &record))
    return 2;
  slot = dm_delivery_push(L, 1, DM_PRODUCER_BLOCK, producer->ledger, producer->client.state, topic);
  return dm_send_take(L, producer, topic, &record, slot) ? 1 : 2;
}

int dm_send_record (lua_State *L) {
  dm_producer *producer = dm_producer_check(L, 1);
  lua_settop(L, 2);
  return queue_record(L, producer);
}

int dm_send_publish (lua_State *L) {
  dm_producer *producer = dm_producer_check(L, 1);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 3, "forever"));
  int results;
  lua_settop(L, 2);
  results = queue_record(L, producer);
  return results == 1 ? dm_delivery_wait(L, -1, deadline) : results;
}
