/* SPDX-License-Identifier: MIT */
#include "runtime/tally.h"

const char *const dm_tally_outcomes[DM_TALLY_OUTCOMES] = {
  "ack", "retry", "dead", "skip", "cancelled",
};

const int64_t dm_tally_bounds[DM_TALLY_BOUNDS] = {
  100, 500, 1000, 5000, 25000, 100000, 500000, 1000000, 5000000, 30000000, 120000000,
};

int dm_tally_find (dm_tally *tally, const char *type, size_t length) {
  return dm_rows_find(&tally->rows, type, length, sizeof(dm_tally_row));
}

static int class_of (int64_t micros) {
  int number = 0;
  while (number < DM_TALLY_BOUNDS && micros > dm_tally_bounds[number]) number++;
  return number;
}

void dm_tally_add (dm_tally *tally, int number, dm_tally_outcome outcome, int64_t micros) {
  dm_tally_row *row = (dm_tally_row *)dm_rows_take(&tally->rows, number, sizeof *row);
  if (row == NULL) return;
  dm_figure_add(&row->outcomes[outcome], 1);
  dm_figure_add(&row->classes[class_of(micros)], 1);
  dm_figure_add(&row->micros, (uint64_t)micros);
}

/* -- Reading ---------------------------------------------------------------------------------- */

int dm_tally_collect (const dm_tally *tally, dm_tally_sum *sums, int count) {
  int room = count + DM_ROWS_MAX;
  for (int i = 0; i < DM_ROWS_MAX; i++) {
    const dm_tally_row *row = (const dm_tally_row *)dm_rows_at(&tally->rows, i);
    dm_tally_sum *sum;
    if (row == NULL) continue;
    sum = dm_rows_sum(sums, &count, room, sizeof *sums, &row->row);
    for (int k = 0; k < DM_TALLY_OUTCOMES; k++)
      sum->outcomes[k] += dm_figure_read(&row->outcomes[k]);
    for (int k = 0; k <= DM_TALLY_BOUNDS; k++) sum->classes[k] += dm_figure_read(&row->classes[k]);
    sum->micros += dm_figure_read(&row->micros);
  }
  return count;
}

void dm_tally_close (dm_tally *tally) {
  dm_rows_close(&tally->rows);
}
