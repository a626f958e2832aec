/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "kafka/clock.h"
#include "runtime/group_parts.h"

/* How many times its limit a handler may take before the process ends, when it is told to. */
#define LAST_RESORT 2.0

/* Nothing can end a handler that is inside a C function for good; the next process begins with its
** record again. 'current' is the lane's, but frees nothing: works come back here for that. */
static void end_process (const dm_group *group, const dm_lane *lane) {
  const dm_work *work = atomic_load(&lane->current);
  dprintf(STDERR_FILENO,
          "docmsg-lua: %s: the handler of %s [%d] at offset %lld does not end: it has taken twice "
          "its limit of %lld ms, inside a function of C\n",
          group->name, work->seat->topic, (int)work->seat->partition,
          (long long)work->entry.offset,
          (long long)(atomic_load(&lane->limit.deadline_ms) - atomic_load(&lane->limit.began_ms)));
  _exit(1);
}

void dm_group_watch (dm_group *group) {
  if (group->now < group->watch_at) return;
  group->watch_at = group->now + DM_GROUP_TICK_MS;
  for (int i = 0; i < group->options.engine.lanes; i++) {
    dm_lane *lane = &group->lanes[i];
    dm_limit_watch(&lane->limit, group->now);
    if (group->options.exit_when_stuck && dm_limit_late(&lane->limit, group->now) >= LAST_RESORT)
      end_process(group, lane);
  }
}

void dm_group_cut_off (dm_group *group) {
  for (int i = 0; i < group->options.engine.lanes; i++) {
    dm_limit_expire(&group->lanes[i].limit);
    dm_limit_watch(&group->lanes[i].limit, group->now);
  }
}

/* A hook ends Lua code within a fraction of a second. */
static bool is_stuck (const dm_lane *lane, int64_t now) {
  return dm_limit_late(&lane->limit, now - DM_GROUP_STUCK_MS) > 0;
}

dm_group_pulse dm_group_pulse_of (const dm_group *group, int i) {
  const dm_lane *lane = &group->lanes[i];
  int64_t now = dm_clock_ms(), began = atomic_load(&lane->limit.began_ms);
  return (dm_group_pulse){
    .busy_ms = began == 0 || began > now ? 0 : now - began,
    .stuck = is_stuck(lane, now),
  };
}
