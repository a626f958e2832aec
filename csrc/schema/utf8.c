/* SPDX-License-Identifier: MIT */
#include "schema/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EACH(byte) ((byte) * 0x0101010101010101u)
#define HIGH_BITS EACH(0x80u)

/* Is there a byte that is not ASCII among the next eight? */
static bool has_high (const char *text) {
  uint64_t word;
  memcpy(&word, text, sizeof word);
  return (word & HIGH_BITS) != 0;
}

/* Bytes of the character that begins at 'at', of which 'left' are there; 0: it is none. */
static size_t character_size (const unsigned char *at, size_t left) {
  /* By the length: the first character that needs so many bytes. */
  static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
  size_t size = *at < 0x80 ? 1 : *at < 0xc0 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
  uint32_t character;
  if (size < 2) return size;
  if (size > left || *at > 0xf7) return 0;
  character = *at & (0x7fu >> size);
  for (size_t i = 1; i < size; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
    character = character << 6 | (at[i] & 0x3f);
  }
  if (character < least[size] || character > 0x10ffff) return 0;
  return character >= 0xd800 && character <= 0xdfff ? 0 : size;
}

size_t dm_utf8_invalid (const char *text, size_t size) {
  size_t at = 0, step;
  while (at < size) {
    while (size - at >= sizeof(uint64_t) && !has_high(text + at)) at += sizeof(uint64_t);
    if (at == size) break;
    step = character_size((const unsigned char *)text + at, size - at);
    if (step == 0) return at;
    at += step;
  }
  return size;
}

/* Are the next eight bytes all of no kind? A doubtful answer is no. */
static bool all_common (const char *text) {
  uint64_t word, odd;
  memcpy(&word, text, sizeof word);
  odd = word | (word - EACH(0x20u)) | ((word ^ EACH(0x22u)) - EACH(1u)) |
        ((word ^ EACH(0x5cu)) - EACH(1u)) | ((word ^ EACH(0x7fu)) - EACH(1u));
  return (odd & HIGH_BITS) == 0;
}

static unsigned byte_kind (unsigned char byte) {
  if (byte < 0x20 || byte == 0x7f) return DM_BYTES_CONTROL | DM_BYTES_ESCAPE;
  if (byte == '"' || byte == '\\') return DM_BYTES_ESCAPE;
  return byte > 0x7f ? DM_BYTES_HIGH : 0;
}

unsigned dm_bytes_kinds (const char *text, size_t size) {
  unsigned kinds = 0;
  size_t at = 0;
  while (size - at >= sizeof(uint64_t) && all_common(text + at)) at += sizeof(uint64_t);
  for (; at < size; at++) kinds |= byte_kind((unsigned char)text[at]);
  return kinds;
}

size_t dm_bytes_plain (const char *text, size_t size) {
  size_t at = 0;
  while (size - at >= sizeof(uint64_t) && all_common(text + at)) at += sizeof(uint64_t);
  while (at < size && !(byte_kind((unsigned char)text[at]) & DM_BYTES_ESCAPE)) at++;
  return at;
}
