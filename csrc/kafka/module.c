/* SPDX-License-Identifier: MIT */
#include "kafka/module.h"

#include <dlfcn.h>
#include <lauxlib.h>
#include <stdint.h>

#include "kafka/admin.h"
#include "kafka/clock.h"
#include "kafka/compat.h"
#include "kafka/conf.h"
#include "kafka/consumer.h"
#include "kafka/embedded.h"
#include "kafka/error.h"
#include "kafka/job.h"
#include "kafka/message.h"
#include "kafka/option.h"
#include "kafka/printer.h"
#include "kafka/producer.h"
#include "kafka/property.h"
#include "kafka/state.h"

static void push_features (lua_State *L) {
  static const struct { const char *name; int on; } features[] = {
    { "incremental_alter_configs", DM_HAS_INCREMENTAL_ALTER },
    { "describe_topics", DM_HAS_DESCRIBE_TOPICS },
    { "list_offsets", DM_HAS_LIST_OFFSETS },
  };
  lua_newtable(L);
  for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
    lua_pushboolean(L, features[i].on);
    lua_setfield(L, -2, features[i].name);
  }
}

/* RD_KAFKA_VERSION is 0xMMmmrrpp. */
static void push_built_version (lua_State *L) {
  lua_pushfstring(L, "%d.%d.%d", RD_KAFKA_VERSION >> 24, RD_KAFKA_VERSION >> 16 & 0xff,
                  RD_KAFKA_VERSION >> 8 & 0xff);
}

static int version (lua_State *L) {
  lua_createtable(L, 0, 5);
  lua_pushliteral(L, DOCMSG_VERSION);
  lua_setfield(L, -2, "module");
  lua_pushliteral(L, LUA_VERSION);
  lua_setfield(L, -2, "lua");
  lua_pushstring(L, rd_kafka_version_str());
  lua_setfield(L, -2, "librdkafka");
  push_built_version(L);
  lua_setfield(L, -2, "librdkafka_built");
  push_features(L);
  lua_setfield(L, -2, "features");
  return 1;
}

static const luaL_Reg functions[] = {
  { "admin", dm_admin_lua },
  { "consumer", dm_consumer_lua },
  { "defaults", dm_conf_defaults_lua },
  { "duration", dm_duration_lua },
  { "embedded", dm_embedded_lua },
  { "live", dm_state_live },
  { "nearest", dm_nearest_lua },
  { "printer", dm_printer_lua },
  { "producer", dm_producer_lua },
  { "properties", dm_property_list_lua },
  { "sleep", dm_sleep_lua },
  { "version", version },
  { NULL, NULL },
};

/* An older librdkafka than the headers' lacks functions that would end the process when called. */
static void check_librdkafka (lua_State *L) {
  if (rd_kafka_version() >= (RD_KAFKA_VERSION & ~0xff)) return;
  push_built_version(L);
  luaL_error(L, "docmsg.kafka was built for librdkafka %s, but the system's loader found %s: see "
                "ldd, LD_LIBRARY_PATH, or build it again", lua_tostring(L, -1),
             rd_kafka_version_str());
}

/* After os.exit librdkafka's threads run on until the process has ended, and newer ones draw random
** numbers from OpenSSL: it must not clean up at exit. It is there when librdkafka was built with it;
** this must come before the first client. */
static void keep_openssl (void) {
  const uint64_t no_atexit = 0x00080000; /* OPENSSL_INIT_NO_ATEXIT */
  int (*init)(uint64_t, const void *);
  *(void **)&init = dlsym(RTLD_DEFAULT, "OPENSSL_init_crypto");
  if (init != NULL) init(no_atexit, NULL);
}

int luaopen_docmsg_kafka (lua_State *L) {
  luaL_checkversion(L);
  check_librdkafka(L);
  keep_openssl();
  dm_state_open(L);
  dm_job_open(L);
  dm_error_open(L);
  dm_message_open(L);
  dm_admin_open(L);
  dm_consumer_open(L);
  dm_embedded_open(L);
  dm_printer_open(L);
  dm_producer_open(L);
  luaL_newlib(L, functions);
  return 1;
}
