/* SPDX-License-Identifier: MIT */
#include "kafka/wake.h"
#include "runtime/group_parts.h"

/* Records read from one partition before the next has its turn. */
#define TURN 128

/* What a record costs beside its key and value, in librdkafka and here. */
#define RECORD_BYTES 512

/* How often it is said that there is room. */
#define FETCH_AGAIN_MS 20

/* Spreads small numbers. */
static uint64_t spread (uint64_t number) {
  return number * 0x9e3779b97f4a7c15u;
}

/* FNV-1a. */
static uint64_t hash_key (const rd_kafka_message_t *message) {
  uint64_t hash = 0xcbf29ce484222325u;
  const unsigned char *key = message->key;
  for (size_t i = 0; i < message->key_len; i++) hash = (hash ^ key[i]) * 0x100000001b3u;
  return hash;
}

/* What stands for all records that must run one after the other, for the engine and for lanes. A
** record without a key is ordered with nothing. */
static uint64_t key_of (const dm_group *group, const dm_seat *seat,
                        const rd_kafka_message_t *message) {
  switch (group->options.engine.order) {
    case DM_ORDER_PARTITION: return spread((uint64_t)seat->number);
    case DM_ORDER_KEY:
      if (message->key != NULL) return hash_key(message);
      break;
    default: break;
  }
  return spread((uint64_t)message->offset);
}

/* An error of the partition that stands in the place of a record. */
static void take_error (dm_group *group, const dm_seat *seat, rd_kafka_message_t *message) {
  if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
    dm_group_fail(group, "%s [%d]: there is no offset to begin at, and start is \"error\": %s",
                  seat->topic, (int)seat->partition, rd_kafka_message_errstr(message));
  else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
    dm_group_note(group, 4, "%s [%d]: %s", seat->topic, (int)seat->partition,
                  rd_kafka_message_errstr(message));
  rd_kafka_message_destroy(message);
}

static dm_admission admit (dm_group *group, dm_seat *seat, dm_work *work) {
  const rd_kafka_message_t *message = work->message;
  work->entry.partition = seat->number;
  work->entry.offset = message->offset;
  work->entry.key = key_of(group, seat, message);
  work->entry.bytes = (uint32_t)(message->len + message->key_len + RECORD_BYTES);
  return dm_engine_admit(group->engine, &work->entry, group->now);
}

/* The partition's log was cut, or the topic was made anew: what comes now was never handled. */
static dm_admission admit_again (dm_group *group, dm_seat *seat, dm_work *work) {
  dm_group_note(group, 4, "%s [%d]: goes on at the earlier offset %lld", seat->topic,
                (int)seat->partition, (long long)work->entry.offset);
  group->stats.rewinds++;
  return dm_group_begin_again(group, seat) ? admit(group, seat, work) : DM_NO_MEMORY;
}

/* Gives the record to the engine. */
static void take_record (dm_group *group, dm_seat *seat, rd_kafka_message_t *message) {
  dm_work *work = dm_work_new(&group->pool, message, seat, &group->inbox);
  dm_admission admission = DM_NO_MEMORY;
  if (work != NULL) admission = admit(group, seat, work);
  if (admission == DM_OUT_OF_ORDER) admission = admit_again(group, seat, work);
  if (admission == DM_ADMITTED) {
    dm_seat_link(work);
    group->unsettled++;
    return;
  }
  if (admission == DM_NO_MEMORY) dm_group_fail(group, "not enough memory for a record");
  if (work != NULL) dm_work_free(&group->pool, work);
  else rd_kafka_message_destroy(message);
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
  while (count < TURN && !seat->held && group->delivery->has_room(group, seat) &&
         (message = rd_kafka_consume_queue(seat->queue, 0)) != NULL) {
    count++;
    if (message->err) take_error(group, seat, message);
    else take_record(group, seat, message);
    dm_group_follow_flow(group);
  }
  return count;
}

/* There is room where records were taken. */
static void fetch_again (dm_group *group) {
  if (!group->has_taken || group->now < group->wake_at) return;
  group->wake_at = group->now + FETCH_AGAIN_MS;
  group->has_taken = false;
  dm_wake(group->rk);
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
  if (group->wakes) {
    group->has_taken = group->has_taken || any;
    fetch_again(group);
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
