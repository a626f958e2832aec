/* SPDX-License-Identifier: MIT */
/* lane.h -- the way of works from the group thread to the one thread that runs a lane's handlers, a
** worker's or the calling one, and what that thread must remember about keys.
**
** A work whose handler wants a retry, or that was not run, holds up its key: works of the same key
** that were already on the way come back unrun. The group thread reads replies in order and tells
** with each work how many it has read: works that it gave knowing of the retry may run.
**
** Threads:   push, withdraw and stop on the group thread; take, may_run, block, reply and announce on
**            the lane's; wake on any. 'limit' and 'current' are read by the group thread too.
** Ownership: works that were pushed are the lane's until they are replied or withdrawn.
*/
#ifndef DM_LANE_H
#define DM_LANE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/inbox.h"
#include "runtime/tally.h"
#include "runtime/work.h"
#include "worker/limit.h"

/* How many works a lane is given ahead: fewer hand-overs, but a longer way back. */
#define DM_LANE_AHEAD 512

typedef struct dm_blocked_key {
  uint64_t key;
  uint64_t since;   /* the reply that tells the group thread */
} dm_blocked_key;

typedef struct dm_lane {
  pthread_mutex_t lock;
  pthread_cond_t filled;
  dm_work_list works;        /* given, not taken */
  bool waiting, stopped, woken;
  dm_inbox *inbox;
  /* The lane's thread alone: */
  uint64_t replied;          /* works, so far */
  int unannounced;           /* of those, the group thread was not woken for */
  int64_t announced_ms;      /* when it last was */
  dm_blocked_key *blocked;
  size_t blocked_count, blocked_room;
  uint64_t all_since;        /* all keys are blocked: there was no memory to tell which */
  /* Written by the lane's thread, read by any: */
  dm_tally tally;
  /* For the watchdog: */
  dm_limit limit;
  _Atomic(dm_work *) current;  /* that runs, or has run */
} dm_lane;

void dm_lane_open (dm_lane *lane, dm_inbox *inbox);
void dm_lane_close (dm_lane *lane);

/* How many works may be pushed now; group thread. */
int dm_lane_room (dm_lane *lane);

/* Gives works to the lane. 'seen' is how many of its replies were read. */
void dm_lane_push (dm_lane *lane, dm_work_list *works, uint64_t seen);

/* Takes back what the lane's thread has not taken yet. */
void dm_lane_withdraw (dm_lane *lane, dm_work_list *works);

/* Lets take return at once from now on, with nothing. */
void dm_lane_stop (dm_lane *lane);

/* Lets the take that waits, or the next one, return. */
void dm_lane_wake (dm_lane *lane);

/* Waits for works up to timeout_ms (-1: without end) and moves them to the empty list. False:
** stopped, or time is over; woken, it may be true without works. */
bool dm_lane_take (dm_lane *lane, dm_work_list *works, int timeout_ms);

/* May the work run, or does its key wait for a retry? */
bool dm_lane_may_run (const dm_lane *lane, const dm_work *work);

/* The work, which is the next to be replied, is to be retried, or was not run: its key waits. */
void dm_lane_block (dm_lane *lane, const dm_work *work);

/* Hands a work back to the group thread, which is woken when that is a millisecond ago; else by
** dm_lane_announce, or it looks by itself in a while. */
void dm_lane_reply (dm_lane *lane, dm_work *work, int64_t now_ms);
void dm_lane_announce (dm_lane *lane, int64_t now_ms);

#endif
