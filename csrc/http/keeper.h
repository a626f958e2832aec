/* SPDX-License-Identifier: MIT */
/* keeper.h -- the open connections of a server, and a thread that ends those which take too long.
**
** A request, from its first byte to its last, has a grace and, beside it, a second for so many bytes:
** whoever is slower than that is cut off. (That nothing comes at all is libmicrohttpd's to notice.)
** Time in which the server thinks does not count. A spare connection has a short grace.
**
** Threads:   dm_keeper_add, _busy, _idle, _received and _remove on the connection's, the rest on the
**            server's parent.
** Ownership: a connection is the keeper's until it is removed; it has a descriptor of its own for the
**            socket, whose number can so not belong to another one meanwhile.
*/
#ifndef DM_HTTP_KEEPER_H
#define DM_HTTP_KEEPER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The grace of a spare connection: whoever has one waits for others to go. */
#define DM_KEEPER_SPARE_MS 1000

/* Bytes that are worth a second. */
#define DM_KEEPER_BYTES_PER_S 65536

typedef struct dm_connection {
  struct dm_connection *next, **link;
  int fd;
  bool spare;
  _Atomic int64_t began_ms;       /* of the request, or the wait for it; 0: the server thinks */
  _Atomic uint64_t received;      /* bytes of its body */
} dm_connection;

typedef struct dm_keeper {
  pthread_mutex_t lock;
  pthread_cond_t ending;
  pthread_t thread;
  dm_connection *first;
  int64_t grace_ms;
  bool running, stopped;
} dm_keeper;

void dm_keeper_open (dm_keeper *keeper, int64_t grace_ms);

/* Starts the thread; false: there is none to be had. */
bool dm_keeper_start (dm_keeper *keeper);

/* Ends the thread. */
void dm_keeper_close (dm_keeper *keeper);

/* A connection began on the socket; NULL: no memory, or no descriptor. */
dm_connection *dm_keeper_add (dm_keeper *keeper, int fd, bool spare);
void dm_keeper_remove (dm_keeper *keeper, dm_connection *connection);

/* Some of the request's body has come. */
void dm_keeper_received (dm_connection *connection, size_t bytes);

/* The server has all of the request; later: it has answered, and awaits another one. */
void dm_keeper_busy (dm_connection *connection);
void dm_keeper_idle (dm_connection *connection);

#endif
