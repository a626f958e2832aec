/* SPDX-License-Identifier: MIT */
/* fuzz.c -- the entry of a fuzzer: its bytes are the decisions of a schedule.
**
**   clang -fsanitize=fuzzer,address,undefined -Icsrc -Itests/c/engine csrc/engine/[a-z]*.c
**     tests/c/engine/{fuzz,mutant,rules,schedule,steps,world}.c
**
** Without such a compiler, fuzz_driver.c runs it over random bytes.
*/
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "world.h"

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size) {
  schedule s = { .choices = choices_of_bytes(bytes, size), .steps = UINT32_MAX };
  const char *how;
  int law = schedule_run(&s, &how);
  if (law == 0) return 0;
  fprintf(stderr, "law %d is broken: %s\n", law, how);
  abort();
}
