/* SPDX-License-Identifier: MIT */
#include "http/server.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/deaf.h"
#include "kafka/clock.h"

/* So much of a refused body is read before the answer; what is longer gets the answer at once. */
#define SWALLOW_BYTES 65536

/* After such an answer the client has so long to read it and to stop. */
#define LINGER_MS 2000

/* With TLS an answer cannot be put between the pieces of a body: so much of one is read and forgotten
** before the answer, and what is longer is cut off. */
#define SWALLOW_TLS_BYTES 8388608

/* At the end, requests have so long to be answered, or refused. */
#define SETTLE_MS 1000

#define JSON "application/json"
#define STACK_BYTES 262144

/* -- The head of a request --------------------------------------------------------------------- */

typedef struct lengths {
  int lengths, encodings;
} lengths;

static enum MHD_Result count_lengths (void *arg, enum MHD_ValueKind kind, const char *name,
                                      const char *value) {
  lengths *found = arg;
  (void)kind;
  (void)value;
  if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) found->lengths++;
  if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) found->encodings++;
  return MHD_YES;
}

/* What two readers of the request could understand in two ways is not taken. */
static bool is_length_clear (struct MHD_Connection *connection) {
  lengths found = { 0, 0 };
  MHD_get_connection_values(connection, MHD_HEADER_KIND, count_lengths, &found);
  return found.lengths + found.encodings <= 1;
}

