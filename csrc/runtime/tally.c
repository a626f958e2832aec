/* SPDX-License-Identifier: MIT */
#include "runtime/tally.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *const dm_tally_outcomes[DM_TALLY_OUTCOMES] = {
  "ack", "retry", "dead", "skip", "cancelled",
};

const int64_t dm_tally_bounds[DM_TALLY_BOUNDS] = {
  100, 500, 1000, 5000, 25000, 100000, 500000, 1000000, 5000000, 30000000, 120000000,
};

static dm_tally_row *row_of (const dm_tally *tally, int number) {
  return atomic_load_explicit(&tally->rows[number], memory_order_relaxed);
}

static bool is_named (const dm_tally_row *row, const char *name, size_t length) {
  return row->length == length && memcmp(row->name, name, length) == 0;
}

/* Makes the row of that number. NULL: no memory. */
static dm_tally_row *add_row (dm_tally *tally, int number, const char *name, size_t length) {
  dm_tally_row *row = calloc(1, sizeof *row + length + 1);
  if (row == NULL) return NULL;
  memcpy(row->name, name, length);
  row->length = length;
  atomic_store_explicit(&tally->rows[number], row, memory_order_release);
  return row;
}

int dm_tally_find (dm_tally *tally, const char *type, size_t length) {
  const dm_tally_row *row = row_of(tally, tally->last);
  int number = 0;
  if (row != NULL && is_named(row, type, length)) return tally->last;
  while (number < DM_TALLY_TYPES && (row = row_of(tally, number)) != NULL &&
         !is_named(row, type, length))
    number++;
  if (number < DM_TALLY_TYPES && row == NULL && add_row(tally, number, type, length) == NULL)
    return DM_TALLY_OTHER;
  return tally->last = number;
}

/* There is one writer: no other thread adds in between. */
static void add (_Atomic uint64_t *figure, uint64_t value) {
  value += atomic_load_explicit(figure, memory_order_relaxed);
  atomic_store_explicit(figure, value, memory_order_relaxed);
}

static int class_of (int64_t micros) {
  int number = 0;
  while (number < DM_TALLY_BOUNDS && micros > dm_tally_bounds[number]) number++;
  return number;
}

void dm_tally_add (dm_tally *tally, int number, dm_tally_outcome outcome, int64_t micros) {
  dm_tally_row *row = row_of(tally, number);
  if (row == NULL) row = add_row(tally, number, "other", strlen("other"));
  if (row == NULL) return; /* no memory: the record is handled, its count is lost */
  add(&row->outcomes[outcome], 1);
  add(&row->classes[class_of(micros)], 1);
  add(&row->micros, (uint64_t)micros);
}

/* -- Reading ---------------------------------------------------------------------------------- */

static uint64_t read (const _Atomic uint64_t *figure) {
  return atomic_load_explicit(figure, memory_order_relaxed);
}

/* The sum of the row's name, which begins at zero behind the last when there is none. */
static dm_tally_sum *sum_of (dm_tally_sum *sums, int *count, const dm_tally_row *row) {
  for (int i = 0; i < *count; i++)
    if (is_named(row, sums[i].name, sums[i].length)) return &sums[i];
  sums[*count] = (dm_tally_sum){ .name = row->name, .length = row->length };
  return &sums[(*count)++];
}

int dm_tally_collect (const dm_tally *tally, dm_tally_sum *sums, int count) {
  for (int i = 0; i < DM_TALLY_ROWS; i++) {
    const dm_tally_row *row = atomic_load_explicit(&tally->rows[i], memory_order_acquire);
    dm_tally_sum *sum;
    if (row == NULL) continue;
    sum = sum_of(sums, &count, row);
    for (int k = 0; k < DM_TALLY_OUTCOMES; k++) sum->outcomes[k] += read(&row->outcomes[k]);
    for (int k = 0; k <= DM_TALLY_BOUNDS; k++) sum->classes[k] += read(&row->classes[k]);
    sum->micros += read(&row->micros);
  }
  return count;
}

void dm_tally_close (dm_tally *tally) {
  for (int i = 0; i < DM_TALLY_ROWS; i++) free(row_of(tally, i));
}
