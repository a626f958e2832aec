/* SPDX-License-Identifier: MIT */
#include "runtime/lane.h"

#include <stdlib.h>

#include "kafka/clock.h"

/* Replies until the group thread is woken in any case. */
#define UNANNOUNCED_MAX 256

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
  dm_tally_close(&lane->tally);
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
  for (dm_work *work = works->first; work != NULL; work = work->next) work->seen = seen;
  pthread_mutex_lock(&lane->lock);
  dm_work_list_move(&lane->works, works);
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

void dm_lane_wake (dm_lane *lane) {
  pthread_mutex_lock(&lane->lock);
  lane->woken = true;
  pthread_mutex_unlock(&lane->lock);
  pthread_cond_signal(&lane->filled);
}

/* Waits until there is something to take or the lane is stopped; the lock is held. */
static void await_works (dm_lane *lane, int timeout_ms) {
  struct timespec until;
  if (timeout_ms >= 0) until = dm_clock_in(timeout_ms);
  lane->waiting = true;
  while (lane->works.first == NULL && !lane->stopped && !lane->woken) {
    if (timeout_ms < 0) pthread_cond_wait(&lane->filled, &lane->lock);
    else if (pthread_cond_timedwait(&lane->filled, &lane->lock, &until) != 0) break;
  }
  lane->waiting = false;
}

/* Forgets keys whose block the group thread knew of when it gave the work, and all after it. */
static void unblock (dm_lane *lane, const dm_work *work) {
  size_t kept = 0;
  for (size_t i = 0; i < lane->blocked_count; i++)
    if (lane->blocked[i].since > work->seen) lane->blocked[kept++] = lane->blocked[i];
  lane->blocked_count = kept;
}

bool dm_lane_take (dm_lane *lane, dm_work_list *works, int timeout_ms) {
  bool taken;
  pthread_mutex_lock(&lane->lock);
  if (lane->works.first == NULL && timeout_ms != 0) await_works(lane, timeout_ms);
  taken = (lane->works.first != NULL || lane->woken) && !lane->stopped;
  lane->woken = false;
  if (taken) dm_work_list_move(works, &lane->works);
  pthread_mutex_unlock(&lane->lock);
  if (works->first != NULL && lane->blocked_count > 0) unblock(lane, works->first);
  return taken;
}

static dm_blocked_key *find_blocked (const dm_lane *lane, uint64_t key) {
  for (size_t i = 0; i < lane->blocked_count; i++)
    if (lane->blocked[i].key == key) return &lane->blocked[i];
  return NULL;
}

bool dm_lane_may_run (const dm_lane *lane, const dm_work *work) {
  const dm_blocked_key *blocked;
  if (work->seen < lane->all_since) return false;
  blocked = find_blocked(lane, work->entry.key);
  return blocked == NULL || work->seen >= blocked->since;
}

/* Room for one more blocked key, or NULL. */
static dm_blocked_key *add_blocked (dm_lane *lane) {
  size_t room = lane->blocked_room * 2 + 16;
  dm_blocked_key *blocked;
  if (lane->blocked_count < lane->blocked_room) return &lane->blocked[lane->blocked_count++];
  blocked = realloc(lane->blocked, room * sizeof *blocked);
  if (blocked == NULL) return NULL;
  lane->blocked = blocked;
  lane->blocked_room = room;
  return &lane->blocked[lane->blocked_count++];
}

void dm_lane_block (dm_lane *lane, const dm_work *work) {
  dm_blocked_key *blocked = find_blocked(lane, work->entry.key);
  if (blocked == NULL) blocked = add_blocked(lane);
  if (blocked != NULL) *blocked = (dm_blocked_key){ work->entry.key, lane->replied + 1 };
  else lane->all_since = lane->replied + 1;
}

void dm_lane_announce (dm_lane *lane, int64_t now_ms) {
  if (lane->unannounced == 0) return;
  lane->unannounced = 0;
  lane->announced_ms = now_ms;
  dm_inbox_wake(lane->inbox);
}

void dm_lane_reply (dm_lane *lane, dm_work *work, int64_t now_ms) {
  dm_inbox_put(lane->inbox, work);
  lane->replied++;
  lane->unannounced++;
  if (now_ms > lane->announced_ms || lane->unannounced >= UNANNOUNCED_MAX)
    dm_lane_announce(lane, now_ms);
}
