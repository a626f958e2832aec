/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "runtime/group_parts.h"

/* Asks the engine what may be committed. */
static void take_commits (dm_group *group) {
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

/* Sends what is to be committed; the answer goes to 'answers'. False: nothing was sent. */
static bool send_list (dm_group *group, rd_kafka_queue_t *answers) {
  rd_kafka_topic_partition_list_t *list;
  rd_kafka_resp_err_t error;
  take_commits(group);
  list = make_list(group);
  if (list == NULL) return false;
  error = rd_kafka_commit_queue(group->rk, list, answers, NULL, NULL);
  rd_kafka_topic_partition_list_destroy(list);
  if (error) dm_group_note(group, 4, "commit: %s", rd_kafka_err2str(error));
  return error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void dm_group_commit (dm_group *group) {
  if (group->now < group->commit_at || group->committing) return;
  group->commit_at = group->now + group->options.commit_ms;
  group->committing = send_list(group, group->events);
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

static void note_committed (dm_group *group, rd_kafka_event_t *event) {
  rd_kafka_resp_err_t error = rd_kafka_event_error(event);
  const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
  for (int i = 0; list != NULL && i < list->cnt; i++) {
    const rd_kafka_topic_partition_t *place = &list->elems[i];
    dm_seat *seat = find_seat(group, place);
    if (!error) error = place->err;
    if (!rd_kafka_event_error(event) && !place->err && seat != NULL &&
        place->offset > seat->committed)
      seat->committed = place->offset;
  }
  if (!error) group->stats.commits++;
  else group->stats.commit_failures++;
  if (error && !is_passing(error))
    dm_group_note(group, 4, "commit: %s", rd_kafka_err2str(error));
}

void dm_group_committed (dm_group *group, rd_kafka_event_t *event) {
  group->committing = false;
  note_committed(group, event);
}

void dm_group_commit_now (dm_group *group, int timeout_ms) {
  rd_kafka_queue_t *answers = rd_kafka_queue_new(group->rk);
  if (send_list(group, answers)) {
    rd_kafka_event_t *event = rd_kafka_queue_poll(answers, timeout_ms);
    if (event != NULL) {
      note_committed(group, event);
      rd_kafka_event_destroy(event);
    }
    else dm_group_note(group, 4, "commit: no answer from the broker in time");
  }
  rd_kafka_queue_destroy(answers);
}
