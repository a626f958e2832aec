/* SPDX-License-Identifier: MIT */
/* digits.h -- numbers as text.
**
** Threads: any.
*/
#ifndef DM_DIGITS_H
#define DM_DIGITS_H

#include <stdint.h>

/* Bytes that any number has at most. */
#define DM_DIGITS_MAX 20

/* Writes the digits of the number before 'end'; returns the first. */
static inline char *dm_digits (char *end, uint64_t number) {
  do *--end = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  return end;
}

#endif
