/* SPDX-License-Identifier: MIT */
/* envelope.h -- the CloudEvents headers of an emitted event, derived from the record that caused
** it. A handler that runs again for the same record gives its emits the same ids, so that
** whoever reads them can tell a repetition.
**
** Threads:   any; nothing is shared, and a digest is one thread's at a time.
** Ownership: a cause borrows the record's headers.
*/
#ifndef DM_ENVELOPE_H
#define DM_ENVELOPE_H

#include <librdkafka/rdkafka.h>
#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

/* Room for a UUID's text and its NUL. */
#define DM_UUID_TEXT 37

/* The most an event may go on: what handles an event that has gone so far emits nothing. */
#define DM_HOPS_MAX 32

typedef struct dm_bytes {
  const char *at; /* NULL: there is none */
  size_t size;
} dm_bytes;

/* What is said about a record, which may cause emits. */
typedef struct dm_cause {
  const rd_kafka_message_t *message;
  rd_kafka_headers_t *headers; /* NULL: there are none */
  dm_bytes type, version, id, source, causation, correlation, traceparent, content_type;
  dm_bytes passed, redrive_group;  /* docmsg-hops, docmsg-redrive-group */
  int hops;       /* how often it was passed on; -1: the header is malformed */
} dm_cause;

/* Who emits. */
typedef struct dm_emitting {
  const char *source;  /* ce_source */
  const char *group;
  EVP_MD_CTX *digest;  /* for ids */
} dm_emitting;

/* Reads the record's headers. */
void dm_cause_read (dm_cause *cause, const rd_kafka_message_t *message);

/* What ids are made with; NULL: no memory, or the system has no SHA-1. */
EVP_MD_CTX *dm_envelope_digest_new (void);
void dm_envelope_digest_free (EVP_MD_CTX *digest);

/* What one emit says of itself. */
typedef struct dm_emitted {
  const char *type;    /* ce_type */
  const char *id;      /* NULL: derived from cause, group and index */
  unsigned index;      /* among the emits of its cause */
} dm_emitted;

/* The headers, with room for 'extra' more; NULL: no memory. The caller owns them. */
rd_kafka_headers_t *dm_envelope_new (const dm_cause *cause, const dm_emitting *by,
                                     const dm_emitted *emitted, size_t extra);

/* Derives the id of the emit: a UUIDv5, as text. False: no memory. */
bool dm_envelope_id (const dm_cause *cause, const dm_emitting *by, unsigned index,
                     char text[DM_UUID_TEXT]);

#endif
