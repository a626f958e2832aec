/* SPDX-License-Identifier: MIT */
/* check.h -- the little that a C test needs: a check that ends the test with what was expected.
**
** Threads: any.
*/
#ifndef DM_TEST_CHECK_H
#define DM_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>

/* Ends the test when 'condition' is false. */
#define CHECK(condition) \
  ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

static inline void check_failed (const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
  exit(EXIT_FAILURE);
}

/* Runs a test function and says so. */
#define RUN(test) (printf("  " #test "\n"), fflush(stdout), test())

#endif
