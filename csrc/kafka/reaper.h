/* SPDX-License-Identifier: MIT */
/* reaper.h -- ends librdkafka clients on threads of their own, because destroying one blocks.
**
** Threads:   dm_reaper_* from the thread that owns the lua_State; the work runs elsewhere.
** Ownership: dm_reaper_bury takes the grave's rk and everything its callbacks use.
** Order:     bury any number; join once, at the end of the state; then the reaper is gone.
*/
#ifndef DM_REAPER_H
#define DM_REAPER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct dm_reaper dm_reaper;
typedef struct dm_task dm_task;

/* What is to end. */
typedef struct dm_grave {
  rd_kafka_t *rk;
  dm_task *pending;               /* a call still inside rk, or NULL: ends first; a reference */
  int flush_ms;                   /* producers: how long queued records may still be sent */
  void (*release) (void *arg);    /* called after rk is destroyed; may be NULL */
  void *arg;
} dm_grave;

/* A reaper, or NULL when memory is short. */
dm_reaper *dm_reaper_new (void);

/* Ends 'grave' in the background: flush, purge, destroy, release. Returns the task, a reference
** for the caller to wait on and to unref; NULL when no thread could be had and the work was
** done before returning. */
dm_task *dm_reaper_bury (dm_reaper *reaper, dm_grave grave);

/* Waits up to timeout_ms for the burials that have begun, and not long for those whose rk a call
** that was left still holds. Returns how many go on. */
int dm_reaper_settle (dm_reaper *reaper, int timeout_ms);

/* Settles, and frees the reaper. Returns how many records were
** lost by producers nobody flushed; *unended is the number of clients still ending. */
int64_t dm_reaper_join (dm_reaper *reaper, int timeout_ms, int *unended);

#endif
