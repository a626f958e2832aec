/* SPDX-License-Identifier: MIT */
/* fuzz_driver.c -- runs the fuzz target without a fuzzer.
**
**   fuzz_driver           DOCMSG_ENGINE_INPUTS random inputs, with seeds from DOCMSG_ENGINE_SEED on
**   fuzz_driver FILE...   these inputs, such as one that a fuzzer has left behind
*/
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "choices.h"
#include "fuzz.h"
#include "repeat.h"

enum { INPUTS = 300, INPUT_MAX = 16384 };

typedef struct input {
  uint8_t bytes[INPUT_MAX];
  size_t size;
} input;

/* The name is printed before: a failure ends the process. */
static void run (const char *name, const input *in) {
  printf("%s\n", name);
  fflush(stdout);
  LLVMFuzzerTestOneInput(in->bytes, in->size);
}

static void run_seed (input *in, uint64_t seed) {
  char name[64];
  choices c = choices_of_seed(seed);
  in->size = choices_random(&c) % sizeof in->bytes;
  for (size_t i = 0; i < in->size; i++) in->bytes[i] = (uint8_t)choices_random(&c);
  snprintf(name, sizeof name, "DOCMSG_ENGINE_SEED=%" PRIu64, seed);
  run(name, in);
}

static int run_file (input *in, const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    return EXIT_FAILURE;
  }
  in->size = fread(in->bytes, 1, sizeof in->bytes, file);
  fclose(file);
  run(path, in);
  return EXIT_SUCCESS;
}

int main (int argc, char **argv) {
  repeat r = repeat_of("DOCMSG_ENGINE_INPUTS", INPUTS);
  input in;
  for (int i = 1; i < argc; i++)
    if (run_file(&in, argv[i]) != EXIT_SUCCESS) return EXIT_FAILURE;
  if (argc > 1) return EXIT_SUCCESS;
  for (uint64_t i = 0; i < r.count; i++) run_seed(&in, r.first + i);
  return EXIT_SUCCESS;
}
