/* SPDX-License-Identifier: MIT */
#include "http/status.h"

#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/clock.h"

#define PLAIN "text/plain; charset=utf-8"

/* What is answered whatever was set. */
typedef enum refusal { NOT_FOUND, WRONG_METHOD, NO_BODY, STALE, REFUSALS } refusal;

static const struct { unsigned code; const char *text; } refusals[REFUSALS] = {
  [NOT_FOUND] = { MHD_HTTP_NOT_FOUND, "there is nothing here\n" },
  [WRONG_METHOD] = { MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are answered\n" },
  [NO_BODY] = { MHD_HTTP_CONTENT_TOO_LARGE, "a request with a body is not taken\n" },
  [STALE] = { MHD_HTTP_SERVICE_UNAVAILABLE, "stuck: the program does not say how it is\n" },
};

typedef struct page {
  char *path;
  unsigned code;
  struct MHD_Response *response;
  int64_t valid_until;
} page;

struct dm_status {
  struct MHD_Daemon *daemon;
  pthread_mutex_t lock;      /* of the pages */
  page pages[DM_STATUS_PAGES];
  int count;
  struct MHD_Response *refusals[REFUSALS];
};

/* A response with a copy of the body; NULL: no memory. */
static struct MHD_Response *make_response (const char *type, const char *body, size_t length) {
  struct MHD_Response *response =
    MHD_create_response_from_buffer(length, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
  if (response == NULL) return NULL;
  if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
      MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES)
    return response;
  MHD_destroy_response(response);
  return NULL;
}

/* -- Requests, on the server's thread ---------------------------------------------------------- */

static enum MHD_Result refuse (const dm_status *status, struct MHD_Connection *connection,
                               refusal which) {
  return MHD_queue_response(connection, refusals[which].code, status->refusals[which]);
}

static page *find_page (dm_status *status, const char *path) {
  for (int i = 0; i < status->count; i++)
    if (strcmp(status->pages[i].path, path) == 0) return &status->pages[i];
  return NULL;
}

/* The response is shared: the connection keeps its own reference. */
static enum MHD_Result answer_page (dm_status *status, struct MHD_Connection *connection,
                                    const char *path) {
  enum MHD_Result result;
  const page *found;
  pthread_mutex_lock(&status->lock);
  found = find_page(status, path);
  if (found == NULL) result = refuse(status, connection, NOT_FOUND);
  else if (dm_clock_ms() > found->valid_until) result = refuse(status, connection, STALE);
  else result = MHD_queue_response(connection, found->code, found->response);
  pthread_mutex_unlock(&status->lock);
  return result;
}

static bool is_read (const char *method) {
  return strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

/* Called when the head of a request is there, for each piece of its body, and when all of it is: an
** answer before that would end the connection, perhaps before the client has read it. 'seen' begins
** as NULL and counts from 1 on what came of the body. */
static enum MHD_Result answer (void *arg, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *piece,
                               size_t *size, void **seen) {
  uintptr_t count = (uintptr_t)*seen;
  (void)version;
  (void)piece;
  *seen = (void *)(count == 0 ? 1 : count + *size);
  if (count == 0) return MHD_YES;
  if (*size > 0) {
    *size = 0;
    return count <= DM_STATUS_REQUEST_BYTES ? MHD_YES : MHD_NO;
  }
  if (!is_read(method)) return refuse(arg, connection, WRONG_METHOD);
  return count > 1 ? refuse(arg, connection, NO_BODY) : answer_page(arg, connection, url);
}

/* -- Life -------------------------------------------------------------------------------------- */

static bool make_refusals (dm_status *status) {
  for (int i = 0; i < REFUSALS; i++) {
    const char *text = refusals[i].text;
    status->refusals[i] = make_response(PLAIN, text, strlen(text));
    if (status->refusals[i] == NULL) return false;
  }
  return MHD_add_response_header(status->refusals[WRONG_METHOD], MHD_HTTP_HEADER_ALLOW,
                                 "GET, HEAD") == MHD_YES;
}

/* Starts the server's thread, to which no signal is delivered. The socket is the daemon's from now
** on, also when that fails. */
static bool start (dm_status *status, int fd) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  status->daemon = MHD_start_daemon(
    MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, status,
    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)DM_STATUS_CONNECTIONS,
    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)DM_STATUS_REQUEST_BYTES,
    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)DM_STATUS_IDLE_S, MHD_OPTION_END);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return status->daemon != NULL;
}

dm_status *dm_status_new (dm_http_address *address, char *reason, size_t size) {
  dm_status *status = calloc(1, sizeof *status);
  int fd;
  snprintf(reason, size, "not enough memory");
  if (status == NULL) return NULL;
  pthread_mutex_init(&status->lock, NULL);
  if (make_refusals(status)) {
    fd = dm_http_address_listen(address, reason, size);
    if (fd >= 0 && start(status, fd)) return status;
    if (fd >= 0) snprintf(reason, size, "the HTTP server could not be started");
  }
  dm_status_free(status);
  return NULL;
}

static void clear_page (page *entry) {
  free(entry->path);
  if (entry->response != NULL) MHD_destroy_response(entry->response);
}

void dm_status_free (dm_status *status) {
  if (status->daemon != NULL) MHD_stop_daemon(status->daemon);
  for (int i = 0; i < status->count; i++) clear_page(&status->pages[i]);
  for (int i = 0; i < REFUSALS; i++)
    if (status->refusals[i] != NULL) MHD_destroy_response(status->refusals[i]);
  pthread_mutex_destroy(&status->lock);
  free(status);
}

/* Puts the new page into the place of the old one, or behind the last. */
static bool put (dm_status *status, page *fresh) {
  page *place = find_page(status, fresh->path);
  page old;
  if (place == NULL) {
    if (status->count == DM_STATUS_PAGES) return false;
    status->pages[status->count++] = *fresh;
    return true;
  }
  old = *place;
  *place = *fresh;
  clear_page(&old);
  return true;
}

bool dm_status_set (dm_status *status, const dm_status_page *set) {
  bool done;
  page fresh = {
    .path = strdup(set->path),
    .code = (unsigned)set->code,
    .response = make_response(set->type, set->body, set->length),
    .valid_until = set->valid_ms < 0 ? INT64_MAX : dm_clock_ms() + set->valid_ms,
  };
  if (fresh.path == NULL || fresh.response == NULL) {
    clear_page(&fresh);
    return false;
  }
  pthread_mutex_lock(&status->lock);
  done = put(status, &fresh);
  pthread_mutex_unlock(&status->lock);
  if (!done) clear_page(&fresh);
  return done;
}
