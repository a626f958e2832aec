/* SPDX-License-Identifier: MIT */
#include "runtime/envelope.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "base/digits.h"

/* More of an id is hashed, but not repeated in a header. */
#define ID_MAX 256

/* Room for "topic/partition/offset", and for what comes after the topic, whose name has 249 bytes at
** most. */
#define PLACE_MAX 300
#define PLACE_REST (size_t)(2 * (1 + DM_DIGITS_MAX))

/* The namespace of ids that are derived from a cause. */
static const uuid_t namespace = {
  0x6d, 0x0a, 0x1f, 0x5c, 0x3e, 0x92, 0x4b, 0x7d, 0x9a, 0x51, 0xc8, 0x2b, 0x74, 0xe0, 0x13, 0xf6,
};

static char *put (char *at, const void *bytes, size_t size) {
  if (size > 0) memcpy(at, bytes, size);
  return at + size;
}

static char *put_number (char *at, uint64_t number) {
  char digits[DM_DIGITS_MAX], *end = digits + sizeof digits, *first = dm_digits(end, number);
  return put(at, first, (size_t)(end - first));
}

/* -- The cause -------------------------------------------------------------------------------- */

static int read_hops (const void *value, size_t size) {
  const char *digits = value;
  int hops = 0;
  if (size == 0 || size > 6) return -1;
  for (size_t i = 0; i < size; i++) {
    if (digits[i] < '0' || digits[i] > '9') return -1;
    hops = hops * 10 + (digits[i] - '0');
  }
  return hops;
}

/* Where a header is kept; NULL: it is none of ours. */
static dm_bytes *place_of (dm_cause *cause, const char *name) {
  if (strncmp(name, "ce_", 3) == 0) {
    name += 3;
    if (strcmp(name, "id") == 0) return &cause->id;
    if (strcmp(name, "type") == 0) return &cause->type;
    if (strcmp(name, "source") == 0) return &cause->source;
    if (strcmp(name, "specversion") == 0) return &cause->version;
    if (strcmp(name, "correlationid") == 0) return &cause->correlation;
    if (strcmp(name, "causationid") == 0) return &cause->causation;
    return NULL;
  }
  if (strcmp(name, "content-type") == 0) return &cause->content_type;
  if (strcmp(name, "traceparent") == 0) return &cause->traceparent;
  if (strncmp(name, "docmsg-", 7) != 0) return NULL;
  name += 7;
  if (strcmp(name, "hops") == 0) return &cause->passed;
  return strcmp(name, "redrive-group") == 0 ? &cause->redrive_group : NULL;
}

