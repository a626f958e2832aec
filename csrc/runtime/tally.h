/* SPDX-License-Identifier: MIT */
/* tally.h -- what the handlers of a lane did: how often by event type and outcome, and how long
** they took.
**
** Threads:   dm_tally_find and _add on the lane's thread alone; dm_tally_collect on any, at any time.
**            There are no locks: each figure is right by itself, and as new as the last record.
** Ownership: a tally owns its rows, which stay until it is closed.
** Order:     zeroed; find, add and collect; dm_tally_close.
*/
#ifndef DM_TALLY_H
#define DM_TALLY_H

#include "runtime/rows.h"

typedef enum dm_tally_outcome {
  DM_TALLY_ACK,
  DM_TALLY_RETRY,
  DM_TALLY_DEAD,
  DM_TALLY_SKIP,
  DM_TALLY_CANCELLED,
  DM_TALLY_OUTCOMES
} dm_tally_outcome;

extern const char *const dm_tally_outcomes[DM_TALLY_OUTCOMES];

/* Upper bounds of the classes of durations, in microseconds; what took longer is in one more. */
#define DM_TALLY_BOUNDS 11
extern const int64_t dm_tally_bounds[DM_TALLY_BOUNDS];

/* Of one event type. */
typedef struct dm_tally_row {
  dm_row row;
  dm_figure outcomes[DM_TALLY_OUTCOMES];
  dm_figure classes[DM_TALLY_BOUNDS + 1]; /* each counts its own durations alone */
  dm_figure micros;                       /* all durations */
} dm_tally_row;

typedef struct dm_tally {
  dm_rows rows;
} dm_tally;

/* The number of the event type's row; there is DM_ROWS_OTHER, too. */
int dm_tally_find (dm_tally *tally, const char *type, size_t length);

/* Counts a record in that row. */
void dm_tally_add (dm_tally *tally, int number, dm_tally_outcome outcome, int64_t micros);

/* What rows of one name come to, in several tallies. */
typedef struct dm_tally_sum {
  dm_row row; /* its name, borrowed */
  uint64_t outcomes[DM_TALLY_OUTCOMES];
  uint64_t classes[DM_TALLY_BOUNDS + 1];
  uint64_t micros;
} dm_tally_sum;

/* Adds the tally's rows to 'count' sums, which have room for DM_ROWS_MAX more; returns how many
** there are now. */
int dm_tally_collect (const dm_tally *tally, dm_tally_sum *sums, int count);

void dm_tally_close (dm_tally *tally);

#endif
