/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdlib.h>
#include <string.h>

static void fill (choices *c, broker_log *log) {
  int64_t offset = chance(c, 2) ? (int64_t)choose(c, 50) : 0;
  for (int i = 0; i < LOG_RECORDS; i++) {
    log->records[i] = (log_record){ .offset = offset, .key = choose(c, choose(c, KEYS) + 1) };
    offset += chance(c, 12) ? 1 + choose(c, 30) : 1;
  }
  log->committed = chance(c, 2) ? log->records[0].offset : -1;
}

void world_open (world *w, choices c, mutation m) {
  memset(w, 0, sizeof *w);
  w->choices = c;
  w->mutation = m;
  w->options.order = chance(&w->choices, 2) ? DM_ORDER_KEY : (dm_order)choose(&w->choices, 3);
  w->options.lanes = 1 + (int)choose(&w->choices, LANES_MAX);
  w->options.max_admitted = 1 + choose(&w->choices, 60);
  w->options.max_span = 1 + choose(&w->choices, 120);
  w->options.max_bytes = 1 + 20 * choose(&w->choices, 256);
  for (int i = 0; i < LOGS; i++) fill(&w->choices, &w->logs[i]);
}

bool world_start (world *w) {
  w->engine = dm_engine_new(&w->options);
  w->counted = (dm_engine_totals){ 0 };
  w->over_bytes = false;
  return w->engine != NULL;
}

void epoch_leave (world *w, epoch *e) {
  epoch **link = &w->epochs;
  bool last = e->revoked && e->in_flight == 0;
  if (dm_engine_idle(w->engine, e->partition) != last)
    world_break(w, 5, "idle is wrong about the records of a partition");
  if (!last) return;
  while (*link != e) link = &(*link)->next;
  *link = e->next;
  free(e);
}

void world_crash (world *w) {
  dm_engine_free(w->engine);
  w->engine = NULL;
  for (epoch *e = w->epochs, *next; e != NULL; e = next) {
    next = e->next;
    free(e);
  }
  w->epochs = NULL;
  memset(w->workers, 0, sizeof w->workers);
  for (int i = 0; i < LOGS; i++) w->logs[i].epoch = NULL;
}

void world_break (world *w, int law, const char *how) {
  if (w->broken_law != 0) return;
  w->broken_law = law;
  w->how = how;
}
