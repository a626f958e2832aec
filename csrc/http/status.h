/* SPDX-License-Identifier: MIT */
/* status.h -- a small server whose answers are texts, set ahead of the requests for them: figures
** and health. It answers GET and HEAD of exactly those paths and takes no bodies.
**
** A text may be set for a time; later it counts as stale, and the answer is 503: whoever had to set
** it does not run any more.
**
** Threads:   any; requests are served by a thread of its own, which runs no Lua.
** Ownership: a server owns its socket, its thread and copies of the texts.
** Order:     dm_status_new; dm_status_set any number of times; dm_status_free.
*/
#ifndef DM_HTTP_STATUS_H
#define DM_HTTP_STATUS_H

#include "http/address.h"

/* Connections at a time, the most bytes of a request's head, and of its body, which is thrown away,
** and how long a connection may be idle. */
#define DM_STATUS_CONNECTIONS 64
#define DM_STATUS_REQUEST_BYTES 16384
#define DM_STATUS_IDLE_S 10

/* Paths that can be set. */
#define DM_STATUS_PAGES 16

typedef struct dm_status dm_status;

typedef struct dm_status_page {
  const char *path;   /* copied */
  int code;
  const char *type;   /* of the content */
  const char *body;   /* copied */
  size_t length;
  int valid_ms;       /* -1: for ever */
} dm_status_page;

/* A server that listens there; NULL and the reason when it cannot. The address learns its port. */
dm_status *dm_status_new (dm_http_address *address, char *reason, size_t size);

/* Sets the answer to a path. False: no memory, or too many paths. */
bool dm_status_set (dm_status *status, const dm_status_page *page);

/* Ends open connections and the thread. */
void dm_status_free (dm_status *status);

#endif
