/* SPDX-License-Identifier: MIT */
#include "kafka/producer.h"

#include <lauxlib.h>

#include "kafka/delivery.h"
#include "kafka/error.h"
#include "kafka/send.h"

static const dm_option options[] = {
  DM_CLIENT_OPTIONS,
  { "partitioner", DM_OPTION_FUNCTION, 0, 0 },
  { "queue_timeout", DM_OPTION_DURATION, 0, 0 },
  { "transactional_id", DM_OPTION_STRING, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

static const dm_preset presets[] = {
  { "acks", "all" },
  { "enable.idempotence", "true" },
  { "partitioner", "murmur2_random" },            /* as Java's; the default is CRC32 */
  { "topic.metadata.propagation.max.ms", "5000" }, /* topics are never auto-created: fail soon */
  { NULL, NULL },
};

/* An undestroyed topic would keep rk alive for ever. */
static void abandon (dm_client *client) {
  dm_ledger_drop_topics(client->arg);
}

static const dm_client_kind kind = {
  .type = "docmsg.Producer",
  .what = "kafka.producer",
  .scope = DM_SCOPE_PRODUCER,
  .options = options,
  .presets = presets,
  .flush_ms = 5000,
  .abandon = abandon,
};

dm_producer *dm_producer_check (lua_State *L, int arg) {
  return (dm_producer *)dm_client_check(L, arg, &kind, false);
}

static void set_report_callback (rd_kafka_conf_t *conf) {
  rd_kafka_conf_set_dr_msg_cb(conf, dm_ledger_on_report);
}

/* Reads what is not a property from the options and the collected properties. */
static void configure (lua_State *L, dm_producer *producer) {
  producer->queue_timeout_ms = dm_option_duration(L, 1, "queue_timeout", "60s");
  producer->transactional = dm_option_string(L, 2, "transactional.id") != NULL;
  producer->has_partitioner = lua_getfield(L, 1, "partitioner") == LUA_TFUNCTION;
  lua_pop(L, 1);
}

/* The table topic -> dm_topic with, under 1, the Lua partitioner. */
static void keep_topics (lua_State *L) {
  lua_newtable(L);
  lua_getfield(L, 1, "partitioner");
  lua_rawseti(L, -2, 1);
  lua_setiuservalue(L, -2, DM_PRODUCER_TOPICS);
}

int dm_producer_lua (lua_State *L) {
  dm_producer *producer;
  lua_settop(L, 1);
  dm_option_default(L, 1);
  dm_option_check(L, 1, kind.what, options);
  dm_conf_collect(L, 1, kind.what, kind.scope, presets);
  dm_conf_set_id(L, 1, kind.what, "transactional_id", "transactional.id");
  producer = (dm_producer *)dm_client_new(L, &kind, sizeof *producer);
  configure(L, producer);
  keep_topics(L);
  producer->ledger = dm_ledger_new();
  if (producer->ledger == NULL) return luaL_error(L, "not enough memory");
  producer->client.release = dm_ledger_seal;
  producer->client.arg = producer->ledger;
  return dm_client_open(L, &producer->client, 1, 2, producer->ledger, set_report_callback) ? 1 : 2;
}

void dm_producer_await (lua_State *L, int idx, dm_slot *slot, dm_deadline deadline) {
  dm_producer *producer = lua_touserdata(L, idx);
  dm_watch watch = dm_watch_begin(L);
  while (producer->client.rk != NULL && dm_slot_read(slot).status == DM_PENDING) {
    int left = dm_deadline_slice(deadline);
    dm_ledger_await(producer->ledger, slot);
    /* flush, not poll: whoever waits for a record does not want it to linger */
    if (left > 0) rd_kafka_flush(producer->client.rk, left);
    else rd_kafka_poll(producer->client.rk, 0);
    dm_ledger_await(producer->ledger, NULL);
    dm_client_dispatch(L, idx, &producer->client);
    dm_watch_check(L, &watch);
    if (left == 0) break;
  }
}

/* Sends what is queued until the deadline; returns how many records still wait. While closing no
** handler is called: one that raises must not keep the producer open. */
static int flush (lua_State *L, dm_producer *producer, dm_deadline deadline, bool closing) {
  dm_watch watch = dm_watch_begin(L);
  int left;
  do {
    left = dm_deadline_slice(deadline);
    rd_kafka_flush(producer->client.rk, left);
    if (!closing) dm_client_dispatch(L, 1, &producer->client);
    dm_watch_check(L, &watch);
  } while (dm_ledger_pending(producer->ledger) > 0 && left > 0);
  return (int)dm_ledger_pending(producer->ledger);
}

static int producer_flush (lua_State *L) {
  dm_producer *producer = dm_producer_check(L, 1);
  int waiting = flush(L, producer, dm_deadline_in(dm_duration_opt(L, 2, "forever")), false);
  if (waiting > 0) {
    dm_error_return(L, RD_KAFKA_RESP_ERR__TIMED_OUT,
                    "flush: %d records still wait for their delivery report", waiting);
    return dm_client_blame(L, &producer->client);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* Ends every queued record and serves the reports of that. librdkafka would wait without end for its
** threads, of which one may ask a name server that does not answer. */
static void purge (lua_State *L, dm_producer *producer, bool closing) {
  dm_deadline deadline = dm_deadline_in(5000);
  rd_kafka_purge(producer->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                          RD_KAFKA_PURGE_F_NON_BLOCKING);
  flush(L, producer, deadline, closing);
}

static int producer_purge (lua_State *L) {
  dm_producer *producer = dm_producer_check(L, 1);
  uint64_t before = dm_ledger_reported(producer->ledger);
  purge(L, producer, false);
  lua_pushinteger(L, (lua_Integer)(dm_ledger_reported(producer->ledger) - before));
  return 1;
}

static int producer_poll (lua_State *L) {
  dm_producer *producer = dm_producer_check(L, 1);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 2, "0"));
  dm_watch watch = dm_watch_begin(L);
  uint64_t before = dm_ledger_reported(producer->ledger), reported;
  int left;
  dm_client_drain_fd(&producer->client);
  do {
    left = dm_deadline_slice(deadline);
    rd_kafka_poll(producer->client.rk, left);
    dm_client_dispatch(L, 1, &producer->client);
    dm_watch_check(L, &watch);
    reported = dm_ledger_reported(producer->ledger) - before;
  } while (reported == 0 && left > 0);
  lua_pushinteger(L, (lua_Integer)reported);
  return 1;
}

static int producer_pending (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)dm_ledger_pending(dm_producer_check(L, 1)->ledger));
  return 1;
}

