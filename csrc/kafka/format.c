/* SPDX-License-Identifier: MIT */
#include "kafka/format.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/digits.h"

/* -- Compiling -------------------------------------------------------------------------------- */

size_t dm_format_size (size_t size) {
  return (size + 1) * sizeof(dm_piece) + size; /* a piece takes at least a byte */
}

static int hex_digit (char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Reads what follows a backslash; returns where it ends, or NULL. */
static const char *read_escape (const char *at, const char *end, char *byte) {
  static const char names[] = "nrt\\", bytes[] = "\n\r\t\\";
  const char *name;
  if (at == end || *at == '\0') return NULL;
  name = strchr(names, *at);
  if (name != NULL) {
    *byte = bytes[name - names];
    return at + 1;
  }
  if (*at != 'x' || end - at < 3) return NULL;
  if (hex_digit(at[1]) < 0 || hex_digit(at[2]) < 0) return NULL;
  *byte = (char)(hex_digit(at[1]) << 4 | hex_digit(at[2]));
  return at + 3;
}

/* Adds a byte of literal text. */
static void add_byte (dm_format *format, char *text, char byte) {
  dm_piece *last = format->pieces + format->count - 1;
  if (format->count == 0 || last->letter != 0) {
    last = &format->pieces[format->count++];
    *last = (dm_piece){ .text = text };
  }
  *text = byte;
  last->size++;
}

/* Adds what follows a percent sign. */
static bool add_letter (dm_format *format, const char *at, const char *end, char *text) {
  if (at == end || *at == '\0' || strchr("sSRkKThtpo%", *at) == NULL) return false;
  if (*at == '%') add_byte(format, text, '%');
  else format->pieces[format->count++] = (dm_piece){ .letter = *at };
  return true;
}

const char *dm_format_compile (dm_format *format, const char *text, size_t size, void *memory) {
  const char *at = text, *end = text + size;
  char *literal;
  *format = (dm_format){ .pieces = memory };
  literal = (char *)(format->pieces + size + 1);
  while (at < end) {
    const char *start = at++;
    char byte = *start;
    if (byte == '%') {
      if (!add_letter(format, at++, end, literal++)) return start;
      continue;
    }
    if (byte == '\\' && (at = read_escape(at, end, &byte)) == NULL) return start;
    add_byte(format, literal++, byte);
  }
  return NULL;
}

/* -- Printing --------------------------------------------------------------------------------- */

static void put (FILE *file, const void *bytes, size_t size) {
  if (size > 0) fwrite_unlocked(bytes, 1, size, file);
}

static void put_integer (FILE *file, int64_t number) {
  char digits[1 + DM_DIGITS_MAX], *end = digits + sizeof digits;
  char *at = dm_digits(end, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
  if (number < 0) *--at = '-';
  put(file, at, (size_t)(end - at));
}

static void put_size (FILE *file, const void *bytes, size_t size) {
  put_integer(file, bytes != NULL ? (int64_t)size : -1);
}

static void put_binary_size (FILE *file, const void *bytes, size_t size) {
  uint32_t number = htonl(bytes != NULL ? (uint32_t)size : UINT32_MAX);
  put(file, &number, sizeof number);
}

static void put_headers (FILE *file, const rd_kafka_message_t *record) {
  rd_kafka_headers_t *headers;
  const char *name;
  const void *value;
  size_t size;
  if (rd_kafka_message_headers(record, &headers)) return;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; i++) {
    if (i > 0) putc_unlocked(',', file);
    put(file, name, strlen(name));
    putc_unlocked('=', file);
    if (value != NULL) put(file, value, size);
    else put(file, "NULL", 4);
  }
}

static void put_letter (FILE *file, char letter, const rd_kafka_message_t *record) {
  const char *topic;
  switch (letter) {
    case 's': put(file, record->payload, record->len); break;
    case 'S': put_size(file, record->payload, record->len); break;
    case 'R': put_binary_size(file, record->payload, record->len); break;
    case 'k': put(file, record->key, record->key_len); break;
    case 'K': put_size(file, record->key, record->key_len); break;
    case 'T': put_integer(file, rd_kafka_message_timestamp(record, NULL)); break;
    case 'h': put_headers(file, record); break;
    case 't': topic = rd_kafka_topic_name(record->rkt), put(file, topic, strlen(topic)); break;
    case 'p': put_integer(file, record->partition); break;
    case 'o': put_integer(file, record->offset); break;
    default: break;
  }
}

void dm_format_print (const dm_format *format, FILE *file, const rd_kafka_message_t *record) {
  for (size_t i = 0; i < format->count; i++) {
    const dm_piece *piece = &format->pieces[i];
    if (piece->letter == 0) put(file, piece->text, piece->size);
    else put_letter(file, piece->letter, record);
  }
}
