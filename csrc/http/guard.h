/* SPDX-License-Identifier: MIT */
/* guard.h -- who may ask: checks the Host, the Origin and the token of a request.
**
** A page of another site can let a browser send requests here, also under a name of its own that leads
** to this machine. So a Host must be an address, "localhost" or a name that is known, whatever its
** port, and an Origin must be the Host. The token comes as "Authorization: Bearer TOKEN", or as the
** cookie of a login, which is a secret of this process.
**
** Threads:   dm_guard_open and _close on the server's parent, the rest on any.
** Ownership: the guard owns copies.
*/
#ifndef DM_HTTP_GUARD_H
#define DM_HTTP_GUARD_H

#include "http/refusal.h"

#define DM_GUARD_COOKIE "docmsg_session"

/* Hexadecimal digits of the cookie's value. */
#define DM_GUARD_DIGITS 64

typedef struct dm_guard {
  bool checks_host;
  char **hosts;                        /* names beside addresses and localhost; NULL ends them */
  char *token;                         /* NULL: none is needed */
  char session[DM_GUARD_DIGITS + 1];
} dm_guard;

/* Makes the secret of the sessions; false: there is no randomness to be had. */
bool dm_guard_open (dm_guard *guard);
void dm_guard_close (dm_guard *guard);

/* Does it fit the token, in a time that tells nothing? */
bool dm_guard_is_token (const dm_guard *guard, const char *text);

/* Host and Origin. */
dm_refusal dm_guard_check_site (const dm_guard *guard, struct MHD_Connection *connection);

/* Token or cookie. */
bool dm_guard_knows (const dm_guard *guard, struct MHD_Connection *connection);

#endif
