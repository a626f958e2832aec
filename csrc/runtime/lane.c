/* SPDX-License-Identifier: MIT */
#include "runtime/lane.h"

#include <stdlib.h>

#include "kafka/clock.h"

#define REPLIES_MAX 64

void dm_lane_open (dm_lane *lane, dm_inbox *inbox) {
  pthread_condattr_t monotonic;
  *lane = (dm_lane){ .inbox = inbox };
  pthread_mutex_init(&lane->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&lane->filled, &monotonic);
  pthread_condattr_destroy(&monotonic);
}

void dm_lane_close (dm_lane *lane) {
  free(lane->blocked);
  pthread_cond_destroy(&lane->filled);
  pthread_mutex_destroy(&lane->lock);
}

int dm_lane_room (dm_lane *lane) {
  int count;
  pthread_mutex_lock(&lane->lock);
  count = lane->works.count;
  pthread_mutex_unlock(&lane->lock);
  return DM_LANE_AHEAD - count;
}

void dm_lane_push (dm_lane *lane, dm_work_list *works, uint64_t seen) {
  bool wake;
  pthread_mutex_lock(&lane->lock);
  dm_work_list_move(&lane->works, works);
  lane->seen = seen;
  wake = lane->waiting;
  pthread_mutex_unlock(&lane->lock);
  if (wake) pthread_cond_signal(&lane->filled);
}

void dm_lane_withdraw (dm_lane *lane, dm_work_list *works) {
  pthread_mutex_lock(&lane->lock);
  dm_work_list_move(works, &lane->works);
  pthread_mutex_unlock(&lane->lock);
}

void dm_lane_stop (dm_lane *lane) {
  pthread_mutex_lock(&lane->lock);
  lane->stopped = true;
  pthread_mutex_unlock(&lane->lock);
  pthread_cond_signal(&lane->filled);
}

/* Waits until there is something to take or the lane is stopped; the lock is held. */
static void await_works (dm_lane *lane, int timeout_ms) {
  struct timespec until;
  if (timeout_ms >= 0) until = dm_clock_in(timeout_ms);
  lane->waiting = true;
  while (lane->works.first == NULL && !lane->stopped) {
    if (timeout_ms < 0) pthread_cond_wait(&lane->filled, &lane->lock);
    else if (pthread_cond_timedwait(&lane->filled, &lane->lock, &until) != 0) break;
  }
  lane->waiting = false;
}

/* Keys whose retry the group thread knew of when it gave the works that were taken now. */
static void unblock (dm_lane *lane) {
  size_t kept = 0;
  for (size_t i = 0; i < lane->blocked_count; i++)
    if (lane->blocked[i].since > lane->taken_seen) lane->blocked[kept++] = lane->blocked[i];
  lane->blocked_count = kept;
}

bool dm_lane_take (dm_lane *lane, dm_work_list *works, int timeout_ms) {
  bool taken;
  pthread_mutex_lock(&lane->lock);
  if (lane->works.first == NULL && timeout_ms != 0) await_works(lane, timeout_ms);
  taken = lane->works.first != NULL && !lane->stopped;
  if (taken) {
    dm_work_list_move(works, &lane->works);
    lane->taken_seen = lane->seen;
  }
  pthread_mutex_unlock(&lane->lock);
  if (taken && lane->blocked_count > 0) unblock(lane);
  return taken;
}

bool dm_lane_may_run (const dm_lane *lane, const dm_work *work) {
  for (size_t i = 0; i < lane->blocked_count; i++)
    if (lane->blocked[i].key == work->entry.key) return false;
  return true;
}

bool dm_lane_note_retry (dm_lane *lane, const dm_work *work) {
  if (lane->blocked_count == lane->blocked_room) {
    size_t room = lane->blocked_room * 2 + 16;
    dm_blocked_key *blocked = realloc(lane->blocked, room * sizeof *blocked);
    if (blocked == NULL) return false;
    lane->blocked = blocked;
    lane->blocked_room = room;
  }
  /* The reply with this work is the next to be sent. */
  lane->blocked[lane->blocked_count++] =
    (dm_blocked_key){ work->entry.key, lane->sent + (uint64_t)lane->replies.count + 1 };
  return true;
}

void dm_lane_flush (dm_lane *lane, int64_t now_ms) {
  lane->sent += (uint64_t)lane->replies.count;
  lane->replied_ms = now_ms;
  dm_inbox_push(lane->inbox, &lane->replies);
}

void dm_lane_reply (dm_lane *lane, dm_work *work, int64_t now_ms) {
  dm_work_list_append(&lane->replies, work);
  if (now_ms > lane->replied_ms || lane->replies.count >= REPLIES_MAX) dm_lane_flush(lane, now_ms);
}
