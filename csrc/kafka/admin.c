/* SPDX-License-Identifier: MIT */
#include "kafka/admin.h"

#include <lauxlib.h>

#include "kafka/admin_methods.h"
#include "kafka/admin_request.h"
#include "kafka/error.h"

static const dm_option options[] = {
  DM_CLIENT_OPTIONS,
  { NULL, DM_OPTION_ANY, 0, 0 },
};

static const dm_preset presets[] = {
  { NULL, NULL },
};

static void abandon (dm_client *client) {
  dm_request_release_all((dm_admin *)client);
}

const dm_client_kind dm_admin_kind = {
  .type = "docmsg.Admin",
  .what = "kafka.admin",
  .scope = DM_SCOPE_ADMIN,
  .options = options,
  .presets = presets,
  .abandon = abandon,
};

int dm_admin_lua (lua_State *L) {
  dm_client *client;
  lua_settop(L, 1);
  dm_option_default(L, 1);
  dm_option_check(L, 1, dm_admin_kind.what, options);
  dm_conf_collect(L, 1, dm_admin_kind.what, dm_admin_kind.scope, presets);
  client = dm_client_new(L, &dm_admin_kind, sizeof(dm_admin));
  lua_getfield(L, 2, "bootstrap.servers");
  lua_setiuservalue(L, 3, DM_ADMIN_SERVERS);
  return dm_client_open(L, client, 1, 2, NULL, NULL) ? 1 : 2;
}

static int admin_close (lua_State *L) {
  dm_client *client = luaL_checkudata(L, 1, dm_admin_kind.type);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 2, "10s"));
  if (client->rk != NULL) {
    dm_client_check(L, 1, &dm_admin_kind, false);
    if (!dm_client_bury(L, client, deadline))
      return dm_error_return(L, RD_KAFKA_RESP_ERR__TIMED_OUT,
                             "close: the client goes on ending in the background");
  }
  lua_pushboolean(L, 1);
  return 1;
}

static int admin_fd (lua_State *L) {
  dm_client *client = dm_client_check(L, 1, &dm_admin_kind, true);
  return dm_client_push_fd(L, client, rd_kafka_queue_get_main(client->rk));
}

static const luaL_Reg methods[] = {
  { "alter_configs", dm_admin_alter_configs },
  { "alter_group_offsets", dm_admin_alter_group_offsets },
  { "close", admin_close },
  { "cluster", dm_admin_cluster },
  { "create_partitions", dm_admin_create_partitions },
  { "create_topics", dm_admin_create_topics },
  { "delete_groups", dm_admin_delete_groups },
  { "delete_records", dm_admin_delete_records },
  { "delete_topics", dm_admin_delete_topics },
  { "describe_configs", dm_admin_describe_configs },
  { "describe_groups", dm_admin_describe_groups },
  { "describe_topics", dm_admin_describe_topics },
  { "fd", admin_fd },
  { "group_offsets", dm_admin_group_offsets },
  { "list_groups", dm_admin_list_groups },
  { "list_offsets", dm_admin_list_offsets },
  { NULL, NULL },
};

void dm_admin_open (lua_State *L) {
  dm_client_register(L, &dm_admin_kind, methods);
}
