/* SPDX-License-Identifier: MIT */
#include "kafka/admin.h"

#include <lauxlib.h>

#include "kafka/client.h"
#include "kafka/error.h"

static const dm_option options[] = {
  DM_CLIENT_OPTIONS,
  { NULL, DM_OPTION_ANY, 0, 0 },
};

static const dm_preset presets[] = {
  { NULL, NULL },
};

static const dm_client_kind kind = {
  .type = "docmsg.Admin",
  .what = "kafka.admin",
  .scope = DM_SCOPE_ADMIN,
  .options = options,
  .presets = presets,
};

int dm_admin_lua (lua_State *L) {
  dm_client *client;
  lua_settop(L, 1);
  dm_option_default(L, 1);
  dm_option_check(L, 1, kind.what, options);
  dm_conf_collect(L, 1, kind.what, kind.scope, presets);
  client = dm_client_new(L, &kind, sizeof *client);
  return dm_client_open(L, client, 1, 2, NULL, NULL) ? 1 : 2;
}

static int admin_close (lua_State *L) {
  dm_client *client = luaL_checkudata(L, 1, kind.type);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 2, "10s"));
  if (client->rk != NULL && !dm_client_bury(L, client, deadline))
    return dm_error_return(L, RD_KAFKA_RESP_ERR__TIMED_OUT,
                           "close: the client goes on ending in the background");
  lua_pushboolean(L, 1);
  return 1;
}

static int admin_fd (lua_State *L) {
  dm_client *client = dm_client_check(L, 1, &kind, true);
  return dm_client_push_fd(L, client, rd_kafka_queue_get_main(client->rk));
}

static const luaL_Reg methods[] = {
  { "close", admin_close },
  { "fd", admin_fd },
  { NULL, NULL },
};

void dm_admin_open (lua_State *L) {
  dm_client_register(L, &kind, methods);
}
