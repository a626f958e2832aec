/* SPDX-License-Identifier: MIT */
/* server.h -- an HTTP server: pages that are set ahead (page.h), routes whose requests others handle
** (route.h, exchange.h), and a stream of events (stream.h).
**
** Each connection has a thread, which reads, writes to disk, syncs, and waits for the handler: so a
** slow disk, a slow client or a slow handler holds up nobody else. None of these threads runs Lua.
**
** Threads:   new, add, start, stop and free on the parent's; set and tell on any.
** Ownership: a server owns its socket, its threads and its tables.
** Order:     dm_server_new; guard, TLS, headers, routes; dm_server_start; dm_server_quiesce, when it shall
**            take no more connections; dm_server_free.
*/
#ifndef DM_HTTP_SERVER_H
#define DM_HTTP_SERVER_H

#include <stdatomic.h>

#include "http/address.h"
#include "http/exchange.h"
#include "http/guard.h"
#include "http/lane.h"
#include "http/page.h"
#include "http/stream.h"
#include "http/tls.h"

/* Connections beside those of 'limits': what is set ahead, as health is, has its answer there, and
** the rest is told that there are too many. What comes then is closed at once. */
#define DM_SERVER_SPARE 32

/* Descriptors of a connection in an upload: its socket, the keeper's, a folder and a file; and of one
** that is spare. */
#define DM_SERVER_FDS 4
#define DM_SERVER_SPARE_FDS 2

/* Workers' threads that run handlers. */
#define DM_SERVER_LANES 16

typedef struct dm_server_limits {
  int connections;     /* at a time, beside those that are spare */
  int pages;
  int idle_s;          /* in which nothing comes */
  size_t head_bytes;   /* of a request, with what libmicrohttpd needs besides */
  int64_t grace_ms;    /* for a request, see keeper.h */
} dm_server_limits;

/* How requests ended, by the class of their answer: 1xx to 5xx. */
typedef struct dm_server_figures {
  _Atomic uint64_t requests, classes[6], received, cut_off;
  atomic_int connections;
} dm_server_figures;

typedef struct dm_server {
  struct MHD_Daemon *daemon;
  int listener;               /* -1: it is the daemon's */
  dm_server_limits limits;
  dm_header *headers;         /* of every answer; NULL: none. Copies. */
  dm_guard guard;
  dm_tls tls;
  dm_pages pages;
  dm_routes routes;
  dm_queue queue;             /* of the handlers on the parent's thread */
  dm_http_lane *lanes[DM_SERVER_LANES];  /* of those on workers' threads */
  int lane_count;
  dm_streams streams;
  dm_keeper keeper;
  dm_server_figures figures;
  pthread_mutex_t lock;
  pthread_cond_t settled;     /* no request is being read or answered any more */
  int active;                 /* requests that are */
} dm_server;

/* A server that listens there, and answers nobody before it is started; NULL and the reason. The
** address learns its port. */
dm_server *dm_server_new (dm_http_address *address, dm_server_limits limits, char *reason,
                          size_t size);

/* Starts its threads. */
bool dm_server_start (dm_server *server);

/* How many requests are being read or answered, beside streams. */
int dm_server_busy (dm_server *server);

/* Takes no more connections. */
void dm_server_quiesce (dm_server *server);

/* Ends streams, refuses what is not answered, lets these answers be read, and ends connections and
** threads. */
void dm_server_free (dm_server *server);

#endif
