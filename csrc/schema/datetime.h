/* SPDX-License-Identifier: MIT */
/* datetime.h -- points in time as text. Threads: any. */
#ifndef DM_DATETIME_H
#define DM_DATETIME_H

#include <stdbool.h>
#include <stddef.h>

/* Is the text a point in time as RFC 3339 writes it, in UTC: "2026-01-31T12:00:00.5Z", or with
** +00:00 at its end? */
bool dm_datetime_valid (const char *text, size_t size);

#endif
