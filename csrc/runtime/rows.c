/* SPDX-License-Identifier: MIT */
#include "runtime/rows.h"

#include <stdlib.h>
#include <string.h>

static dm_row *row_of (const dm_rows *rows, int number) {
  return atomic_load_explicit(&rows->at[number], memory_order_relaxed);
}

bool dm_row_is_named (const dm_row *row, const char *name, size_t length) {
  return row->length == length && memcmp(row->name, name, length) == 0;
}

/* Makes the row of that number. NULL: no memory. */
static dm_row *add_row (dm_rows *rows, int number, const char *name, size_t length, size_t size) {
  char *block = calloc(1, size + length + 1);
  dm_row *row = (dm_row *)block;
  if (row == NULL) return NULL;
  memcpy(block + size, name, length);
  row->name = block + size;
  row->length = length;
  atomic_store_explicit(&rows->at[number], row, memory_order_release);
  return row;
}

int dm_rows_find (dm_rows *rows, const char *name, size_t length, size_t size) {
  const dm_row *row = row_of(rows, rows->last);
  int number = 0;
  if (row != NULL && dm_row_is_named(row, name, length)) return rows->last;
  while (number < DM_ROWS_NAMED && (row = row_of(rows, number)) != NULL &&
         !dm_row_is_named(row, name, length))
    number++;
  if (number < DM_ROWS_NAMED && row == NULL && add_row(rows, number, name, length, size) == NULL)
    return DM_ROWS_OTHER;
  return rows->last = number;
}

dm_row *dm_rows_take (dm_rows *rows, int number, size_t size) {
  dm_row *row = row_of(rows, number);
  return row != NULL ? row : add_row(rows, number, "other", strlen("other"), size);
}

const dm_row *dm_rows_at (const dm_rows *rows, int number) {
  return atomic_load_explicit(&rows->at[number], memory_order_acquire);
}

void *dm_rows_sum (void *sums, int *count, int room, size_t size, const dm_row *row) {
  char *sum = sums;
  for (int i = 0; i < *count; i++, sum += size)
    if (dm_row_is_named(row, ((dm_row *)sum)->name, ((dm_row *)sum)->length)) return sum;
  if (*count == room) return NULL;
  memset(sum, 0, size);
  *(dm_row *)sum = *row;
  (*count)++;
  return sum;
}

void dm_rows_close (dm_rows *rows) {
  for (int i = 0; i < DM_ROWS_MAX; i++) free(row_of(rows, i));
}
