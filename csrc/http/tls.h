/* SPDX-License-Identifier: MIT */
/* tls.h -- the certificate of a server, and its key.
**
** Threads:   one at a time.
** Ownership: a dm_tls owns copies.
*/
#ifndef DM_HTTP_TLS_H
#define DM_HTTP_TLS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct dm_tls {
  char *cert, *key; /* as PEM; NULL: the server speaks plain HTTP */
} dm_tls;

/* Copies both, after looking whether they belong together; false: they do not, or TLS is not to be
** had, and the reason. */
bool dm_tls_set (dm_tls *tls, const char *cert, const char *key, char *reason, size_t size);

/* Options for MHD_OPTION_ARRAY: none without a certificate. */
void dm_tls_options (const dm_tls *tls, struct MHD_OptionItem options[4]);

void dm_tls_clear (dm_tls *tls);

#endif
