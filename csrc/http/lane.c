/* SPDX-License-Identifier: MIT */
#include "http/lane.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "http/request_lua.h"

dm_http_lane *dm_http_lane_new (dm_server *server, dm_worker_state *state) {
  dm_http_lane *lane = calloc(1, sizeof *lane);
  if (lane == NULL) return NULL;
  if (!dm_queue_open(&lane->queue)) {
    dm_queue_close(&lane->queue);
    free(lane);
    return NULL;
  }
  lane->queue.max = DM_LANE_WAITING;
  lane->server = server;
  lane->state = state;
  return lane;
}

/* Runs protected: hands the next request to the function at 1; returns whether there was one. A
** request that the function has not answered is refused when its userdata is collected: at once. */
static int serve_next (lua_State *L) {
  dm_http_lane *lane = lua_touserdata(L, 2);
  bool taken;
  dm_asked *request = dm_asked_push(L, lane->server, &lane->queue);
  taken = dm_queue_await(&lane->queue, &request->ex);
  lua_pushboolean(L, taken);
  if (!taken) return 1;
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 3);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1); /* the function reports its own errors */
  dm_asked_drop(request);
  return 1;
}

static int open_requests (lua_State *L) {
  dm_asked_open(L);
  return 0;
}

static void *run (void *arg) {
  dm_http_lane *lane = arg;
  lua_State *L = lane->state->L;
  bool more = true;
  lua_pushcfunction(L, open_requests);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) return NULL;
  while (more) {
    lua_settop(L, 1);
    lua_pushcfunction(L, serve_next);
    lua_pushvalue(L, 1);
    lua_pushlightuserdata(L, lane);
    more = lua_pcall(L, 2, 1, 0) != LUA_OK || lua_toboolean(L, -1);
  }
  return NULL;
}

bool dm_http_lane_start (dm_http_lane *lane) {
  lane->running = pthread_create(&lane->thread, NULL, run, lane) == 0;
  return lane->running;
}

void dm_http_lane_stop (dm_http_lane *lane) {
  dm_queue_shut(&lane->queue);
  if (lane->running) pthread_join(lane->thread, NULL);
  lane->running = false;
  dm_queue_end(&lane->queue);
}

void dm_http_lane_free (dm_http_lane *lane) {
  dm_worker_state_free(lane->state);
  dm_queue_close(&lane->queue);
  free(lane);
}
