/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "kafka/format.h"
#include "schema/utf8.h"

static void put_text (FILE *file, const char *text) {
  fwrite_unlocked(text, 1, strlen(text), file);
}

static void put_escaped (FILE *file, const char *text, size_t size) {
  for (const char *end = text + size; text < end; text++) {
    unsigned char byte = (unsigned char)*text;
    if (byte == '"' || byte == '\\') putc_unlocked('\\', file);
    if (byte < 0x20 || byte == 0x7f) fprintf(file, "\\u%04x", byte);
    else putc_unlocked(byte, file);
  }
}

static void put_string (FILE *file, const char *text, size_t size) {
  putc_unlocked('"', file);
  if (dm_bytes_kinds(text, size) & ~(unsigned)DM_BYTES_HIGH) put_escaped(file, text, size);
  else fwrite_unlocked(text, 1, size, file);
  putc_unlocked('"', file);
}

static void put_base64 (FILE *file, const unsigned char *at, size_t size) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  put_text(file, "{\"base64\":\"");
  for (; size > 0; at += 3) {
    uint32_t three = (uint32_t)at[0] << 16 | (size > 1 ? (uint32_t)at[1] << 8 : 0) |
                     (size > 2 ? at[2] : 0);
    putc_unlocked(digits[three >> 18], file);
    putc_unlocked(digits[three >> 12 & 63], file);
    putc_unlocked(size > 1 ? digits[three >> 6 & 63] : '=', file);
    putc_unlocked(size > 2 ? digits[three & 63] : '=', file);
    size -= size > 3 ? 3 : size;
  }
  put_text(file, "\"}");
}

static void put_bytes (FILE *file, const void *bytes, size_t size) {
  if (bytes == NULL) put_text(file, "null");
  else if (dm_utf8_invalid(bytes, size) < size) put_base64(file, bytes, size);
  else put_string(file, bytes, size);
}

static void put_headers (FILE *file, const rd_kafka_message_t *record) {
  rd_kafka_headers_t *headers;
  const char *name;
  const void *value;
  size_t size;
  if (rd_kafka_message_headers(record, &headers)) return;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; i++) {
    put_text(file, i > 0 ? ",[" : "[");
    put_bytes(file, name, strlen(name));
    putc_unlocked(',', file);
    put_bytes(file, value, size);
    putc_unlocked(']', file);
  }
}

void dm_format_print_json (FILE *file, const rd_kafka_message_t *record) {
  int64_t timestamp = rd_kafka_message_timestamp(record, NULL);
  put_text(file, "{\"topic\":\"");
  put_text(file, rd_kafka_topic_name(record->rkt));
  fprintf(file, "\",\"partition\":%" PRId32 ",\"offset\":%" PRId64, record->partition,
          record->offset);
  if (timestamp >= 0) fprintf(file, ",\"timestamp\":%" PRId64, timestamp);
  put_text(file, ",\"key\":");
  put_bytes(file, record->key, record->key_len);
  put_text(file, ",\"value\":");
  put_bytes(file, record->payload, record->len);
  put_text(file, ",\"headers\":[");
  put_headers(file, record);
  put_text(file, "]}\n");
}
