/* SPDX-License-Identifier: MIT */
#include "http/page.h"

#include <stdlib.h>
#include <string.h>

#include "kafka/clock.h"

void dm_pages_open (dm_pages *pages, int max) {
  *pages = (dm_pages){ .max = max };
  pthread_mutex_init(&pages->lock, NULL);
}

static void clear (dm_page *page) {
  free(page->path);
  if (page->response != NULL) MHD_destroy_response(page->response);
}

void dm_pages_close (dm_pages *pages) {
  for (int i = 0; i < pages->count; i++) clear(&pages->list[i]);
  pthread_mutex_destroy(&pages->lock);
}

/* The lock is held. */
static dm_page *find (dm_pages *pages, const char *path) {
  for (int i = 0; i < pages->count; i++)
    if (strcmp(pages->list[i].path, path) == 0) return &pages->list[i];
  return NULL;
}

/* Puts the new page into the place of the old one, or behind the last; the lock is held. */
static bool put (dm_pages *pages, dm_page *fresh) {
  dm_page *place = find(pages, fresh->path);
  dm_page old;
  if (place == NULL) {
    if (pages->count == pages->max) return false;
    pages->list[pages->count++] = *fresh;
    return true;
  }
  old = *place;
  *place = *fresh;
  clear(&old);
  return true;
}

bool dm_pages_set (dm_pages *pages, const dm_page_set *set, const dm_header *headers) {
  bool done = false;
  dm_page fresh = {
    .path = strdup(set->path),
    .code = (unsigned)set->code,
    .response = dm_response_new(set->type, set->body, set->length, headers),
    .valid_until = set->valid_ms < 0 ? INT64_MAX : dm_clock_ms() + set->valid_ms,
  };
  if (fresh.path != NULL && fresh.response != NULL) {
    pthread_mutex_lock(&pages->lock);
    done = put(pages, &fresh);
    pthread_mutex_unlock(&pages->lock);
  }
  if (!done) clear(&fresh);
  return done;
}

bool dm_pages_has (dm_pages *pages, const char *path) {
  bool found;
  pthread_mutex_lock(&pages->lock);
  found = find(pages, path) != NULL;
  pthread_mutex_unlock(&pages->lock);
  return found;
}

/* The response is shared: the connection keeps its own reference. */
dm_refusal dm_pages_answer (dm_pages *pages, const char *path, struct MHD_Connection *connection,
                            unsigned *code, enum MHD_Result *result) {
  dm_refusal refusal = DM_NOT_REFUSED;
  const dm_page *found;
  pthread_mutex_lock(&pages->lock);
  found = find(pages, path);
  if (found == NULL) refusal = DM_NOT_FOUND;
  else if (dm_clock_ms() > found->valid_until) refusal = DM_STALE;
  else {
    *code = found->code;
    *result = MHD_queue_response(connection, found->code, found->response);
  }
  pthread_mutex_unlock(&pages->lock);
  return refusal;
}
