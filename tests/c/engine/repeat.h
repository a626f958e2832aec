/* SPDX-License-Identifier: MIT */
/* repeat.h -- how often a test repeats, and from which seed on: from the environment. */
#ifndef DM_TEST_REPEAT_H
#define DM_TEST_REPEAT_H

#include <stdint.h>
#include <stdlib.h>

typedef struct repeat {
  uint64_t first, count; /* seeds */
} repeat;

static inline uint64_t repeat_number (const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

/* DOCMSG_ENGINE_SEED, and the variable that says how many. */
static inline repeat repeat_of (const char *name, uint64_t count) {
  return (repeat){ repeat_number("DOCMSG_ENGINE_SEED", 1), repeat_number(name, count) };
}

#endif
