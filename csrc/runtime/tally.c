/* SPDX-License-Identifier: MIT */
#include "runtime/tally.h"

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

static int is_named (const dm_tally_row *row, const char *name, size_t length) {
  return row->length == length && memcmp(row->name, name, length) == 0;
}

/* A new row at that number; NULL: no memory. */
static dm_tally_row *add_row (dm_tally *tally, int number, const char *name, size_t length) {
  dm_tally_row *row = calloc(1, sizeof *row + length + 1);
  if (row == NULL) return NULL;
  memcpy(row->name, name, length);
  row->length = length;
  atomic_store_explicit(&tally->rows[number], row, memory_order_release);
  return row;
}

/* The row of that name, made when there is none: the last place is kept for "other". */
static dm_tally_row *find_row (dm_tally *tally, const char *name, size_t length) {
  dm_tally_row *row = row_of(tally, tally->last);
  int number = 0;
  if (row != NULL && is_named(row, name, length)) return row;
  while (number < DM_TALLY_TYPES && (row = row_of(tally, number)) != NULL &&
         !is_named(row, name, length))
    number++;
  if (number == DM_TALLY_TYPES) {
    name = DM_TALLY_OTHER, length = sizeof DM_TALLY_OTHER - 1;
    row = row_of(tally, number);
  }
  tally->last = number;
  return row != NULL ? row : add_row(tally, number, name, length);
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

void dm_tally_add (dm_tally *tally, const char *type, size_t length, dm_tally_outcome outcome,
                   int64_t micros) {
  dm_tally_row *row;
  if (type == NULL) type = DM_TALLY_OTHER, length = sizeof DM_TALLY_OTHER - 1;
  row = find_row(tally, type, length);
  if (row == NULL) return; /* no memory: the record is handled, its count is lost */
  add(&row->outcomes[outcome], 1);
  add(&row->classes[class_of(micros)], 1);
  add(&row->micros, (uint64_t)micros);
}

const dm_tally_row *dm_tally_row_at (const dm_tally *tally, int number) {
  if (number > DM_TALLY_TYPES) return NULL;
  return atomic_load_explicit(&tally->rows[number], memory_order_acquire);
}

void dm_tally_close (dm_tally *tally) {
  for (int i = 0; i <= DM_TALLY_TYPES; i++) free(row_of(tally, i));
}
