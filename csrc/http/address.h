/* SPDX-License-Identifier: MIT */
/* address.h -- where a server listens: read from text, bound, and told again as text.
**
** Threads:   any.
** Ownership: an address owns nothing; the socket is the caller's.
** Order:     dm_http_address_read; dm_http_address_listen.
*/
#ifndef DM_HTTP_ADDRESS_H
#define DM_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* Room for an address as text. */
#define DM_HTTP_ADDRESS_ROOM 80

typedef struct dm_http_address {
  struct sockaddr_storage place;
  socklen_t size;
  bool loopback;   /* reached from this machine alone */
} dm_http_address;

/* Reads "host:port", "[IPv6]:port" or ":port", which is loopback; port 0 is any that is free. A
** host's name is looked up, which may take a while. False: the reason says what is wrong. */
bool dm_http_address_read (const char *text, dm_http_address *address, char *reason, size_t size);

/* A socket that listens there, or -1 and the reason. The address learns which port it has. */
int dm_http_address_listen (dm_http_address *address, char *reason, size_t size);

/* Writes it as "127.0.0.1:9464" or "[::1]:9464". */
void dm_http_address_write (const dm_http_address *address, char text[DM_HTTP_ADDRESS_ROOM]);

#endif
