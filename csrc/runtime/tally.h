/* SPDX-License-Identifier: MIT */
/* tally.h -- what the handlers of a lane did: how often by event type and outcome, and how long
** they took.
**
** Threads:   dm_tally_add on the lane's thread alone; the rest on any, at any time. There are no
**            locks: each figure is right by itself, and no older than the last record.
** Ownership: a tally owns its rows, which stay until it is closed.
** Order:     zeroed; add and read; dm_tally_close.
*/
#ifndef DM_TALLY_H
#define DM_TALLY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Event types that are told apart; what comes beyond counts under "other". */
#define DM_TALLY_TYPES 64
#define DM_TALLY_OTHER "other"

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
  _Atomic uint64_t outcomes[DM_TALLY_OUTCOMES];
  _Atomic uint64_t classes[DM_TALLY_BOUNDS + 1]; /* each counts its own durations alone */
  _Atomic uint64_t micros;                       /* all durations */
  size_t length;
  char name[];
} dm_tally_row;

typedef struct dm_tally {
  _Atomic(dm_tally_row *) rows[DM_TALLY_TYPES + 1]; /* the first NULL ends them */
  int last;                                         /* where the last record was counted */
} dm_tally;

/* Counts a record. 'type' may be NULL: "other". */
void dm_tally_add (dm_tally *tally, const char *type, size_t length, dm_tally_outcome outcome,
                   int64_t micros);

/* The row of that number from 0 on, or NULL behind the last. */
const dm_tally_row *dm_tally_row_at (const dm_tally *tally, int number);

void dm_tally_close (dm_tally *tally);

#endif
