/* SPDX-License-Identifier: MIT */
/* guard.h -- who may ask: checks the Host, the Origin and the token of a request.
**
** A page of another site can let a browser send requests here, also under a name of its own that leads
** to this machine. So a Host must be an address, "localhost" or a name that is known, whatever its
** port, an Origin must be the Host, and a browser that tells from where it asks must ask from a page of
** ours, or follow a link. The token comes as "Authorization: Bearer TOKEN", or as the
** cookie of a login: a session of chance, which is known here until it ends, and to no later process.
**
** Threads:   dm_guard_open and _close on the server's parent, the rest on any.
** Ownership: the guard owns copies.
*/
#ifndef DM_HTTP_GUARD_H
#define DM_HTTP_GUARD_H

#include <pthread.h>
#include <stdint.h>

#include "http/refusal.h"

#define DM_GUARD_COOKIE "docmsg_session"

/* Hexadecimal digits of the cookie's value. */
#define DM_GUARD_DIGITS 64

/* Sessions at a time; another login ends the oldest. */
#define DM_GUARD_SESSIONS 128

typedef struct dm_session {
  unsigned char hash[32];              /* of the cookie's value */
  int64_t until_ms;                    /* 0: none */
} dm_session;

typedef struct dm_guard {
  bool checks_host;
  char **hosts;                        /* names beside addresses and localhost; NULL ends them */
  char *token;                         /* NULL: none is needed */
  int64_t session_ms;                  /* how long a session lasts */
  pthread_mutex_t lock;                /* of the sessions */
  dm_session sessions[DM_GUARD_SESSIONS];
} dm_guard;

void dm_guard_open (dm_guard *guard);
void dm_guard_close (dm_guard *guard);

/* Does it fit the token, in a time that tells nothing? */
bool dm_guard_is_token (const dm_guard *guard, const char *text);

/* Begins a session, and writes the cookie's value; false: there is no randomness to be had. */
bool dm_guard_login (dm_guard *guard, char value[DM_GUARD_DIGITS + 1]);

/* Ends the session that the request has, if any. */
void dm_guard_logout (dm_guard *guard, struct MHD_Connection *connection);

/* Host, Origin and Sec-Fetch-Site of a request, which reads or changes something. */
dm_refusal dm_guard_check_site (const dm_guard *guard, struct MHD_Connection *connection,
                                bool reads);

/* Token or cookie. */
bool dm_guard_knows (dm_guard *guard, struct MHD_Connection *connection);

#endif
