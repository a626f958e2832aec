/* SPDX-License-Identifier: MIT */
/* lane.h -- a thread with a Lua state of its own, for handlers that wait: for a broker's word, say.
**
** The state was booted by its parent, see worker/state.h: what is on its stack is the function that
** handles a request.
**
** Threads:   the parent's; in between the state is the lane's thread's.
** Ownership: a lane owns its state.
** Order:     new; start; stop, which waits for the handler that runs; free.
*/
#ifndef DM_HTTP_LANE_H
#define DM_HTTP_LANE_H

#include "http/exchange.h"
#include "worker/state.h"

/* Requests that wait for a lane; more are refused, so that a slow handler leaves connections to others. */
#define DM_LANE_WAITING 32

typedef struct dm_server dm_server;

typedef struct dm_http_lane {
  dm_queue queue;
  dm_server *server;
  dm_worker_state *state;
  pthread_t thread;
  bool running;
} dm_http_lane;

/* A lane for the server, which takes the state; NULL: no memory, and the state is the caller's. */
dm_http_lane *dm_http_lane_new (dm_server *server, dm_worker_state *state);

bool dm_http_lane_start (dm_http_lane *lane);

/* Ends the thread, and refuses what it has not taken. */
void dm_http_lane_stop (dm_http_lane *lane);
void dm_http_lane_free (dm_http_lane *lane);

#endif
