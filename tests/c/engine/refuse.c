/* SPDX-License-Identifier: MIT */
#include "refuse.h"

#include <stdbool.h>
#include <stdlib.h>

#include "choices.h"

#define EXPORT __attribute__((visibility("default")))

/* The linker sends calls of malloc to __wrap_malloc, and those of __real_malloc to malloc. It wants
** to see the former from a shared library, too, as ThreadSanitizer's. */
void *__real_malloc (size_t size);
void *__real_calloc (size_t count, size_t size);
void *__real_realloc (void *block, size_t size);
void *__wrap_malloc (size_t size);
void *__wrap_calloc (size_t count, size_t size);
void *__wrap_realloc (void *block, size_t size);

static unsigned one_in;
static uint64_t refused;
static choices luck;

unsigned *refuse_begin (uint64_t seed) {
  luck = choices_of_seed(seed);
  return &one_in;
}

uint64_t refuse_count (void) {
  return refused;
}

static bool is_refused (void) {
  if (one_in == 0 || !chance(&luck, one_in)) return false;
  refused++;
  return true;
}

EXPORT void *__wrap_malloc (size_t size) {
  return is_refused() ? NULL : __real_malloc(size);
}

EXPORT void *__wrap_calloc (size_t count, size_t size) {
  return is_refused() ? NULL : __real_calloc(count, size);
}

EXPORT void *__wrap_realloc (void *block, size_t size) {
  return is_refused() ? NULL : __real_realloc(block, size);
}
