/* SPDX-License-Identifier: MIT */
/* clock.h -- the monotonic clock and deadlines in milliseconds. */
#ifndef DM_CLOCK_H
#define DM_CLOCK_H

#include <lua.h>
#include <stdint.h>
#include <time.h>

#define DM_FOREVER (-1)

/* The most a call waits before it looks for Ctrl-C. */
#define DM_SLICE_MS 100

/* Now, in milliseconds of the monotonic clock. */
int64_t dm_clock_ms (void);

/* The same in microseconds. */
int64_t dm_clock_us (void);

/* The instant timeout_ms from now, for a condition variable on the monotonic clock. */
struct timespec dm_clock_in (int timeout_ms);

/* A point in time by which a call returns. */
typedef struct dm_deadline {
  int64_t at; /* INT64_MAX: never */
} dm_deadline;

/* The deadline timeout_ms from now; DM_FOREVER has none. */
dm_deadline dm_deadline_in (int timeout_ms);

/* Milliseconds left: 0 when it is over, INT_MAX at most. */
int dm_deadline_left (dm_deadline deadline);

/* What to wait at once: the rest, at most a slice. */
int dm_deadline_slice (dm_deadline deadline);

/* Reads the duration at arg: a string with a unit, 0, or "forever" (DM_FOREVER); 'def' in the
** same form when it is nil or absent. Raises when malformed.  [-0, +0, e] */
int dm_duration_opt (lua_State *L, int arg, const char *def);

/* Reads the duration at index idx, which 'what' names in the error.  [-0, +0, e] */
int dm_duration_check (lua_State *L, int idx, const char *what);

/* kafka.duration(d) -> milliseconds.  [-1, +1, e] */
int dm_duration_lua (lua_State *L);

/* Sleeps; at most a slice, because nothing interrupts it. */
void dm_clock_pause (int ms);

/* kafka.sleep(duration): waits, not deaf to Ctrl-C.  [-1, +0, e] */
int dm_sleep_lua (lua_State *L);

#endif
