/* SPDX-License-Identifier: MIT */
#include "kafka/embedded.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/deaf.h"
#include "base/metatable.h"
#include "kafka/clock.h"
#include "kafka/error.h"
#include "kafka/offsets.h"
#include "kafka/option.h"
#include "kafka/protocol.h"
#include "kafka/state.h"
#include "kafka/task.h"

#define EMBEDDED_TYPE "docmsg.EmbeddedBroker"
#define BROKERS_MAX 16

/* How long closing a Lua state waits for clients before the broker goes. */
#define CLIENTS_MS 10000

/* The highest Metadata version up to which every supported librdkafka's mock cluster answers
** rightly. At its own default, 2, requests cannot say that topics are not to be created. */
#define METADATA_API 3
#define METADATA_VERSION 4

/* The cluster's thread drains its wake-up pipe just after answering a command: a command that
** comes meanwhile lies there for a second. This much later it is listening again. */
#define SETTLE_NS 500000

static dm_embedded *check_open (lua_State *L) {
  dm_embedded *broker = luaL_checkudata(L, 1, EMBEDDED_TYPE);
  if (broker->cluster == NULL) luaL_error(L, "this embedded broker is closed");
  return broker;
}

/* The rk only serves the cluster; that it has no brokers of its own is not worth a log line. */
static rd_kafka_t *new_rk (char *reason, size_t size) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  rd_kafka_t *rk = NULL;
  if (rd_kafka_conf_set(conf, "client.id", "docmsg-lua-embedded", reason, size) ==
          RD_KAFKA_CONF_OK &&
      rd_kafka_conf_set(conf, "log_level", "3", reason, size) == RD_KAFKA_CONF_OK)
    rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, size);
  if (rk == NULL) rd_kafka_conf_destroy(conf);
  return rk;
}

rd_kafka_mock_cluster_t *dm_embedded_cluster (dm_embedded *broker) {
  static const struct timespec settle = { 0, SETTLE_NS };
  clock_nanosleep(CLOCK_MONOTONIC, 0, &settle, NULL);
  return broker->cluster;
}

typedef struct remains {
  rd_kafka_mock_cluster_t *cluster;
  rd_kafka_t *rk;
} remains;

static void end (void *ud) {
  remains *r = ud;
  if (r->cluster != NULL) rd_kafka_mock_cluster_destroy(r->cluster);
  if (r->rk != NULL) rd_kafka_destroy(r->rk);
}

/* The cluster stops listening at once, but one of its threads may take a second to end: that is
** not worth waiting for, not even at exit. Only a leak checker would take what still ends then for
** leaked. */
#ifdef __SANITIZE_ADDRESS__
#define END_MS 10000
#else
#define END_MS 0
#endif

static void destroy (dm_embedded *broker) {
  remains here = { broker->cluster, broker->rk }, *r = malloc(sizeof *r);
  dm_task *task = NULL;
  if (broker->cluster != NULL) broker->state->brokers--;
  broker->cluster = NULL;
  broker->rk = NULL;
  if (r != NULL) {
    *r = here;
    task = dm_task_start(end, free, r);
  }
  if (task == NULL) {
    end(&here);
    return;
  }
  if (!dm_task_wait(task, END_MS) && END_MS > 0)
    fputs("docmsg: an embedded broker had not ended\n", stderr);
  dm_task_unref(task);
}

/* Is one of the addresses in the comma list 'servers' also in the list 'own'? */
static bool share_address (const char *servers, const char *own) {
  while (*servers != '\0') {
    size_t len = strcspn(servers, ",");
    for (const char *s = own; *s != '\0'; s += strcspn(s, ","), s += *s == ',')
      if (len > 0 && strcspn(s, ",") == len && memcmp(s, servers, len) == 0) return true;
    servers += len + (servers[len] == ',');
  }
  return false;
}

dm_embedded *dm_embedded_find (lua_State *L, const char *servers) {
  luaL_checkstack(L, 6, "embedded");
  dm_state_push_table(L, "embedded");
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    dm_embedded *broker = lua_touserdata(L, -2);
    bool found;
    lua_getiuservalue(L, -2, DM_EMBEDDED_SERVERS);
    found = broker->cluster != NULL && share_address(servers, lua_tostring(L, -1));
    lua_pop(L, 1);
    if (!found) continue;
    lua_pop(L, 1);
    lua_remove(L, -2);
    return broker;
  }
  lua_pop(L, 1);
  return NULL;
}