static int producer_fd (lua_State *L) {
  dm_client *client = &dm_producer_check(L, 1)->client;
  return dm_client_push_fd(L, client, rd_kafka_queue_get_main(client->rk));
}

/* 'trouble' is the connection's last one, from before it ended. */
static int push_closed (lua_State *L, int lost, bool ended, const dm_trouble *trouble) {
  if (lost > 0) {
    dm_error_return(L, RD_KAFKA_RESP_ERR__TIMED_OUT,
                    "close: %d records were not delivered in time", lost);
    return dm_error_blame(L, trouble->text);
  }
  if (!ended)
    return dm_error_return(L, RD_KAFKA_RESP_ERR__TIMED_OUT,
                           "close: everything is delivered; the client goes on ending");
  lua_pushboolean(L, 1);
  return 1;
}

static int producer_close (lua_State *L) {
  dm_producer *producer = luaL_checkudata(L, 1, kind.type);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 2, "10s"));
  dm_trouble trouble;
  int lost;
  bool ended;
  if (producer->client.rk == NULL) return push_closed(L, 0, true, NULL);
  dm_producer_check(L, 1);
  dm_transaction_give_up(L, producer, deadline);
  lost = flush(L, producer, deadline, true);
  trouble = dm_feed_trouble(producer->client.feed);
  if (lost > 0) purge(L, producer, true);
  ended = dm_client_bury(L, &producer->client, deadline);
  return push_closed(L, lost, ended, &trouble);
}

static const luaL_Reg methods[] = {
  { "abort", dm_transaction_abort },
  { "begin", dm_transaction_begin },
  { "close", producer_close },
  { "commit", dm_transaction_commit },
  { "failed", dm_send_failed },
  { "fd", producer_fd },
  { "flush", producer_flush },
  { "lines", dm_send_lines },
  { "partitions", dm_send_partitions },
  { "pending", producer_pending },
  { "poll", producer_poll },
  { "publish", dm_send_publish },
  { "purge", producer_purge },
  { "send", dm_send_record },
  { "send_offsets", dm_transaction_send_offsets },
  { NULL, NULL },
};

void dm_producer_open (lua_State *L) {
  dm_client_register(L, &kind, methods);
  dm_delivery_open(L);
}
