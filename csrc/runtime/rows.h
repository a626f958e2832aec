/* SPDX-License-Identifier: MIT */
/* rows.h -- figures by event type: a table that finds the row of a name, whatever a row counts.
**
** Threads:   dm_rows_find and dm_figure_add on one thread at a time; dm_rows_at and dm_figure_read
**            on any, at any time. There are no locks: each figure is right by itself, and as new as
**            the last that was counted.
** Ownership: the table owns its rows, which stay until it is closed.
** Order:     zeroed; find; dm_rows_close.
*/
#ifndef DM_ROWS_H
#define DM_ROWS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names that are told apart; what comes beyond, or has none, counts as "other". */
#define DM_ROWS_NAMED 64
#define DM_ROWS_OTHER DM_ROWS_NAMED /* the number of its row */
#define DM_ROWS_MAX (DM_ROWS_NAMED + 1)

/* The beginning of a row; its figures follow, and its name behind them. */
typedef struct dm_row {
  const char *name;
  size_t length;
} dm_row;

typedef struct dm_rows {
  _Atomic(dm_row *) at[DM_ROWS_MAX]; /* NULL: not used yet */
  int last;                          /* that was found last */
} dm_rows;

/* The number of the name's row, whose size with its figures, zeroed at first, is 'size'. */
int dm_rows_find (dm_rows *rows, const char *name, size_t length, size_t size);

/* The row of that number, which dm_rows_find gave or is DM_ROWS_OTHER; NULL: no memory, and what is
** to be counted is lost. */
dm_row *dm_rows_take (dm_rows *rows, int number, size_t size);

/* The row of that number or NULL. */
const dm_row *dm_rows_at (const dm_rows *rows, int number);

bool dm_row_is_named (const dm_row *row, const char *name, size_t length);

/* The one of 'count' sums that has the row's name. Each sum has 'size' bytes and begins with a
** dm_row; when there is none, it begins at zero behind the last. NULL: there is no room for it. */
void *dm_rows_sum (void *sums, int *count, int room, size_t size, const dm_row *row);

void dm_rows_close (dm_rows *rows);

typedef _Atomic uint64_t dm_figure;

/* There is one writer: no other thread adds in between. */
static inline void dm_figure_add (dm_figure *figure, uint64_t value) {
  value += atomic_load_explicit(figure, memory_order_relaxed);
  atomic_store_explicit(figure, value, memory_order_relaxed);
}

static inline uint64_t dm_figure_read (const dm_figure *figure) {
  return atomic_load_explicit(figure, memory_order_relaxed);
}

#endif
