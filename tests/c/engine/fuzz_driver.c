/* SPDX-License-Identifier: MIT */
/* fuzz_driver.c -- runs the fuzz target without a fuzzer.
**
**   fuzz_driver           DOCMSG_ENGINE_INPUTS (300) random inputs from DOCMSG_ENGINE_SEED (1) on
**   fuzz_driver FILE...   these inputs, such as one that a fuzzer has left behind
*/
#include <stdio.h>
#include <stdlib.h>

#include "choices.h"
#include "fuzz.h"

enum { INPUTS = 300, SIZE_MAX_OF_INPUT = 16384 };

static uint8_t input[SIZE_MAX_OF_INPUT];

static unsigned long long number (const char *name, unsigned long long otherwise) {
  const char *text = getenv(name);
  return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

/* The seed is printed before: a failure ends the process. */
static void run_seed (uint64_t seed) {
  choices c = choices_of_seed(seed);
  size_t size = choices_random(&c) % sizeof input;
  for (size_t i = 0; i < size; i++) input[i] = (uint8_t)choices_random(&c);
  printf("\rseed %llu", (unsigned long long)seed);
  fflush(stdout);
  LLVMFuzzerTestOneInput(input, size);
}

static int run_file (const char *path) {
  FILE *file = fopen(path, "rb");
  size_t size;
  if (file == NULL) {
    perror(path);
    return EXIT_FAILURE;
  }
  size = fread(input, 1, sizeof input, file);
  fclose(file);
  printf("%s\n", path);
  fflush(stdout);
  LLVMFuzzerTestOneInput(input, size);
  return EXIT_SUCCESS;
}

int main (int argc, char **argv) {
  unsigned long long first = number("DOCMSG_ENGINE_SEED", 1);
  unsigned long long inputs = number("DOCMSG_ENGINE_INPUTS", INPUTS);
  for (int i = 1; i < argc; i++)
    if (run_file(argv[i]) != EXIT_SUCCESS) return EXIT_FAILURE;
  if (argc > 1) return EXIT_SUCCESS;
  for (unsigned long long i = 0; i < inputs; i++) run_seed(first + i);
  printf("\r%llu inputs: all laws hold\n", inputs);
  return EXIT_SUCCESS;
}