/* Of two headers with one name the last one counts. */
static void read_headers (dm_cause *cause) {
  const char *name;
  dm_bytes *place, bytes;
  for (size_t i = 0; rd_kafka_header_get_all(cause->headers, i, &name, (const void **)&bytes.at,
                                             &bytes.size) == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
    if ((place = place_of(cause, name)) != NULL) *place = bytes;
}

void dm_cause_read (dm_cause *cause, const rd_kafka_message_t *message) {
  *cause = (dm_cause){ .message = message };
  if (rd_kafka_message_headers(message, &cause->headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
    read_headers(cause);
  if (cause->passed.at != NULL) cause->hops = read_hops(cause->passed.at, cause->passed.size);
  if (cause->hops == 0 && cause->causation.at != NULL) cause->hops = 1;
}

/* Room for "topic/partition/offset". */
static size_t place_max (const dm_cause *cause) {
  return strlen(rd_kafka_topic_name(cause->message->rkt)) + PLACE_REST;
}

/* Writes where the cause stands, for one that has no usable id. */
static char *put_place (char *at, const dm_cause *cause) {
  const rd_kafka_message_t *m = cause->message;
  const char *topic = rd_kafka_topic_name(m->rkt);
  at = put(at, topic, strlen(topic));
  *at++ = '/';
  at = put_number(at, (uint64_t)m->partition);
  *at++ = '/';
  return put_number(at, (uint64_t)m->offset);
}

/* -- The id ----------------------------------------------------------------------------------- */

/* Writes what the id is derived from: the namespace, source NUL id, or the place, then NUL group NUL
** index. */
static char *put_name (char *at, const dm_cause *cause, const char *group, unsigned index) {
  at = put(at, namespace, sizeof namespace);
  if (cause->id.at != NULL) {
    at = put(at, cause->source.at, cause->source.size);
    *at++ = '\0';
    at = put(at, cause->id.at, cause->id.size);
  }
  else at = put_place(at, cause);
  *at++ = '\0';
  at = put(at, group, strlen(group) + 1);
  return put_number(at, index);
}

/* Version 5 of RFC 9562: the first bytes of a SHA-1. */
static bool derive (EVP_MD_CTX *digest, const char *name, size_t size, char text[DM_UUID_TEXT]) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  if (!EVP_DigestInit_ex(digest, NULL, NULL) || !EVP_DigestUpdate(digest, name, size) ||
      !EVP_DigestFinal_ex(digest, hash, NULL))
    return false;
  hash[6] = (unsigned char)(0x50 | (hash[6] & 0x0f));
  hash[8] = (unsigned char)(0x80 | (hash[8] & 0x3f));
  uuid_unparse_lower(hash, text);
  return true;
}

bool dm_envelope_id (const dm_cause *cause, const dm_emitting *by, unsigned index,
                     char text[DM_UUID_TEXT]) {
  char small[1024], *name = small;
  size_t room = sizeof namespace + strlen(by->group) + 2 + DM_DIGITS_MAX + 1 +
                (cause->id.at != NULL ? cause->source.size + cause->id.size : place_max(cause));
  bool derived;
  if (room > sizeof small && (name = malloc(room)) == NULL) return false;
  derived = derive(by->digest, name, (size_t)(put_name(name, cause, by->group, index) - name), text);
  if (name != small) free(name);
  return derived;
}

EVP_MD_CTX *dm_envelope_digest_new (void) {
  EVP_MD_CTX *digest = EVP_MD_CTX_new();
  if (digest != NULL && EVP_DigestInit_ex(digest, EVP_sha1(), NULL)) return digest;
  EVP_MD_CTX_free(digest);
  return NULL;
}

void dm_envelope_digest_free (EVP_MD_CTX *digest) {
  EVP_MD_CTX_free(digest);
}

/* -- The headers ------------------------------------------------------------------------------ */

static bool add (rd_kafka_headers_t *headers, const char *name, const char *value, size_t size) {
  return rd_kafka_header_add(headers, name, -1, value, (ssize_t)size) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool add_text (rd_kafka_headers_t *headers, const char *name, const char *value) {
  return add(headers, name, value, strlen(value));
}

/* The id of the first event of the chain, where that is not the cause itself. */
static const dm_bytes *first_of (const dm_cause *cause) {
  return cause->correlation.at != NULL ? &cause->correlation : &cause->causation;
}

static bool add_place (rd_kafka_headers_t *headers, const dm_cause *cause) {
  char place[PLACE_MAX];
  return place_max(cause) <= sizeof place &&
         add(headers, "ce_causationid", place, (size_t)(put_place(place, cause) - place));
}

/* Who caused it: the direct cause, and the first one where that is another. */
static bool add_cause (rd_kafka_headers_t *headers, const dm_cause *cause) {
  const dm_bytes *first = first_of(cause);
  if (cause->id.at != NULL && cause->id.size <= ID_MAX) {
    if (!add(headers, "ce_causationid", cause->id.at, cause->id.size)) return false;
  }
  else if (!add_place(headers, cause)) return false;
  if (first->at == NULL || first->size > ID_MAX) return true;
  return add(headers, "ce_correlationid", first->at, first->size);
}

/* What only some events carry. */
static bool add_rest (rd_kafka_headers_t *headers, const dm_cause *cause) {
  char hops[16];
  if (cause->hops > 0) {
    snprintf(hops, sizeof hops, "%d", cause->hops + 1);
    if (!add_text(headers, "docmsg-hops", hops)) return false;
  }
  if (cause->traceparent.at == NULL || cause->traceparent.size > ID_MAX) return true;
  return add(headers, "traceparent", cause->traceparent.at, cause->traceparent.size);
}

rd_kafka_headers_t *dm_envelope_new (const dm_cause *cause, const dm_emitting *by,
                                     const dm_emitted *emitted, size_t extra) {
  char derived[DM_UUID_TEXT];
  rd_kafka_headers_t *headers = rd_kafka_headers_new(8 + extra);
  if (headers == NULL) return NULL;
  if ((emitted->id != NULL || dm_envelope_id(cause, by, emitted->index, derived)) &&
      add(headers, "ce_specversion", "1.0", 3) &&
      add_text(headers, "ce_id", emitted->id != NULL ? emitted->id : derived) &&
      add_text(headers, "ce_source", by->source) && add_text(headers, "ce_type", emitted->type) &&
      add_cause(headers, cause) && add(headers, "content-type", "application/json", 16) &&
      add_rest(headers, cause))
    return headers;
  rd_kafka_headers_destroy(headers);
  return NULL;
}
