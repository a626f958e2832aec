/* SPDX-License-Identifier: MIT */
#include "schema/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)
#define WORD sizeof(uint64_t)
#define WORDS (4 * WORD)

static uint64_t word_at (const char *text) {
  uint64_t word;
  memcpy(&word, text, WORD);
  return word;
}

/* Bytes of ASCII at the beginning. */
static size_t skip_ascii (const char *text, size_t size) {
  size_t at = 0;
  for (; size - at >= WORDS; at += WORDS) {
    const char *next = text + at;
    uint64_t all = word_at(next) | word_at(next + WORD) | word_at(next + 2 * WORD) |
                   word_at(next + 3 * WORD);
    if (all & HIGH_BITS) break;
  }
  while (size - at >= WORD && !(word_at(text + at) & HIGH_BITS)) at += WORD;
  while (at < size && (unsigned char)text[at] < 0x80) at++;
  return at;
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
    if ((unsigned char)text[at] < 0x80) {
      at += skip_ascii(text + at, size - at);
      continue;
    }
    step = character_size((const unsigned char *)text + at, size - at);
    if (step == 0) return at;
    at += step;
  }
  return size;
}

/* Bytes that are looked at together. */
typedef uint8_t block __attribute__((vector_size(16)));
#define BLOCK sizeof(block)

/* The number of the first byte that is not 0; BLOCK: there is none. On some machines it is less. */
static size_t first_set (block bytes) {
  uint64_t halves[2];
  memcpy(halves, &bytes, BLOCK);
  if ((halves[0] | halves[1]) == 0) return BLOCK;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (halves[0] != 0) return (size_t)__builtin_ctzll(halves[0]) / 8;
  return WORD + (size_t)__builtin_ctzll(halves[1]) / 8;
#else
  return 0;
#endif
}

static block load (const char *text) {
  block bytes;
  memcpy(&bytes, text, BLOCK);
  return bytes;
}

/* Not 0: the byte does not stand in a JSON string as it is. */
static block escapes (block bytes) {
  return (block)((bytes < 0x20) | (bytes == '"') | (bytes == '\\') | (bytes == 0x7f));
}

/* Are the next bytes all of no kind? */
static bool is_common (const char *text) {
  block bytes = load(text);
  return first_set(escapes(bytes) | (block)(bytes > 0x7f)) == BLOCK;
}

static unsigned byte_kind (unsigned char byte) {
  if (byte < 0x20 || byte == 0x7f) return DM_BYTES_CONTROL | DM_BYTES_ESCAPE;
  if (byte == '"' || byte == '\\') return DM_BYTES_ESCAPE;
  return byte > 0x7f ? DM_BYTES_HIGH : 0;
}

unsigned dm_bytes_kinds (const char *text, size_t size) {
  unsigned kinds = 0;
  size_t at = 0;
  while (size - at >= BLOCK && is_common(text + at)) at += BLOCK;
  if (at > 0 && size - at < BLOCK && is_common(text + size - BLOCK)) return 0;
  for (; at < size; at++) kinds |= byte_kind((unsigned char)text[at]);
  return kinds;
}

size_t dm_bytes_plain (const char *text, size_t size) {
  size_t at = 0, step = BLOCK;
  for (; step == BLOCK && size - at >= BLOCK; at += step) step = first_set(escapes(load(text + at)));
  while (at < size && !(byte_kind((unsigned char)text[at]) & DM_BYTES_ESCAPE)) at++;
  return at;
}
