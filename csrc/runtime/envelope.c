/* SPDX-License-Identifier: MIT */
#include "runtime/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

/* More of an id is hashed, but not repeated in a header. */
#define ID_MAX 256

/* Room for "topic/partition/offset": a topic's name has 249 bytes at most. */
#define PLACE_MAX 300

/* The namespace of ids that are derived from a cause. */
static const uuid_t namespace = { 0x6d, 0x0a, 0x1f, 0x5c, 0x3e, 0x92, 0x4b, 0x7d,
                                  0x9a, 0x51, 0xc8, 0x2b, 0x74, 0xe0, 0x13, 0xf6 };

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

/* Takes the header in, when it is one of ours. */
static void read_header (dm_cause *cause, const char *name, const void *value, size_t size) {
  dm_bytes bytes = { value, size };
  if (strncmp(name, "ce_", 3) == 0) {
    name += 3;
    if (strcmp(name, "id") == 0) cause->id = bytes;
    else if (strcmp(name, "source") == 0) cause->source = bytes;
    else if (strcmp(name, "correlationid") == 0) cause->correlation = bytes;
    else if (strcmp(name, "causationid") == 0) cause->causation = bytes;
  }
  else if (strcmp(name, "docmsg-hops") == 0) cause->hops = read_hops(value, size);
  else if (strcmp(name, "traceparent") == 0) cause->traceparent = bytes;
}

dm_cause dm_cause_read (const rd_kafka_message_t *message) {
  dm_cause cause = { .message = message };
  rd_kafka_headers_t *headers;
  const char *name;
  const void *value;
  size_t size;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return cause;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; i++)
    if (value != NULL) read_header(&cause, name, value, size);
  if (cause.hops == 0 && cause.causation.at != NULL) cause.hops = 1;
  return cause;
}

/* Where the cause stands, for one that has no usable id. */
static int write_place (const dm_cause *cause, char *text, size_t size) {
  const rd_kafka_message_t *m = cause->message;
  return snprintf(text, size, "%s/%d/%lld", rd_kafka_topic_name(m->rkt), (int)m->partition,
                  (long long)m->offset);
}

static char *put (char *at, const void *bytes, size_t size) {
  if (size > 0) memcpy(at, bytes, size);
  return at + size;
}

/* Writes what the id is derived from: source NUL id, or the place, then NUL group NUL index.
** Returns its size. */
static size_t write_name (const dm_cause *cause, const char *group, unsigned index, char *name) {
  char *at = name;
  if (cause->id.at != NULL) {
    at = put(at, cause->source.at, cause->source.size);
    *at++ = '\0';
    at = put(at, cause->id.at, cause->id.size);
  }
  else at += write_place(cause, at, PLACE_MAX);
  *at++ = '\0';
  at = put(at, group, strlen(group) + 1);
  return (size_t)(at - name) + (size_t)sprintf(at, "%u", index);
}

bool dm_envelope_id (const dm_cause *cause, const char *group, unsigned index,
                     char text[DM_UUID_TEXT]) {
  char small[1024];
  size_t room = cause->source.size + cause->id.size + strlen(group) + PLACE_MAX + 16;
  char *name = room <= sizeof small ? small : malloc(room);
  uuid_t id;
  if (name == NULL) return false;
  uuid_generate_sha1(id, namespace, name, write_name(cause, group, index, name));
  uuid_unparse_lower(id, text);
  if (name != small) free(name);
  return true;
}

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

/* Who caused it: the direct cause, and the first one where that is another. */
static bool add_cause (rd_kafka_headers_t *headers, const dm_cause *cause) {
  const dm_bytes *first = first_of(cause);
  char place[PLACE_MAX];
  if (cause->id.at != NULL && cause->id.size <= ID_MAX) {
    if (!add(headers, "ce_causationid", cause->id.at, cause->id.size)) return false;
  }
  else {
    write_place(cause, place, sizeof place);
    if (!add_text(headers, "ce_causationid", place)) return false;
  }
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
  if ((emitted->id != NULL || dm_envelope_id(cause, by->group, emitted->index, derived)) &&
      add(headers, "ce_specversion", "1.0", 3) &&
      add_text(headers, "ce_id", emitted->id != NULL ? emitted->id : derived) &&
      add_text(headers, "ce_source", by->source) && add_text(headers, "ce_type", emitted->type) &&
      add_cause(headers, cause) && add(headers, "content-type", "application/json", 16) &&
      add_rest(headers, cause))
    return headers;
  rd_kafka_headers_destroy(headers);
  return NULL;
}
