/* SPDX-License-Identifier: MIT */
/* laws_test.c -- the laws of the engine over many random schedules.
**
**   laws_test                 DOCMSG_ENGINE_SCHEDULES (2,000) schedules from DOCMSG_ENGINE_SEED (1) on
**   laws_test --mutants       engines that break a law are found out
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum { SCHEDULES = 2000, STEPS = 600, MUTANT_SCHEDULES = 300 };

static unsigned long long number (const char *name, unsigned long long otherwise) {
  const char *text = getenv(name);
  return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

static int run (uint64_t seed, mutation m, const char **how) {
  schedule s = { .choices = choices_of_seed(seed), .mutation = m, .steps = STEPS };
  return schedule_run(&s, how);
}

static int check_engine (void) {
  uint64_t first = number("DOCMSG_ENGINE_SEED", 1);
  uint64_t schedules = number("DOCMSG_ENGINE_SCHEDULES", SCHEDULES);
  const char *how;
  for (uint64_t seed = first; seed - first < schedules; seed++) {
    int law = run(seed, MUTATION_NONE, &how);
    if (law == 0) continue;
    fprintf(stderr, "law %d is broken: %s\nagain with: "
                    "DOCMSG_ENGINE_SEED=%llu DOCMSG_ENGINE_SCHEDULES=1\n",
            law, how, (unsigned long long)seed);
    return EXIT_FAILURE;
  }
  printf("%llu schedules of %d steps, seeds from %llu on: all laws hold\n",
         (unsigned long long)schedules, STEPS, (unsigned long long)first);
  return EXIT_SUCCESS;
}

/* Is the mutant found out, and for the law that it breaks? */
static bool is_found_out (mutation m) {
  const char *how = "";
  uint64_t seed = 1;
  int law = 0;
  while (law == 0 && seed <= MUTANT_SCHEDULES) law = run(seed++, m, &how);
  printf("  %-22s law %d, schedule %llu: %s\n", mutation_name(m), law,
         (unsigned long long)seed - 1, how);
  if (law == mutation_law(m)) return true;
  fprintf(stderr, "'%s' breaks law %d, which the checker does not say\n", mutation_name(m),
          mutation_law(m));
  return false;
}

static int check_checker (void) {
  bool all = true;
  for (mutation m = MUTATION_NONE + 1; m < MUTATIONS; m++) all = is_found_out(m) && all;
  return all ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main (int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--mutants") == 0) return check_checker();
  return check_engine();
}
