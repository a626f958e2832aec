/* SPDX-License-Identifier: MIT */
/* measure.h -- what the C peers of the benchmark share: the clock and the line they print. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

typedef struct measure {
  double wall, cpu;
} measure;

static inline measure measure_now (void) {
  struct timespec t;
  struct rusage u;
  clock_gettime(CLOCK_MONOTONIC, &t);
  getrusage(RUSAGE_SELF, &u);
  return (measure){ (double)t.tv_sec + (double)t.tv_nsec / 1e9,
                    (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                        (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6 };
}

/* {"records":N,"wall_s":S,"cpu_s":S}: CPU time of the whole process, librdkafka's threads too. */
static inline void measure_print (measure from, long records) {
  measure to = measure_now();
  printf("{\"records\":%ld,\"wall_s\":%.3f,\"cpu_s\":%.3f}\n", records, to.wall - from.wall,
         to.cpu - from.cpu);
}

#endif
