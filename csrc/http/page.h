/* SPDX-License-Identifier: MIT */
/* page.h -- answers that are set ahead of the requests for them: figures, health, and files.
**
** A page may be set for a time; later it counts as stale: whoever had to set it does not run any more.
**
** Threads:   any.
** Ownership: the pages own copies of their texts.
*/
#ifndef DM_HTTP_PAGE_H
#define DM_HTTP_PAGE_H

#include <pthread.h>
#include <stdint.h>

#include "http/refusal.h"

/* The most paths that can be set. */
#define DM_PAGES 64

typedef struct dm_page {
  char *path;
  unsigned code;
  struct MHD_Response *response;
  int64_t valid_until;
} dm_page;

typedef struct dm_pages {
  pthread_mutex_t lock;
  dm_page list[DM_PAGES];
  int count, max;
} dm_pages;

/* What is to be set: its texts are copied. */
typedef struct dm_page_set {
  const char *path;
  int code;
  const char *type;   /* of the content */
  const char *body;
  size_t length;
  int valid_ms;       /* -1: for ever */
} dm_page_set;

void dm_pages_open (dm_pages *pages, int max);
void dm_pages_close (dm_pages *pages);

/* Sets the answer to a path. False: no memory, or too many paths. */
bool dm_pages_set (dm_pages *pages, const dm_page_set *set, const dm_header *headers);

/* Is there an answer to the path? */
bool dm_pages_has (dm_pages *pages, const char *path);

/* Answers a request for the path, which has one. DM_STALE: it is not valid any more. */
dm_refusal dm_pages_answer (dm_pages *pages, const char *path, struct MHD_Connection *connection,
                            unsigned *code, enum MHD_Result *result);

#endif
