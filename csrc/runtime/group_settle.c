/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "runtime/group_parts.h"

void dm_group_forget (dm_group *group, dm_work *work) {
  dm_seat_unlink(work);
  group->unsettled--;
  dm_work_free(&group->pool, work);
}

void dm_group_finish (dm_group *group, dm_work *work, dm_outcome outcome) {
  dm_engine_settle(group->engine, &work->entry, outcome, group->now);
  dm_group_forget(group, work);
}

void dm_group_drop (void *arg, dm_entry *entry) {
  dm_group_forget(arg, (dm_work *)entry);
}

/* -- What a lane replies ---------------------------------------------------------------------- */

static void retry (dm_group *group, dm_work *work) {
  dm_work_forgive(work);
  if (dm_engine_retry(group->engine, &work->entry, group->now + work->retry_after_ms, group->now))
    group->stats.retries++;
  else dm_group_forget(group, work); /* its partition was given up: whoever has it now starts afresh */
}

void dm_group_delivered (dm_group *group, dm_work *work) {
  int error = atomic_load(&work->error);
  if (work->message == NULL) dm_group_forget(group, work); /* dm_work_orphan came too late */
  else if (error && work->verdict != DM_VERDICT_CANCELLED) dm_group_bury(group, work);
  else if (work->stage == DM_STAGE_DEAD) dm_group_finish(group, work, DM_OUTCOME_DEAD);
  else dm_group_finish(group, work, dm_work_outcome(work));
}

static void take_reply (dm_group *group, dm_work *work) {
  group->lane_seen[work->entry.lane]++;
  switch (work->verdict) {
    case DM_VERDICT_ACK:
    case DM_VERDICT_SKIP:
      group->delivery->handled(group, work);
      break;
    case DM_VERDICT_CANCELLED:
      dm_group_note(group, 4, "%s [%d] at %lld was cut off: it will be handled again",
                    work->seat->topic, (int)work->seat->partition, (long long)work->entry.offset);
      group->delivery->handled(group, work);
      break;
    case DM_VERDICT_RETRY:
      retry(group, work);
      break;
    case DM_VERDICT_DEAD:
      dm_engine_done(group->engine, &work->entry);
      group->delivery->bury(group, work);
      break;
    case DM_VERDICT_UNRUN:
      if (!dm_engine_unrun(group->engine, &work->entry)) dm_group_forget(group, work);
      break;
  }
}

bool dm_group_settle (dm_group *group) {
  dm_work_list works = { NULL, NULL, 0 };
  dm_work *work;
  dm_inbox_take(&group->inbox, &works);
  if (works.first == NULL) return false;
  while ((work = dm_work_list_take(&works)) != NULL) {
    if (work->stage == DM_STAGE_LANE) take_reply(group, work);
    else dm_group_delivered(group, work);
  }
  dm_group_follow_flow(group);
  return true;
}
