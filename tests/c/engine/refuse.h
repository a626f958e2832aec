/* SPDX-License-Identifier: MIT */
/* refuse.h -- allocations that fail at random. For programs linked with
** -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc.
*/
#ifndef DM_TEST_REFUSE_H
#define DM_TEST_REFUSE_H

#include <stdint.h>

/* Chance begins anew. While what the result points to is not 0, one in so many is refused. */
unsigned *refuse_begin (uint64_t seed);

/* How many have been refused in all. */
uint64_t refuse_count (void);

#endif
