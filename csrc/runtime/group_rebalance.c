/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "kafka/clock.h"
#include "runtime/group_parts.h"

/* How long a commit may take that partitions wait for, and the question where they begin. */
#define COMMIT_MS 5000
#define COMMITTED_MS 1000

static bool is_cooperative (const dm_group *group) {
  const char *protocol = rd_kafka_rebalance_protocol(group->rk);
  return protocol != NULL && strcmp(protocol, "COOPERATIVE") == 0;
}

static void note_refusal (dm_group *group, rd_kafka_error_t *error) {
  if (error == NULL) return;
  dm_group_note(group, 3, "rebalance: %s", rd_kafka_error_string(error));
  rd_kafka_error_destroy(error);
}

/* Tells librdkafka: the group must get its answer whatever happened here. */
static void answer (dm_group *group, const rd_kafka_topic_partition_list_t *list, bool gained) {
  rd_kafka_resp_err_t error;
  if (is_cooperative(group)) {
    note_refusal(group, gained ? rd_kafka_incremental_assign(group->rk, list)
                               : rd_kafka_incremental_unassign(group->rk, list));
    return;
  }
  error = rd_kafka_assign(group->rk, gained ? list : NULL);
  if (error) dm_group_note(group, 3, "rebalance: %s", rd_kafka_err2str(error));
}

/* -- Topics ----------------------------------------------------------------------------------- */

/* Puts the list in the place of the one that was to be subscribed to next, which it returns. */
static rd_kafka_topic_partition_list_t *exchange_wanted (dm_group *group,
                                                         rd_kafka_topic_partition_list_t *list) {
  rd_kafka_topic_partition_list_t *before;
  pthread_mutex_lock(&group->lock);
  before = group->wanted;
  group->wanted = list;
  pthread_mutex_unlock(&group->lock);
  return before;
}

bool dm_group_subscribe (dm_group *group, const rd_kafka_topic_partition_list_t *topics) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(topics);
  if (list == NULL) return false;
  list = exchange_wanted(group, list);
  if (list != NULL) rd_kafka_topic_partition_list_destroy(list);
  dm_inbox_wake(&group->inbox);
  return true;
}

void dm_group_follow_topics (dm_group *group) {
  rd_kafka_topic_partition_list_t *list = exchange_wanted(group, NULL);
  rd_kafka_resp_err_t error;
  if (list == NULL) return;
  error = rd_kafka_subscribe(group->rk, list);
  if (error) dm_group_note(group, 3, "subscription: %s", rd_kafka_err2str(error));
  rd_kafka_topic_partition_list_destroy(list);
}

/* -- Gaining ---------------------------------------------------------------------------------- */

static bool make_number_room (dm_group *group, int number) {
  int room = group->numbers * 2 + 64;
  dm_seat **seats;
  if (number < group->numbers) return true;
  if (room <= number) room = number + 1;
  seats = realloc(group->by_number, (size_t)room * sizeof *seats);
  if (seats == NULL) return false;
  memset(seats + group->numbers, 0, (size_t)(room - group->numbers) * sizeof *seats);
  group->by_number = seats;
  group->numbers = room;
  return true;
}

static bool take_seat (dm_group *group, const rd_kafka_topic_partition_t *place) {
  int number = dm_engine_assign(group->engine, -1);
  dm_seat *seat;
  if (number < 0 || !make_number_room(group, number)) return false;
  seat = dm_seat_new(group->rk, place, number, &group->inbox);
  if (seat == NULL) return false;
  seat->next = group->seats;
  group->seats = seat;
  group->by_number[number] = seat;
  return true;
}

