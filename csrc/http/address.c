/* SPDX-License-Identifier: MIT */
#include "http/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 512

static bool fail (char *reason, size_t size, const char *text, const char *why) {
  snprintf(reason, size, "%s: %s", text, why);
  return false;
}

/* Splits "host:port" into the room; false when it is neither that nor ":port". */
static bool split (const char *text, char host[256], const char **port) {
  const char *colon = strrchr(text, ':'), *end = colon;
  if (colon == NULL || strlen(colon + 1) == 0 || strlen(colon + 1) > 5) return false;
  if (strspn(colon + 1, "0123456789") != strlen(colon + 1) || atol(colon + 1) > 65535) return false;
  if (text[0] == '[') {
    if (colon == text || colon[-1] != ']') return false;
    text++, end--;
  }
  else if (memchr(text, ':', (size_t)(colon - text)) != NULL) return false; /* IPv6 wants brackets */
  if (end - text >= 256) return false;
  memcpy(host, text, (size_t)(end - text));
  host[end - text] = '\0';
  *port = colon + 1;
  return true;
}

static bool is_loopback (const struct sockaddr_storage *place) {
  if (place->ss_family == AF_INET)
    return ntohl(((const struct sockaddr_in *)place)->sin_addr.s_addr) >> 24 == 127;
  return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)place)->sin6_addr);
}

bool dm_http_address_read (const char *text, dm_http_address *address, char *reason, size_t size) {
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *found;
  char host[256];
  const char *port;
  int error;
  if (!split(text, host, &port))
    return fail(reason, size, text, "host:port or :port expected, such as :9464 or [::1]:9464");
  error = getaddrinfo(host[0] == '\0' ? "127.0.0.1" : host, port, &hints, &found);
  if (error) return fail(reason, size, text, gai_strerror(error));
  memset(&address->place, 0, sizeof address->place);
  memcpy(&address->place, found->ai_addr, found->ai_addrlen);
  address->size = found->ai_addrlen;
  freeaddrinfo(found);
  address->loopback = is_loopback(&address->place);
  return true;
}

int dm_http_address_listen (dm_http_address *address, char *reason, size_t size) {
  struct sockaddr *place = (struct sockaddr *)&address->place;
  char text[DM_HTTP_ADDRESS_ROOM];
  int fd = socket(place->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, error;
  if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      bind(fd, place, address->size) == 0 && listen(fd, BACKLOG) == 0 &&
      getsockname(fd, place, &address->size) == 0)
    return fd;
  error = errno;
  dm_http_address_write(address, text);
  fail(reason, size, text, strerror(error));
  if (fd >= 0) close(fd);
  return -1;
}

void dm_http_address_write (const dm_http_address *address, char text[DM_HTTP_ADDRESS_ROOM]) {
  char host[INET6_ADDRSTRLEN] = "?";
  if (address->place.ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->place;
    inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
    snprintf(text, DM_HTTP_ADDRESS_ROOM, "%s:%d", host, ntohs(v4->sin_port));
  }
  else {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->place;
    inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    snprintf(text, DM_HTTP_ADDRESS_ROOM, "[%s]:%d", host, ntohs(v6->sin6_port));
  }
}