static uint64_t announced (struct MHD_Connection *connection) {
  const char *text =
    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static bool is_read (const char *method) {
  return strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

static uint64_t body_max (const dm_route *route) {
  return route->upload == NULL ? route->body_max : route->upload->max + DM_FORM_BYTES;
}

/* Finds out who is to answer; the refusal when nobody is. */
static dm_refusal look (dm_server *server, dm_exchange *ex) {
  dm_refusal refusal = dm_guard_check_site(&server->guard, ex->connection, is_read(ex->method));
  if (refusal != DM_NOT_REFUSED) return refusal;
  if (ex->keeping->spare && !dm_pages_has(&server->pages, ex->path)) return DM_CROWDED;
  if (!is_length_clear(ex->connection)) return DM_BAD_LENGTH;
  if (dm_pages_has(&server->pages, ex->path)) {
    if (!is_read(ex->method)) return DM_WRONG_METHOD;
    return announced(ex->connection) > 0 ? DM_TOO_LARGE : DM_NOT_REFUSED;
  }
  ex->route = dm_routes_find(&server->routes, ex->method, ex->path, &refusal);
  if (ex->route == NULL) return refusal;
  if (!ex->route->open && !dm_guard_knows(&server->guard, ex->connection)) return DM_UNAUTHORIZED;
  return announced(ex->connection) > body_max(ex->route) ? DM_TOO_LARGE : DM_NOT_REFUSED;
}

/* -- Answers ----------------------------------------------------------------------------------- */

/* Notes the code of an answer. */
static void count (dm_server *server, unsigned code) {
  atomic_fetch_add(&server->figures.requests, 1);
  atomic_fetch_add(&server->figures.classes[code / 100 % 6], 1);
}

static bool add_allow (const dm_server *server, const dm_exchange *ex,
                       struct MHD_Response *response) {
  char allowed[128];
  if (ex->refusal != DM_WRONG_METHOD) return true;
  dm_routes_allow(&server->routes, ex->path, allowed);
  return MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allowed) == MHD_YES;
}

/* 'last': nothing more is read from this client. */
static enum MHD_Result answer_refusal (dm_server *server, dm_exchange *ex, bool last) {
  char text[DM_REFUSAL_ROOM];
  size_t length = dm_refusal_write(ex->refusal, text);
  struct MHD_Response *response = dm_response_new(JSON, text, length, server->headers);
  enum MHD_Result result = MHD_NO;
  count(server, dm_refusal_code(ex->refusal));
  if (response == NULL) return MHD_NO;
  if (add_allow(server, ex, response) &&
      (!last || MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES))
    result = MHD_queue_response(ex->connection, dm_refusal_code(ex->refusal), response);
  MHD_destroy_response(response);
  return result;
}

/* Reads and forgets what comes, until the client has read the answer, or for a while: closing with
** bytes unread would take the answer back. */
static void linger (int fd) {
  dm_deadline deadline = dm_deadline_in(LINGER_MS);
  char room[16384];
  struct pollfd poller = { .fd = fd, .events = POLLIN };
  while (poll(&poller, 1, dm_deadline_left(deadline)) > 0)
    if (recv(fd, room, sizeof room, 0) <= 0) return;
}

/* Refuses in the middle of a body, of which libmicrohttpd would read all before it answers. */
static enum MHD_Result refuse_at_once (dm_server *server, dm_exchange *ex) {
  const union MHD_ConnectionInfo *info =
    MHD_get_connection_info(ex->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  char body[DM_REFUSAL_ROOM], head[256];
  size_t length = dm_refusal_write(ex->refusal, body);
  int size = snprintf(head, sizeof head,
    "HTTP/1.1 %u Refused\r\nContent-Type: " JSON "\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
    dm_refusal_code(ex->refusal), length);
  count(server, dm_refusal_code(ex->refusal));
  if (send(info->connect_fd, head, (size_t)size, MSG_NOSIGNAL | MSG_MORE) != size ||
      send(info->connect_fd, body, length, MSG_NOSIGNAL) != (ssize_t)length)
    return MHD_NO;
  shutdown(info->connect_fd, SHUT_WR);
  linger(info->connect_fd);
  return MHD_NO;
}

static enum MHD_Result answer_page (dm_server *server, dm_exchange *ex) {
  enum MHD_Result result = MHD_NO;
  unsigned code = 0;
  ex->refusal = dm_pages_answer(&server->pages, ex->path, ex->connection, &code, &result);
  if (ex->refusal != DM_NOT_REFUSED) return answer_refusal(server, ex, false);
  count(server, code);
  return result;
}

static enum MHD_Result answer_stream (dm_server *server, dm_exchange *ex) {
  enum MHD_Result result = MHD_NO;
  ex->refusal = dm_stream_answer(&server->streams, ex->connection, server->headers, &result);
  if (ex->refusal != DM_NOT_REFUSED) return answer_refusal(server, ex, false);
  count(server, 200);
  return result;
}

/* The time in which the handler thinks is not the client's: libmicrohttpd must not count it. */
static enum MHD_Result answer_handled (dm_server *server, dm_exchange *ex) {
  MHD_set_connection_option(ex->connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
  dm_exchange_give(ex);
  MHD_set_connection_option(ex->connection, MHD_CONNECTION_OPTION_TIMEOUT,
                            (unsigned)server->limits.idle_s);
  dm_exchange_end_upload(ex);
  if (ex->response == NULL) return answer_refusal(server, ex, false);
  count(server, ex->code);
  return MHD_queue_response(ex->connection, ex->code, ex->response);
}

/* What is refused leaves nothing behind, before its client knows. */
static enum MHD_Result refuse (dm_server *server, dm_exchange *ex, bool at_once) {
  dm_exchange_end_upload(ex);
  return at_once && server->tls.cert == NULL ? refuse_at_once(server, ex)
                                             : answer_refusal(server, ex, at_once);
}

/* -- Requests, each on its connection's thread ------------------------------------------------- */

static dm_connection *keeping_of (struct MHD_Connection *connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The head is there. Only now may an answer be queued before the body has come. */
static enum MHD_Result begin (dm_server *server, dm_exchange *ex) {
  ex->keeping = keeping_of(ex->connection);
  ex->refusal = ex->keeping == NULL ? DM_CROWDED : look(server, ex); /* it lacks a descriptor */
  if (ex->refusal == DM_CROWDED) return refuse(server, ex, true); /* others wait for its place */
  if (ex->refusal == DM_NOT_REFUSED && ex->route != NULL && ex->route->upload != NULL) {
    ex->upload = dm_upload_new(ex->route->upload, ex->connection, announced(ex->connection));
    ex->refusal = ex->upload == NULL ? DM_FAILED : ex->upload->refusal;
  }
  if (ex->refusal == DM_NOT_REFUSED) return MHD_YES;
  if (ex->refusal == DM_BAD_LENGTH) return refuse(server, ex, true); /* where would the next begin? */
  if (MHD_lookup_connection_value(ex->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT) != NULL)
    return refuse(server, ex, false);
  return announced(ex->connection) > (server->tls.cert != NULL ? SWALLOW_TLS_BYTES : SWALLOW_BYTES)
           ? refuse(server, ex, true) : MHD_YES;
}

static enum MHD_Result receive (dm_server *server, dm_exchange *ex, const char *piece,
                                size_t *size) {
  if (ex->route == NULL && ex->refusal == DM_NOT_REFUSED) ex->refusal = DM_TOO_LARGE; /* a page */
  dm_exchange_receive(ex, piece, *size);
  atomic_fetch_add(&server->figures.received, *size);
  *size = 0;
  if (ex->refusal == DM_NOT_REFUSED) return MHD_YES;
  if (server->tls.cert != NULL) return ex->received > SWALLOW_TLS_BYTES ? MHD_NO : MHD_YES;
  return announced(ex->connection) > SWALLOW_BYTES || ex->received > SWALLOW_BYTES
           ? refuse(server, ex, true) : MHD_YES;
}

/* All of it is there. What follows the answer is the client's time again: to read it. */
static enum MHD_Result finish (dm_server *server, dm_exchange *ex) {
  enum MHD_Result result;
  dm_keeper_busy(ex->keeping);
  if (ex->refusal == DM_NOT_REFUSED && ex->upload != NULL)
    ex->refusal = dm_upload_finish(ex->upload);
  if (ex->refusal != DM_NOT_REFUSED) result = refuse(server, ex, false);
  else if (ex->route == NULL) result = answer_page(server, ex);
  else if (ex->route->stream) return answer_stream(server, ex);
  else result = answer_handled(server, ex);
  dm_keeper_idle(ex->keeping);
  return result;
}

static void note_active (dm_server *server, int change) {
  pthread_mutex_lock(&server->lock);
  server->active += change;
  if (server->active == 0) pthread_cond_signal(&server->settled);
  pthread_mutex_unlock(&server->lock);
}

/* Called when the head of a request is there, for each piece of its body, and when all of it is. */
static enum MHD_Result on_request (void *arg, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *piece,
                                   size_t *size, void **seen) {
  dm_server *server = arg;
  dm_exchange *ex = *seen;
  (void)version;
  if (ex != NULL) return *size > 0 ? receive(server, ex, piece, size) : finish(server, ex);
  *seen = ex = dm_exchange_new(connection, method, url);
  if (ex == NULL) return MHD_NO;
  note_active(server, 1);
  return begin(server, ex);
}

static void on_completed (void *arg, struct MHD_Connection *connection, void **seen,
                          enum MHD_RequestTerminationCode code) {
  dm_server *server = arg;
  dm_exchange *ex = *seen;
  (void)connection;
  if (ex == NULL) return;
  if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK) atomic_fetch_add(&server->figures.cut_off, 1);
  if (ex->keeping != NULL) dm_keeper_idle(ex->keeping);
  dm_exchange_free(ex);
  *seen = NULL;
  note_active(server, -1);
}

static void on_connection (void *arg, struct MHD_Connection *connection, void **context,
                           enum MHD_ConnectionNotificationCode code) {
  dm_server *server = arg;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    int others = atomic_fetch_add(&server->figures.connections, 1);
    *context = dm_keeper_add(&server->keeper, fd, others >= server->limits.connections);
    return;
  }
  atomic_fetch_sub(&server->figures.connections, 1);
  if (*context != NULL) dm_keeper_remove(&server->keeper, *context);
  *context = NULL;
}

/* -- Life -------------------------------------------------------------------------------------- */

static void open_lock (dm_server *server) {
  pthread_condattr_t attributes;
  pthread_mutex_init(&server->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&server->settled, &attributes);
  pthread_condattr_destroy(&attributes);
}

dm_server *dm_server_new (dm_http_address *address, dm_server_limits limits, char *reason,
                          size_t size) {
  dm_server *server = calloc(1, sizeof *server);
  snprintf(reason, size, "not enough memory");
  if (server == NULL) return NULL;
  server->listener = -1;
  server->limits = limits;
  open_lock(server);
  dm_pages_open(&server->pages, limits.pages);
  dm_streams_open(&server->streams);
  dm_keeper_open(&server->keeper, limits.grace_ms);
  dm_guard_open(&server->guard);
  if (dm_queue_open(&server->queue)) {
    server->listener = dm_http_address_listen(address, reason, size);
    if (server->listener >= 0) return server;
  }
  dm_server_free(server);
  return NULL;
}

static void start_daemon (dm_server *server) {
  unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC;
  struct MHD_OptionItem tls[4];
  dm_tls_options(&server->tls, tls);
  if (server->tls.cert != NULL) flags |= MHD_USE_TLS;
  server->daemon = MHD_start_daemon(
    flags, 0, NULL, NULL,
    on_request, server, MHD_OPTION_LISTEN_SOCKET, server->listener,
    MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
    MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
    MHD_OPTION_CONNECTION_LIMIT, (unsigned)(server->limits.connections + DM_SERVER_SPARE),
    MHD_OPTION_CONNECTION_MEMORY_LIMIT, server->limits.head_bytes,
    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)server->limits.idle_s,
    MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES,
    MHD_OPTION_ARRAY, tls,
    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
  server->listener = -1; /* the daemon's, also when that failed */
}

bool dm_server_start (dm_server *server) {
  sigset_t before = dm_deaf_begin();
  bool started = true;
  for (int i = 0; i < server->lane_count && started; i++)
    started = dm_http_lane_start(server->lanes[i]);
  if (started && dm_keeper_start(&server->keeper)) start_daemon(server);
  dm_deaf_end(&before);
  return server->daemon != NULL;
}

int dm_server_busy (dm_server *server) {
  int active, streams = dm_streams_tell(&server->streams, "", 0);
  pthread_mutex_lock(&server->lock);
  active = server->active;
  pthread_mutex_unlock(&server->lock);
  return active > streams ? active - streams : 0;
}

void dm_server_quiesce (dm_server *server) {
  MHD_socket listener = MHD_INVALID_SOCKET;
  if (server->daemon != NULL) listener = MHD_quiesce_daemon(server->daemon);
  if (listener != MHD_INVALID_SOCKET) close(listener);
}

static void free_headers (dm_header *headers) {
  for (dm_header *it = headers; it != NULL && it->name != NULL; it++) {
    free((char *)it->name);
    free((char *)it->value);
  }
  free(headers);
}

static void await_settled (dm_server *server) {
  struct timespec until = dm_clock_in(SETTLE_MS);
  pthread_mutex_lock(&server->lock);
  while (server->active > 0)
    if (pthread_cond_timedwait(&server->settled, &server->lock, &until) != 0) break;
  pthread_mutex_unlock(&server->lock);
}

/* Order matters: 1. nobody waits for a handler or an event any more, 2. so the threads can answer
** and end, 3. and nobody uses the tables. */
void dm_server_free (dm_server *server) {
  dm_server_quiesce(server);
  dm_queue_end(&server->queue);
  for (int i = 0; i < server->lane_count; i++) dm_http_lane_stop(server->lanes[i]);
  dm_streams_end(&server->streams);
  if (server->daemon != NULL) {
    await_settled(server);
    MHD_stop_daemon(server->daemon);
  }
  if (server->listener >= 0) close(server->listener);
  for (int i = 0; i < server->lane_count; i++) dm_http_lane_free(server->lanes[i]);
  dm_keeper_close(&server->keeper);
  dm_streams_close(&server->streams);
  dm_queue_close(&server->queue);
  dm_pages_close(&server->pages);
  dm_routes_close(&server->routes);
  dm_guard_close(&server->guard);
  dm_tls_clear(&server->tls);
  free_headers(server->headers);
  pthread_cond_destroy(&server->settled);
  pthread_mutex_destroy(&server->lock);
  free(server);
}
