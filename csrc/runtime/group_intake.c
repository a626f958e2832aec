/* SPDX-License-Identifier: MIT */
#include "runtime/group_parts.h"

/* Records read from one partition before the next has its turn. */
#define TURN 128

/* What a record costs beside its key and value, in librdkafka and here. */
#define RECORD_BYTES 512

/* FNV-1a; a record without a key is ordered with nothing but its own place. */
static uint64_t hash_key (const rd_kafka_message_t *message) {
  uint64_t hash = 0xcbf29ce484222325u;
  const unsigned char *key = message->key;
  if (key == NULL) return hash ^ (uint64_t)message->offset * 0x9e3779b97f4a7c15u;
  for (size_t i = 0; i < message->key_len; i++) hash = (hash ^ key[i]) * 0x100000001b3u;
  return hash;
}

/* An error of the partition that stands in the place of a record. */
static void note_error (dm_group *group, const dm_seat *seat, rd_kafka_message_t *message) {
  if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
    dm_group_note(group, 4, "%s [%d]: %s", seat->topic, (int)seat->partition,
                  rd_kafka_message_errstr(message));
  rd_kafka_message_destroy(message);
}

/* Gives the record to the engine. */
static void admit (dm_group *group, dm_seat *seat, rd_kafka_message_t *message) {
  dm_work *work = dm_work_new(&group->pool, message, seat, &group->inbox);
  if (work == NULL) {
    rd_kafka_message_destroy(message);
    dm_group_fail(group, "not enough memory for a record");
    return;
  }
  work->entry.partition = seat->number;
  work->entry.offset = message->offset;
  work->entry.key = hash_key(message);
  work->entry.bytes = (uint32_t)(message->len + message->key_len + RECORD_BYTES);
  switch (dm_engine_admit(group->engine, &work->entry, group->now)) {
    case DM_ADMITTED:
      dm_seat_link(work);
      group->unsettled++;
      return;
    case DM_NO_MEMORY:
      dm_group_fail(group, "not enough memory for a record");
      break;
    default: /* fetched twice: the first one counts */
      group->stats.duplicates++;
      break;
  }
  dm_work_free(&group->pool, work);
}

/* After all lanes were given what they can take: is there one for which nothing is left? */
static bool is_any_lane_hungry (const dm_group *group) {
  for (int i = 0; i < group->options.engine.lanes; i++)
    if (!dm_engine_ready(group->engine, i)) return true;
  return false;
}

/* Reads one turn of the partition; returns how many records there were. */
static int read_turn (dm_group *group, dm_seat *seat) {
  int count = 0;
  rd_kafka_message_t *message;
  while (count < TURN && !seat->held &&
         (message = rd_kafka_consume_queue(seat->queue, 0)) != NULL) {
    count++;
    if (message->err) note_error(group, seat, message);
    else admit(group, seat, message);
    dm_group_follow_flow(group);
  }
  return count;
}

bool dm_group_intake (dm_group *group) {
  dm_seat *seat = group->turn != NULL ? group->turn : group->seats;
  bool any = false;
  for (const dm_seat *first = seat; seat != NULL && is_any_lane_hungry(group);) {
    if (!seat->held && !atomic_load_explicit(&seat->leaving, memory_order_relaxed))
      any = read_turn(group, seat) > 0 || any;
    seat = seat->next != NULL ? seat->next : group->seats;
    group->turn = seat;
    if (seat == first) break;
  }
  return any;
}

void dm_group_follow_flow (dm_group *group) {
  dm_flow flow;
  while (dm_engine_flow(group->engine, &flow)) {
    dm_seat *seat = group->by_number[flow.partition];
    if (seat != NULL) seat->held = flow.hold;
  }
}

void dm_group_hand_out (dm_group *group) {
  bool is_due = dm_engine_due(group->engine) <= group->now;
  for (int i = 0; i < group->options.engine.lanes; i++) {
    dm_work_list works = { NULL, NULL, 0 };
    dm_entry *entry;
    int room;
    if (!is_due && !dm_engine_ready(group->engine, i)) continue;
    room = dm_lane_room(&group->lanes[i]);
    while (works.count < room &&
           (entry = dm_engine_next(group->engine, i, group->now)) != NULL) {
      dm_work *work = (dm_work *)entry;
      work->stage = DM_STAGE_LANE;
      atomic_store_explicit(&work->pending, 1, memory_order_relaxed);
      dm_work_list_append(&works, work);
    }
    if (works.first != NULL) dm_lane_push(&group->lanes[i], &works, group->lane_seen[i]);
  }
}
