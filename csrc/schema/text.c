/* SPDX-License-Identifier: MIT */
#include "schema/text.h"

#include <stdio.h>
#include <string.h>

/* Room for any number: the digits of 64 bits, or 17 digits with sign, point and exponent. */
#define NUMBER_MAX 32

void dm_text_open (dm_text *text, lua_State *L, int slot) {
  text->L = L;
  text->slot = slot;
  text->at = text->small;
  text->size = 0;
  text->room = sizeof text->small;
}

static void grow (dm_text *text, size_t more) {
  size_t room = text->room * 2;
  char *block;
  if (room - text->size < more) room = text->size + more;
  block = lua_newuserdatauv(text->L, room, 0);
  memcpy(block, text->at, text->size);
  lua_replace(text->L, text->slot);
  text->at = block;
  text->room = room;
}

void dm_text_put (dm_text *text, const char *bytes, size_t size) {
  if (text->room - text->size < size) grow(text, size);
  memcpy(text->at + text->size, bytes, size);
  text->size += size;
}

void dm_text_put_integer (dm_text *text, lua_Integer number) {
  char digits[NUMBER_MAX], *end = digits + sizeof digits, *at = end;
  lua_Unsigned rest = number < 0 ? 0 - (lua_Unsigned)number : (lua_Unsigned)number;
  do *--at = (char)('0' + rest % 10);
  while ((rest /= 10) > 0);
  if (number < 0) *--at = '-';
  dm_text_put(text, at, (size_t)(end - at));
}

void dm_text_put_float (dm_text *text, lua_Number number) {
  char digits[NUMBER_MAX];
  dm_text_put(text, digits, (size_t)snprintf(digits, sizeof digits, "%.17g", number));
}
