/* SPDX-License-Identifier: MIT */
#include "schema/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Room for any number: the digits of 64 bits, or 17 digits with sign, point and exponent. */
#define NUMBER_MAX 32

/* A float with so many decimals is written as short as it can be. */
#define DECIMALS 6

/* From here on a float no longer tells neighbouring integers apart. */
#define EXACT 0x1p53

/* Light userdata that scripts get hold of are not taken for texts. */
static _Thread_local dm_text *lent;

void dm_text_lend (lua_State *L, dm_text *text) {
  lent = text;
  lua_pushlightuserdata(L, text);
}

dm_text *dm_text_lent (lua_State *L, int idx) {
  dm_text *text = lent;
  if (text == NULL || !lua_islightuserdata(L, idx) || lua_touserdata(L, idx) != text) return NULL;
  lent = NULL;
  return text;
}

void dm_text_open (dm_text *text, lua_State *L, int slot) {
  text->L = L;
  text->slot = slot;
  text->at = text->small;
  text->size = 0;
  text->room = sizeof text->small;
}

void dm_text_grow (dm_text *text, size_t more) {
  size_t room = text->room * 2;
  char *block;
  if (room - text->size < more) room = text->size + more;
  block = lua_newuserdatauv(text->L, room, 0);
  memcpy(block, text->at, text->size);
  lua_replace(text->L, text->slot);
  text->at = block;
  text->room = room;
}

/* Adds the number with a point before its last 'decimals' digits. */
static void put_decimal (dm_text *text, lua_Integer number, int decimals) {
  char digits[NUMBER_MAX], *end = digits + sizeof digits, *at = end;
  lua_Unsigned rest = number < 0 ? 0 - (lua_Unsigned)number : (lua_Unsigned)number;
  for (int written = 0; rest > 0 || written <= decimals; rest /= 10, written++) {
    if (decimals > 0 && written == decimals) *--at = '.';
    *--at = (char)('0' + rest % 10);
  }
  if (number < 0) *--at = '-';
  dm_text_put(text, at, (size_t)(end - at));
}

void dm_text_put_integer (dm_text *text, lua_Integer number) {
  put_decimal(text, number, 0);
}

/* A quotient of two numbers that floats hold exactly is the float that is nearest to it. */
static bool put_short_float (dm_text *text, lua_Number number) {
  lua_Number power = 1;
  for (int decimals = 0; decimals <= DECIMALS; decimals++, power *= 10) {
    lua_Number scaled = number * power;
    if (scaled >= EXACT || scaled <= -EXACT) return false;
    if (scaled != (lua_Number)(lua_Integer)scaled || scaled / power != number) continue;
    put_decimal(text, (lua_Integer)scaled, decimals);
    return true;
  }
  return false;
}

void dm_text_put_float (dm_text *text, lua_Number number) {
  char digits[NUMBER_MAX];
  if (number != 0 && put_short_float(text, number)) return; /* 0 may have a sign */
  dm_text_put(text, digits, (size_t)snprintf(digits, sizeof digits, "%.17g", number));
}
