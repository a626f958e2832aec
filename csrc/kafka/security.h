/* SPDX-License-Identifier: MIT */
/* security.h -- whom a client trusts and how it logs in: what its properties say, and what goes wrong.
**
** Threads: the thread that owns L.
** Order:   dm_security_settle after all properties are collected and before the conf is built.
*/
#ifndef DM_SECURITY_H
#define DM_SECURITY_H

#include <librdkafka/rdkafka.h>
#include <lua.h>
#include <stdbool.h>

#include "kafka/feed.h"

/* A server whose certificate is not verified is trusted only with the option insecure_tls, in the
** options at idx or in the state's defaults; then a warning goes to standard error. Without it,
** raises when the properties in the table on the top of the stack say so.  [-0, +0, e] */
void dm_security_settle (lua_State *L, int idx, const char *what);

/* Is insecure_tls the default of this state's clients?  [-0, +0, m] */
bool dm_security_insecure_default (lua_State *L);

/* Makes an error of rk's say what the trouble with TLS or the login is and what to do. Any thread. */
void dm_security_explain (const rd_kafka_t *rk, dm_note *note);

#endif
