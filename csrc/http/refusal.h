/* SPDX-License-Identifier: MIT */
/* refusal.h -- the answers that a server gives by itself: a code, a word for programs and a sentence
** for people, as {"error": {"code": …, "reason": …, "message": …}}.
**
** Threads:   any.
** Ownership: what is made is the caller's.
*/
#ifndef DM_HTTP_REFUSAL_H
#define DM_HTTP_REFUSAL_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum dm_refusal {
  DM_NOT_REFUSED,
  DM_NOT_FOUND,
  DM_WRONG_METHOD,
  DM_UNEXPECTED_HOST,
  DM_FOREIGN_ORIGIN,
  DM_UNAUTHORIZED,
  DM_BAD_LENGTH,
  DM_TOO_LARGE,
  DM_BAD_FORM,
  DM_NO_FILE,
  DM_TWO_FILES,
  DM_EMPTY_FILE,
  DM_BAD_FILENAME,
  DM_UNSUPPORTED_TYPE,
  DM_DISK_FULL,
  DM_NOT_STORED,
  DM_STALE,
  DM_BUSY,
  DM_CROWDED,
  DM_STOPPING,
  DM_FAILED,
  DM_REFUSALS
} dm_refusal;

/* Room for a refusal as JSON. */
#define DM_REFUSAL_ROOM 512

unsigned dm_refusal_code (dm_refusal refusal);

/* Writes it as JSON; returns its length. */
size_t dm_refusal_write (dm_refusal refusal, char text[DM_REFUSAL_ROOM]);

/* A header that every answer of a server has. */
typedef struct dm_header {
  const char *name, *value; /* NULL: the end of a list */
} dm_header;

/* A response with a copy of the body, which nobody keeps, and the headers, which may be NULL. NULL:
** no memory. */
struct MHD_Response *dm_response_new (const char *type, const char *body, size_t length,
                                      const dm_header *headers);

/* Adds them; false: no memory. */
bool dm_response_add (struct MHD_Response *response, const dm_header *headers);

#endif