/* A signal on its thread would end it: librdkafka takes the interrupted wait for a failure, and from
** then on whoever asks the cluster for something waits for ever. */
static rd_kafka_mock_cluster_t *new_cluster (rd_kafka_t *rk, int brokers) {
  sigset_t before = dm_deaf_begin();
  rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(rk, brokers);
  dm_deaf_end(&before);
  return cluster;
}

/* Starts the cluster of the userdata at index 2, or pushes nil and an error. */
static int start (lua_State *L, dm_embedded *broker) {
  char reason[256];
  broker->rk = new_rk(reason, sizeof reason);
  if (broker->rk == NULL)
    return dm_error_return(L, rd_kafka_last_error(), "kafka.embedded: %s", reason);
  broker->cluster = new_cluster(broker->rk, broker->brokers);
  if (broker->cluster == NULL) {
    destroy(broker);
    return dm_error_return(L, RD_KAFKA_RESP_ERR__FAIL,
                           "kafka.embedded: no port of 127.0.0.1 could be listened on");
  }
  broker->state->brokers++;
  rd_kafka_mock_set_apiversion(broker->cluster, METADATA_API, 0, METADATA_VERSION);
  return 0;
}

/* Enters the userdata at index 2 into the state's table, all at once: what is there stays open
** until it is closed. */
static void enter (lua_State *L, dm_embedded *broker) {
  lua_pushstring(L, rd_kafka_mock_cluster_bootstraps(broker->cluster));
  lua_setiuservalue(L, 2, DM_EMBEDDED_SERVERS);
  dm_state_push_table(L, "embedded");
  lua_pushvalue(L, 2);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

int dm_embedded_lua (lua_State *L) {
  static const dm_option options[] = {
    { "brokers", DM_OPTION_INTEGER, 1, BROKERS_MAX },
    { NULL, DM_OPTION_ANY, 0, 0 },
  };
  dm_embedded *broker;
  lua_settop(L, 1);
  dm_option_default(L, 1);
  dm_option_check(L, 1, "kafka.embedded", options);
  broker = lua_newuserdatauv(L, sizeof *broker, 2);
  memset(broker, 0, sizeof *broker);
  luaL_setmetatable(L, EMBEDDED_TYPE);
  broker->state = dm_state_get(L);
  lua_newtable(L);
  lua_setiuservalue(L, 2, DM_EMBEDDED_CONFIGS);
  broker->brokers = (int)dm_option_integer(L, 1, "brokers", 1);
  if (start(L, broker) != 0) return 2;
  enter(L, broker);
  return 1;
}

static int embedded_close (lua_State *L) {
  dm_embedded *broker = luaL_checkudata(L, 1, EMBEDDED_TYPE);
  if (broker->cluster == NULL) return 0;
  destroy(broker); /* first: what follows may raise for want of memory */
  dm_state_push_table(L, "embedded");
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  lua_rawset(L, -3);
  return 0;
}

/* The state is being closed, and its later clients are: they still send what is queued. */
static int embedded_gc (lua_State *L) {
  dm_embedded *broker = lua_touserdata(L, 1);
  if (broker->rk == NULL) return 0;
  if (broker->state->reaper != NULL) dm_reaper_settle(broker->state->reaper, CLIENTS_MS);
  destroy(broker);
  return 0;
}

static int embedded_tostring (lua_State *L) {
  dm_embedded *broker = luaL_checkudata(L, 1, EMBEDDED_TYPE);
  lua_getiuservalue(L, 1, DM_EMBEDDED_SERVERS);
  lua_pushfstring(L, EMBEDDED_TYPE " (%s)",
                  broker->cluster != NULL ? lua_tostring(L, -1) : "closed");
  return 1;
}

/* The methods are the upvalue. */
static int embedded_index (lua_State *L) {
  luaL_checkudata(L, 1, EMBEDDED_TYPE);
  if (lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "bootstrap_servers") == 0)
    lua_getiuservalue(L, 1, DM_EMBEDDED_SERVERS);
  else {
    lua_settop(L, 2);
    lua_gettable(L, lua_upvalueindex(1));
  }
  return 1;
}

