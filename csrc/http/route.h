/* SPDX-License-Identifier: MIT */
/* route.h -- what a server takes: methods and paths, with what their requests may bring along.
**
** Threads:   added on the server's parent before it starts, then read by any.
** Ownership: the routes own copies.
*/
#ifndef DM_HTTP_ROUTE_H
#define DM_HTTP_ROUTE_H

#include "http/upload.h"

typedef struct dm_queue dm_queue;

typedef struct dm_route {
  char *method, *path;      /* "/path", or "/path/" and anything behind it */
  bool prefix;              /* the latter */
  bool open;                /* needs no token */
  bool stream;              /* the answer is the stream of events, and no handler runs */
  size_t body_max;          /* bytes that are kept for the handler */
  dm_upload_rules *upload;  /* or NULL */
  dm_queue *queue;          /* where its requests go */
  int number;               /* from 1 on, in the order in which they were added */
} dm_route;

typedef struct dm_routes {
  dm_route *list;
  int count;
} dm_routes;

/* Adds a copy of the route, whose upload rules become the routes'. False: no memory. */
bool dm_routes_add (dm_routes *routes, const dm_route *route);

/* The route of a request. NULL: the refusal says whether the path or the method is unknown. */
const dm_route *dm_routes_find (const dm_routes *routes, const char *method, const char *path,
                                dm_refusal *refusal);

/* Writes the methods that the path has, as Allow wants them. */
void dm_routes_allow (const dm_routes *routes, const char *path, char text[128]);

void dm_routes_close (dm_routes *routes);

void dm_upload_rules_free (dm_upload_rules *rules);

#endif
