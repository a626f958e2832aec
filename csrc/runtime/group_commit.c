/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "kafka/clock.h"
#include "runtime/group_parts.h"

void dm_group_take_commits (dm_group *group) {
  dm_commit commit;
  while (dm_engine_commit(group->engine, &commit)) {
    dm_seat *seat = group->by_number[commit.partition];
    if (seat != NULL) seat->wanted = commit.offset;
  }
}

/* What is to be committed, or NULL when nothing is. */
static rd_kafka_topic_partition_list_t *make_list (const dm_group *group) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
  for (const dm_seat *seat = group->seats; seat != NULL; seat = seat->next)
    if (seat->wanted > seat->committed)
      rd_kafka_topic_partition_list_add(list, seat->topic, seat->partition)->offset = seat->wanted;
  if (list->cnt > 0) return list;
  rd_kafka_topic_partition_list_destroy(list);
  return NULL;
}

/* Sends what is to be committed, if anything is. */
static void send_list (dm_group *group) {
  rd_kafka_topic_partition_list_t *list;
  rd_kafka_resp_err_t error;
  dm_group_take_commits(group);
  list = make_list(group);
  if (list == NULL) return;
  error = rd_kafka_commit_queue(group->rk, list, group->answers, NULL, NULL);
  rd_kafka_topic_partition_list_destroy(list);
  if (error) dm_group_note(group, 4, "commit: %s", rd_kafka_err2str(error));
  group->committing = error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static dm_seat *find_seat (const dm_group *group, const rd_kafka_topic_partition_t *place) {
  dm_seat *seat = group->seats;
  while (seat != NULL &&
         (seat->partition != place->partition || strcmp(seat->topic, place->topic) != 0))
    seat = seat->next;
  return seat;
}

/* A group that is rebalancing refuses commits; what was refused is sent again later, or after the
** next assignment by whoever has the partition then. */
static bool is_passing (rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
         error == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
         error == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || error == RD_KAFKA_RESP_ERR__STATE ||
         error == RD_KAFKA_RESP_ERR__NO_OFFSET;
}

void dm_group_take_offsets (dm_group *group, const rd_kafka_topic_partition_list_t *offsets) {
  for (int i = 0; i < offsets->cnt; i++) {
    const rd_kafka_topic_partition_t *place = &offsets->elems[i];
    dm_seat *seat = find_seat(group, place);
    if (!place->err && seat != NULL && place->offset > seat->committed &&
        place->offset <= seat->wanted) /* else it began anew meanwhile */
      seat->committed = place->offset;
  }
}

static void note_committed (dm_group *group, rd_kafka_event_t *event) {
  rd_kafka_resp_err_t error = rd_kafka_event_error(event);
  const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
  if (!error && list != NULL) dm_group_take_offsets(group, list);
  for (int i = 0; list != NULL && i < list->cnt && !error; i++) error = list->elems[i].err;
  if (!error) group->stats.commits++;
  else group->stats.commit_failures++;
  if (error && !is_passing(error))
    dm_group_note(group, 4, "commit: %s", rd_kafka_err2str(error));
}

/* Takes the answer to the commit that is on its way; waits for it up to timeout_ms. */
static void take_answer (dm_group *group, int timeout_ms) {
  rd_kafka_event_t *event = rd_kafka_queue_poll(group->answers, timeout_ms);
  if (event == NULL) return;
  group->committing = false;
  note_committed(group, event);
  rd_kafka_event_destroy(event);
}

/* One commit at a time: a second one could overtake the first, and the offset would go back. */
static void commit (dm_group *group) {
  if (group->committing) take_answer(group, 0);
  if (group->committing || group->now < group->commit_at) return;
  group->commit_at = group->now + group->options.commit_ms;
  send_list(group);
}

static void commit_now (dm_group *group, int timeout_ms) {
  dm_deadline deadline = dm_deadline_in(timeout_ms);
  if (group->committing) take_answer(group, dm_deadline_left(deadline));
  if (!group->committing) send_list(group);
  if (group->committing) take_answer(group, dm_deadline_left(deadline));
  if (group->committing) dm_group_note(group, 4, "commit: no answer from the broker in time");
}

/* -- The guarantee ---------------------------------------------------------------------------- */

/* The handler is done and its emits are with the producer. */
static void handled (dm_group *group, dm_work *work) {
  dm_engine_done(group->engine, &work->entry);
  work->stage = DM_STAGE_EMITTING;
  if (atomic_fetch_sub(&work->pending, 1) == 1) dm_group_delivered(group, work);
}

static bool has_room (const dm_group *group, const dm_seat *seat) {
  (void)group, (void)seat;
  return true;
}

static bool abandon (dm_group *group, const rd_kafka_topic_partition_list_t *list) {
  (void)list;
  dm_group_drop_postponed(group);
  return true;
}

const dm_delivery dm_at_least_once = {
  .handled = handled,
  .bury = dm_group_bury,
  .has_room = has_room,
  .commit = commit,
  .settle_up = commit_now,
  .abandon = abandon,
};
