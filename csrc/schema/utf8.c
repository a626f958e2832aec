/* SPDX-License-Identifier: MIT */
#include "schema/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EACH(byte) ((byte) * 0x0101010101010101u)
#define HIGH_BITS EACH(0x80u)

#define WORD sizeof(uint64_t)
#define WORDS (4 * WORD)

static uint64_t word_at (const char *text) {
  uint64_t word;
  memcpy(&word, text, WORD);
  return word;
}

/* Bytes of ASCII at the beginning, or some less. */
static size_t skip_ascii (const char *text, size_t size) {
  size_t at = 0;
  for (; size - at >= WORDS; at += WORDS) {
    const char *next = text + at;
    uint64_t all = word_at(next) | word_at(next + WORD) | word_at(next + 2 * WORD) |
                   word_at(next + 3 * WORD);
    if (all & HIGH_BITS) break;
  }
  while (size - at >= WORD && !(word_at(text + at) & HIGH_BITS)) at += WORD;
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
    at += skip_ascii(text + at, size - at);
    if (at == size) break;
    step = character_size((const unsigned char *)text + at, size - at);
    if (step == 0) return at;
    at += step;
  }
  return size;
}

/* How many of the next eight bytes come before the first that is of some kind, or some less. */
static size_t count_common (const char *text) {
  uint64_t word = word_at(text);
  uint64_t odd = word | (word - EACH(0x20u)) | ((word ^ EACH(0x22u)) - EACH(1u)) |
                 ((word ^ EACH(0x5cu)) - EACH(1u)) | ((word ^ EACH(0x7fu)) - EACH(1u));
  odd &= HIGH_BITS;
  if (odd == 0) return WORD;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return (size_t)__builtin_ctzll(odd) / 8; /* a byte is only borrowed from by those before it */
#else
  return 0;
#endif
}

static unsigned byte_kind (unsigned char byte) {
  if (byte < 0x20 || byte == 0x7f) return DM_BYTES_CONTROL | DM_BYTES_ESCAPE;
  if (byte == '"' || byte == '\\') return DM_BYTES_ESCAPE;
  return byte > 0x7f ? DM_BYTES_HIGH : 0;
}

unsigned dm_bytes_kinds (const char *text, size_t size) {
  char rest[] = "        ";
  unsigned kinds = 0;
  size_t at = 0;
  while (size - at >= WORD && count_common(text + at) == WORD) at += WORD;
  if (size - at < WORD) {
    memcpy(rest, text + at, size - at);
    if (count_common(rest) == WORD) return 0;
  }
  for (; at < size; at++) kinds |= byte_kind((unsigned char)text[at]);
  return kinds;
}

size_t dm_bytes_plain (const char *text, size_t size) {
  size_t at = 0, step = WORD;
  while (at < size) {
    for (; step == WORD && size - at >= WORD; at += step) step = count_common(text + at);
    if (at == size || byte_kind((unsigned char)text[at]) & DM_BYTES_ESCAPE) break;
    at++;
    step = WORD;
  }
  return at;
}
