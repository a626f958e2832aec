/* SPDX-License-Identifier: MIT */
/* fetch.h -- asks a server for a page, as the pages of status.h are served: one GET, one answer.
**
** Threads:   any; the call waits, at most for its time.
** Ownership: the caller frees the page's text.
*/
#ifndef DM_HTTP_FETCH_H
#define DM_HTTP_FETCH_H

#include "http/address.h"

/* The most bytes of an answer, its head included. */
#define DM_FETCH_BYTES (16 << 20)

typedef struct dm_http_page {
  int code;
  char *text;          /* the whole answer */
  const char *body;    /* in it */
  size_t length;       /* of the body */
} dm_http_page;

/* Asks for a path. False: the reason says why there is no answer, and nothing is to be freed. */
bool dm_http_fetch (const dm_http_address *address, const char *path, int timeout_ms,
                    dm_http_page *page, char *reason, size_t size);

#endif