/* Writes into the list where each partition begins. librdkafka would find out by itself, but waits for
** 0.1 s where nothing was committed yet. What the coordinator does not say in time is left to it. */
static void find_beginnings (dm_group *group, rd_kafka_topic_partition_list_t *list) {
  if (atomic_load(&group->kill) ||
      rd_kafka_committed(group->rk, list, COMMITTED_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return;
  for (int i = 0; i < list->cnt; i++) {
    rd_kafka_topic_partition_t *place = &list->elems[i];
    if (place->err) place->offset = RD_KAFKA_OFFSET_INVALID;
    else if (place->offset < 0) place->offset = group->beginning;
    place->err = RD_KAFKA_RESP_ERR_NO_ERROR;
  }
}

static void gain (dm_group *group, rd_kafka_topic_partition_list_t *list) {
  group->stats.assigns++;
  group->turn = NULL;
  for (int i = 0; i < list->cnt; i++)
    if (!take_seat(group, &list->elems[i])) {
      dm_group_fail(group, "not enough memory for a partition");
      break;
    }
  find_beginnings(group, list);
  answer(group, list, true);
  if (group->stats.state == DM_GROUP_JOINING) group->stats.state = DM_GROUP_RUNNING;
  dm_group_note(group, 6, "%d partitions gained", list->cnt);
}

bool dm_group_begin_again (dm_group *group, dm_seat *seat) {
  int number;
  dm_engine_revoke(group->engine, seat->number, dm_group_drop, group);
  group->by_number[seat->number] = NULL;
  number = dm_engine_assign(group->engine, -1);
  if (number < 0 || !make_number_room(group, number)) return false;
  group->by_number[number] = seat;
  seat->number = number;
  seat->committed = seat->wanted = -1;
  seat->held = false;
  for (dm_work *work = seat->settled.first; work != NULL; work = work->next)
    work->entry.offset = -1; /* it goes with the next offset, whatever that is */
  return true;
}

/* -- Giving up -------------------------------------------------------------------------------- */

/* Takes works back that no handler has begun. */
static void withdraw (dm_group *group) {
  dm_work_list works = { NULL, NULL, 0 };
  dm_work *work;
  for (int i = 0; i < group->options.engine.lanes; i++) dm_lane_withdraw(&group->lanes[i], &works);
  while ((work = dm_work_list_take(&works)) != NULL)
    if (!dm_engine_unrun(group->engine, &work->entry)) dm_group_forget(group, work);
}

/* From now on nothing of these partitions begins. */
static void begin_leaving (dm_group *group, const rd_kafka_topic_partition_list_t *list) {
  for (dm_seat *seat = group->seats; seat != NULL; seat = seat->next) {
    if (!dm_seat_is_in(seat, list) || atomic_load(&seat->leaving)) continue;
    atomic_store(&seat->leaving, true);
    dm_engine_drain(group->engine, seat->number, dm_group_drop, group);
  }
  withdraw(group);
  for (int i = 0; i < group->options.engine.lanes; i++)
    dm_lane_wake(&group->lanes[i]); /* for batches that wait for more records */
}

/* Does something of these partitions still run, or wait for its delivery? */
static bool is_any_unsettled (const dm_group *group, const rd_kafka_topic_partition_list_t *list) {
  for (const dm_seat *seat = group->seats; seat != NULL; seat = seat->next)
    if (seat->works != NULL && dm_seat_is_in(seat, list)) return true;
  return false;
}

/* Goes on for a moment; false: the time is over. */
static bool await_slice (dm_group *group, dm_deadline deadline) {
  if (atomic_load(&group->kill) || dm_deadline_left(deadline) == 0) return false;
  dm_group_round(group, dm_deadline_slice(deadline));
  return true;
}

static void await_settled (dm_group *group, const rd_kafka_topic_partition_list_t *list) {
  dm_deadline deadline = dm_deadline_in(group->options.revoke_ms);
  while (is_any_unsettled(group, list) && await_slice(group, deadline)) continue;
}

/* Moves the seats of these partitions to those that were given up. */
static void vacate (dm_group *group, const rd_kafka_topic_partition_list_t *list) {
  dm_seat **link = &group->seats, *seat;
  group->turn = NULL;
  while ((seat = *link) != NULL) {
    if (!dm_seat_is_in(seat, list)) {
      link = &seat->next;
      continue;
    }
    dm_engine_revoke(group->engine, seat->number, dm_group_drop, group);
    group->by_number[seat->number] = NULL;
    dm_seat_vacate(seat);
    *link = seat->next;
    seat->next = group->vacated;
    group->vacated = seat;
  }
}

static void give_up (dm_group *group, const rd_kafka_topic_partition_list_t *list) {
  bool lost = rd_kafka_assignment_lost(group->rk);
  if (lost) group->stats.losses++;
  else group->stats.revokes++;
  begin_leaving(group, list);
  if (!lost) {
    await_settled(group, list);
    group->delivery->settle_up(group, COMMIT_MS);
  }
  group->delivery->abandon(group, list);
  vacate(group, list);
  answer(group, list, false);
  dm_group_note(group, 6, "%d partitions %s", list->cnt, lost ? "lost" : "given up");
}

/* Meanwhile the group may rebalance: it does not wait for this member. */
void dm_group_leave_all (dm_group *group, int timeout_ms) {
  dm_deadline deadline = dm_deadline_in(timeout_ms);
  begin_leaving(group, NULL);
  do dm_group_serve_events(group);
  while (is_any_unsettled(group, NULL) && await_slice(group, deadline));
  group->delivery->settle_up(group, COMMIT_MS);
  group->delivery->abandon(group, NULL);
}

void dm_group_rebalance (dm_group *group, rd_kafka_event_t *event) {
  rd_kafka_resp_err_t code = rd_kafka_event_error(event);
  rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) gain(group, list);
  else {
    if (code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
      dm_group_note(group, 3, "rebalance: %s", rd_kafka_err2str(code));
    give_up(group, list);
  }
}

void dm_group_sweep_seats (dm_group *group) {
  dm_seat **link = &group->vacated, *seat;
  if (group->window.shut && group->window.batch.works.first != NULL)
    return; /* they come back to their seats */
  while ((seat = *link) != NULL) {
    if (seat->works != NULL) {
      link = &seat->next;
      continue;
    }
    *link = seat->next;
    dm_seat_free(seat);
  }
}