static int16_t check_api (lua_State *L, int arg) {
  const char *name = luaL_checkstring(L, arg);
  int api = dm_protocol_api(name);
  const char *nearest;
  if (api >= 0) return (int16_t)api;
  nearest = dm_protocol_nearest_api(name);
  if (nearest != NULL)
    return (int16_t)luaL_error(L, "fail: there is no request '%s'; did you mean '%s'?", name,
                               nearest);
  return (int16_t)luaL_error(L, "fail: there is no request '%s'; the protocol guide names them, "
                                "such as \"Produce\", or give its number", name);
}

/* The code of the error name on the top of the stack. */
static rd_kafka_resp_err_t check_error (lua_State *L, lua_Integer i) {
  rd_kafka_resp_err_t code;
  const char *nearest;
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "fail: errors[%I]: string expected, got %s", i, luaL_typename(L, -1));
  if (dm_protocol_error(lua_tostring(L, -1), &code)) return code;
  nearest = dm_protocol_nearest_error(lua_tostring(L, -1));
  if (nearest != NULL)
    luaL_error(L, "fail: errors[%I]: there is no error '%s'; did you mean '%s'?", i,
               lua_tostring(L, -1), nearest);
  return luaL_error(L, "fail: errors[%I]: there is no error '%s'", i, lua_tostring(L, -1));
}

static int embedded_fail (lua_State *L) {
  dm_embedded *broker = check_open(L);
  int16_t api = check_api(L, 2);
  lua_Integer n;
  rd_kafka_resp_err_t *codes;
  luaL_checktype(L, 3, LUA_TTABLE);
  n = (lua_Integer)lua_rawlen(L, 3);
  if (n == 0) return luaL_error(L, "fail: a list of error names expected, got an empty table");
  codes = lua_newuserdatauv(L, (size_t)n * sizeof *codes, 0);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 3, i);
    codes[i - 1] = check_error(L, i);
    lua_pop(L, 1);
  }
  rd_kafka_mock_push_request_errors_array(broker->cluster, api, (size_t)n, codes);
  return 0;
}

static int32_t check_id (lua_State *L, int arg, const dm_embedded *broker, const char *what) {
  lua_Integer id = luaL_checkinteger(L, arg);
  if (id < 1 || id > broker->brokers)
    luaL_error(L, "%s: there is no broker %I: their ids are 1 to %d", what, id, broker->brokers);
  return (int32_t)id;
}

static int embedded_set_up (lua_State *L) {
  dm_embedded *broker = check_open(L);
  int32_t id = check_id(L, 2, broker, "set_up");
  luaL_checktype(L, 3, LUA_TBOOLEAN);
  if (lua_toboolean(L, 3)) rd_kafka_mock_broker_set_up(dm_embedded_cluster(broker), id);
  else rd_kafka_mock_broker_set_down(dm_embedded_cluster(broker), id);
  return 0;
}

static int embedded_set_rtt (lua_State *L) {
  dm_embedded *broker = check_open(L);
  int32_t id = check_id(L, 2, broker, "set_rtt");
  int rtt;
  luaL_checkany(L, 3);
  rtt = dm_duration_check(L, 3, "set_rtt");
  if (rtt == DM_FOREVER) return luaL_error(L, "set_rtt: \"forever\" is no round-trip time");
  rd_kafka_mock_broker_set_rtt(dm_embedded_cluster(broker), id, rtt);
  return 0;
}

static int embedded_set_leader (lua_State *L) {
  dm_embedded *broker = check_open(L);
  const char *topic = dm_topic_check(L, 2, "set_leader");
  int32_t partition = dm_partition_check(L, 3, "set_leader");
  int32_t id = check_id(L, 4, broker, "set_leader");
  rd_kafka_resp_err_t code =
      rd_kafka_mock_partition_set_leader(dm_embedded_cluster(broker), topic, partition, id);
  if (code)
    return luaL_error(L, "set_leader: %s [%d]: %s", topic, (int)partition, rd_kafka_err2str(code));
  return 0;
}

void dm_embedded_open (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "close", embedded_close },   { "fail", embedded_fail },
    { "set_leader", embedded_set_leader }, { "set_rtt", embedded_set_rtt },
    { "set_up", embedded_set_up }, { NULL, NULL },
  };
  static const luaL_Reg metamethods[] = {
    { "__gc", embedded_gc }, { "__close", embedded_close }, { "__tostring", embedded_tostring },
    { NULL, NULL },
  };
  dm_metatable_new(L, EMBEDDED_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_pushcclosure(L, embedded_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
