/* SPDX-License-Identifier: MIT */
#include "http/fetch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kafka/clock.h"

#define FIRST_ROOM 65536

/* One exchange: the socket, its end, and what came. */
typedef struct exchange {
  int fd;
  dm_deadline deadline;
  char *text;
  size_t length, room;
} exchange;

/* Waits for the socket; 0, or the reason as errno. */
static int await (const exchange *ex, short events) {
  struct pollfd poller = { .fd = ex->fd, .events = events };
  for (;;) {
    int left = dm_deadline_left(ex->deadline), ready = poll(&poller, 1, left);
    if (ready > 0) return 0;
    if (ready == 0) return ETIMEDOUT;
    if (errno != EINTR) return errno;
  }
}

static int open_socket (exchange *ex, const dm_http_address *address) {
  int error = 0, waited;
  socklen_t size = sizeof error;
  ex->fd = socket(address->place.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (ex->fd < 0) return errno;
  if (connect(ex->fd, (const struct sockaddr *)&address->place, address->size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  waited = await(ex, POLLOUT);
  if (waited) return waited;
  return getsockopt(ex->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

static int send_all (const exchange *ex, const char *text, size_t length) {
  while (length > 0) {
    ssize_t sent = send(ex->fd, text, length, MSG_NOSIGNAL);
    if (sent >= 0) {
      text += sent;
      length -= (size_t)sent;
    }
    else if (errno == EAGAIN) {
      int waited = await(ex, POLLOUT);
      if (waited) return waited;
    }
    else if (errno != EINTR) return errno;
  }
  return 0;
}

/* Room for more, and for a NUL behind it. */
static int grow (exchange *ex) {
  size_t room = ex->room == 0 ? FIRST_ROOM : ex->room * 2;
  char *text;
  if (ex->room >= DM_FETCH_BYTES) return EMSGSIZE;
  text = realloc(ex->text, room + 1);
  if (text == NULL) return ENOMEM;
  ex->text = text;
  ex->room = room;
  return 0;
}

/* Receives until the other side has closed. */
static int receive_all (exchange *ex) {
  for (;;) {
    int failed = ex->length == ex->room ? grow(ex) : 0;
    ssize_t got;
    if (failed) return failed;
    got = recv(ex->fd, ex->text + ex->length, ex->room - ex->length, 0);
    if (got == 0) return 0;
    if (got > 0) ex->length += (size_t)got;
    else if (errno == EAGAIN) {
      failed = await(ex, POLLIN);
      if (failed) return failed;
    }
    else if (errno != EINTR) return errno;
  }
}

/* An answer begins with "HTTP/1.1 200 ", and has a body behind an empty line. */
static bool read_page (exchange *ex, dm_http_page *page) {
  const char *end;
  int minor;
  ex->text[ex->length] = '\0';
  end = strstr(ex->text, "\r\n\r\n");
  if (end == NULL || sscanf(ex->text, "HTTP/1.%1d %3d", &minor, &page->code) != 2) return false;
  page->text = ex->text;
  page->body = end + 4;
  page->length = ex->length - (size_t)(page->body - ex->text);
  return true;
}

static int run (exchange *ex, const dm_http_address *address, const char *request) {
  int failed = open_socket(ex, address);
  if (!failed) failed = send_all(ex, request, strlen(request));
  return failed ? failed : receive_all(ex);
}

bool dm_http_fetch (const dm_http_address *address, const char *path, int timeout_ms,
                    dm_http_page *page, char *reason, size_t size) {
  exchange ex = { .fd = -1, .deadline = dm_deadline_in(timeout_ms) };
  char request[1024];
  int failed = EINVAL;
  if (snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", path) < (int)sizeof request)
    failed = run(&ex, address, request);
  if (ex.fd >= 0) close(ex.fd);
  if (!failed && read_page(&ex, page)) return true;
  snprintf(reason, size, "%s", failed ? strerror(failed) : "what answers there speaks no HTTP");
  free(ex.text);
  return false;
}
