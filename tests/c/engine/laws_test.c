/* SPDX-License-Identifier: MIT */
/* laws_test.c -- the laws of the engine over many random schedules.
**
**   laws_test            DOCMSG_ENGINE_SCHEDULES of them, with seeds from DOCMSG_ENGINE_SEED on
**   laws_test --refuse   the same while allocations fail (see refuse.h)
**   laws_test --mutants  engines that break a law are found out
*/
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "refuse.h"
#include "repeat.h"
#include "world.h"

enum { SCHEDULES = 2000, STEPS = 600, MUTANT_SCHEDULES = 300 };

static int run (uint64_t seed, mutation m, bool refuse, const char **how) {
  schedule s = { .choices = choices_of_seed(seed), .mutation = m, .steps = STEPS };
  if (refuse) s.refuse_one_in = refuse_begin(seed);
  return schedule_run(&s, how);
}

static int check_engine (bool refuse) {
  repeat r = repeat_of("DOCMSG_ENGINE_SCHEDULES", SCHEDULES);
  const char *how;
  for (uint64_t i = 0; i < r.count; i++) {
    int law = run(r.first + i, MUTATION_NONE, refuse, &how);
    if (law == 0) continue;
    fprintf(stderr, "law %d is broken: %s\nagain with: "
                    "DOCMSG_ENGINE_SEED=%" PRIu64 " DOCMSG_ENGINE_SCHEDULES=1\n",
            law, how, r.first + i);
    return EXIT_FAILURE;
  }
  printf("%" PRIu64 " schedules, seeds from %" PRIu64 " on, %" PRIu64 " allocations refused: "
         "all laws hold\n", r.count, r.first, refuse_count());
  return refuse && refuse_count() == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Is the mutant found out, and for the law that it breaks? */
static bool is_found_out (mutation m) {
  const char *how = "nothing";
  uint64_t seed = 0;
  int law = 0;
  while (law == 0 && seed < MUTANT_SCHEDULES) law = run(++seed, m, false, &how);
  printf("  %-22s law %d, schedule %" PRIu64 ": %s\n", mutation_name(m), law, seed, how);
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
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "--mutants") == 0) return check_checker();
  return check_engine(strcmp(what, "--refuse") == 0);
}
