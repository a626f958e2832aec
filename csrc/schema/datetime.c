/* SPDX-License-Identifier: MIT */
#include "schema/datetime.h"

#include <string.h>

/* Of what every datetime begins with: 'd' is a digit. */
static const char shape[] = "dddd-dd-ddTdd:dd:dd";
#define SHAPE_SIZE (sizeof shape - 1)

static bool is_digit (char byte) {
  return byte >= '0' && byte <= '9';
}

static bool has_shape (const char *text) {
  for (size_t i = 0; i < SHAPE_SIZE; i++)
    if (shape[i] == 'd' ? !is_digit(text[i]) : text[i] != shape[i]) return false;
  return true;
}

/* What two digits say. */
static int number (const char *digits) {
  return (digits[0] - '0') * 10 + (digits[1] - '0');
}

static int days_of (int year, int month) {
  static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (month < 1 || month > 12) return 0;
  return days[month - 1] + (month == 2 && leap);
}

/* Is what follows the seconds a fraction or nothing, and then UTC? */
static bool ends_well (const char *rest, size_t size) {
  size_t at = 0;
  if (size > 1 && rest[0] == '.' && is_digit(rest[1]))
    for (at = 1; at < size && is_digit(rest[at]);) at++;
  if (size - at == 1) return rest[at] == 'Z';
  return size - at == 6 && memcmp(rest + at, "+00:00", 6) == 0;
}

bool dm_datetime_valid (const char *text, size_t size) {
  int day;
  if (size <= SHAPE_SIZE || !has_shape(text)) return false;
  day = number(text + 8);
  if (day < 1 || day > days_of(number(text) * 100 + number(text + 2), number(text + 5)))
    return false;
  if (number(text + 11) > 23 || number(text + 14) > 59 || number(text + 17) > 60) return false;
  return ends_well(text + SHAPE_SIZE, size - SHAPE_SIZE);
}
