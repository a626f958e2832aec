/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "engine/engine_parts.h"

/* Tells a key from the others of its partition. */
static uint64_t key_id (const dm_engine *e, const dm_entry *entry) {
  switch (e->options.order) {
    case DM_ORDER_KEY: return entry->key;
    case DM_ORDER_PARTITION: return 0;
    default: return (uint64_t)entry->offset;
  }
}

static dm_key *find_key (const dm_engine *e, const dm_entry *entry) {
  return dm_keys_find(&e->keys, key_id(e, entry), entry->partition);
}

/* Lanes are chosen by the key alone: it keeps its lane from one assignment to the next, and in all
** topics. */
static uint16_t choose_lane (const dm_engine *e, const dm_entry *entry) {
  uint64_t lanes = (uint64_t)e->options.lanes;
  switch (e->options.order) {
    case DM_ORDER_KEY:
      return (uint16_t)((entry->key * 0x9E3779B97F4A7C15u >> 32) * lanes >> 32);
    case DM_ORDER_PARTITION: return (uint16_t)((uint64_t)entry->partition % lanes);
    default: return 0;
  }
}

void dm_lane_queue (dm_engine *e, dm_entry *entry) {
  entry->lane = choose_lane(e, entry);
  dm_fifo_push(&e->lanes[entry->lane].queue, entry);
}

/* == What a lane holds == */

static void hand_out (dm_engine *e, dm_lane *lane, dm_entry *entry) {
  entry->state = DM_ENTRY_RUNNING;
  entry->attempt++;
  entry->turn = ++lane->handed;
  entry->prev = lane->last;
  entry->next = NULL;
  if (lane->last == NULL) lane->first = entry;
  else lane->last->next = entry;
  lane->last = entry;
  e->running++;
}

static void take_back (dm_engine *e, dm_lane *lane, dm_entry *entry) {
  if (entry->prev == NULL) lane->first = entry->next;
  else entry->prev->next = entry->next;
  if (entry->next == NULL) lane->last = entry->prev;
  else entry->next->prev = entry->prev;
  e->running--;
}

/* Does the lane hold a record that it was handed no later than at that turn? */
static bool holds_until (const dm_lane *lane, uint32_t turn) {
  return lane->first != NULL && (int32_t)(lane->first->turn - turn) <= 0;
}

/* == Keys that are out of turn == */

static dm_lane *lane_of_key (const dm_engine *e, const dm_key *key) {
  return &e->lanes[key->lane];
}

/* Takes the key out of whatever it waits in. */
static void detach (dm_engine *e, dm_key *key) {
  dm_lane *lane = lane_of_key(e, key);
  switch (key->state) {
    case DM_KEY_CLOSING: dm_key_list_remove(&lane->closing, key); break;
    case DM_KEY_PARKED: dm_timers_remove(&e->timers, key); break;
    case DM_KEY_READY: dm_key_list_remove(&lane->ready, key); break;
    default: break;
  }
  key->state = DM_KEY_NEW;
}

static void make_ready (dm_engine *e, dm_key *key) {
  key->state = DM_KEY_READY;
  dm_key_list_push(&lane_of_key(e, key)->ready, key);
}

/* The lane holds no record of the key any more. */
static void open_key (dm_engine *e, dm_key *key) {
  if (!key->retrying) {
    make_ready(e, key);
    return;
  }
  key->state = DM_KEY_PARKED;
  dm_timers_add(&e->timers, key);
}

static void open_keys (dm_engine *e, dm_lane *lane) {
  dm_key *key;
  while ((key = lane->closing.head) != NULL && !holds_until(lane, key->until)) {
    dm_key_list_remove(&lane->closing, key);
    open_key(e, key);
  }
}

/* Hands out no more of the key until the lane has reported all that it holds. Without an order
** there is nothing to wait for. */
static void close_key (dm_engine *e, dm_key *key) {
  dm_lane *lane = lane_of_key(e, key);
  detach(e, key);
  if (e->options.order == DM_ORDER_NONE) {
    open_key(e, key);
    return;
  }
  key->state = DM_KEY_CLOSING;
  key->until = lane->handed;
  dm_key_list_push(&lane->closing, key);
}

static void remove_key (dm_engine *e, dm_key *key) {
  detach(e, key);
  if (key->retrying) e->parked--;
  dm_keys_remove(&e->keys, key);
}

/* The key of a record that was handed out; there is room for it. */
static dm_key *obtain_key (dm_engine *e, const dm_entry *entry) {
  dm_key *key = find_key(e, entry);
  if (key != NULL) return key;
  key = dm_keys_add(&e->keys, key_id(e, entry), entry->partition);
  key->lane = e->options.order == DM_ORDER_NONE ? 0 : entry->lane;
  return key;
}

/* The retry that the key waited for is over: what follows goes on. */
static void end_trial (dm_engine *e, const dm_entry *entry) {
  dm_key *key = find_key(e, entry);
  if (key == NULL || key->state != DM_KEY_TRIAL) return; /* its partition was drained */
  if (key->queue.head == NULL) remove_key(e, key);
  else make_ready(e, key);
}

/* == Records come back from their lane == */

static dm_lane *lane_of (const dm_engine *e, const dm_entry *entry) {
  return &e->lanes[entry->lane];
}

void dm_lane_finish (dm_engine *e, dm_entry *entry) {
  dm_lane *lane = lane_of(e, entry);
  take_back(e, lane, entry);
  if (entry->trial) end_trial(e, entry);
  open_keys(e, lane);
}

/* May the record wait to run again? If not, its partition has ended, and it is given up. */
static bool may_stay (dm_engine *e, dm_entry *entry) {
  if (dm_partition_of(e, entry)->state == DM_PARTITION_ASSIGNED) return true;
  dm_lane_finish(e, entry);
  dm_engine_give_up(e, entry);
  return false;
}

/* Puts the record, which its lane no longer holds, before the later ones of its key. */
static void put_back (dm_key *key, dm_entry *entry) {
  entry->state = DM_ENTRY_QUEUED;
  dm_key_insert(key, entry);
}

static void await_retry (dm_engine *e, dm_key *key) {
  if (!key->retrying) e->parked++;
  key->retrying = true;
}

bool dm_engine_retry (dm_engine *e, dm_entry *entry, int64_t due, int64_t now) {
  dm_lane *lane = lane_of(e, entry);
  dm_key *key;
  assert(entry->state == DM_ENTRY_RUNNING);
  if (!may_stay(e, entry)) return false;
  take_back(e, lane, entry);
  key = obtain_key(e, entry);
  detach(e, key);
  key->due = due > now ? due : now;
  put_back(key, entry);
  await_retry(e, key);
  close_key(e, key);
  open_keys(e, lane);
  e->retries++;
  return true;
}

bool dm_engine_unrun (dm_engine *e, dm_entry *entry) {
  dm_lane *lane = lane_of(e, entry);
  dm_key *key;
  assert(entry->state == DM_ENTRY_RUNNING);
  if (!may_stay(e, entry)) return false;
  take_back(e, lane, entry);
  key = obtain_key(e, entry);
  entry->attempt--;
  put_back(key, entry);
  if (entry->trial) await_retry(e, key);
  if (entry->trial || key->state == DM_KEY_NEW || (key->state == DM_KEY_READY && !key->retrying))
    close_key(e, key);
  open_keys(e, lane);
  return true;
}

/* == What runs next == */

static dm_lane *queues_of (const dm_engine *e, int lane) {
  return &e->lanes[e->options.order == DM_ORDER_NONE ? 0 : lane];
}

/* Keys whose retry is due are ready. */
static void fire (dm_engine *e, int64_t now) {
  dm_key *key;
  while ((key = dm_timers_first(&e->timers)) != NULL && key->due <= now) {
    dm_timers_remove(&e->timers, key);
    make_ready(e, key);
  }
}

/* Each record that is handed out may need its key: there must be room then. */
static bool has_room (dm_engine *e) {
  uint32_t needed = e->keys.count + e->running + 1;
  if (needed <= e->keys.capacity && e->keys.capacity <= e->timers.capacity) return true;
  return dm_keys_reserve(&e->keys, needed) && dm_timers_reserve(&e->timers, e->keys.capacity);
}

/* The oldest whose key is not out of turn; those before it go to their key. */
static dm_entry *take_queued (dm_engine *e, dm_lane *lane) {
  while (lane->queue.head != NULL) {
    dm_entry *entry = dm_fifo_pop(&lane->queue);
    dm_key *key = find_key(e, entry);
    if (key == NULL) return entry;
    dm_fifo_push(&key->queue, entry);
  }
  return NULL;
}

static dm_entry *take_ready (dm_engine *e, dm_lane *lane) {
  dm_key *key = lane->ready.head;
  dm_entry *entry = dm_key_pop(key);
  dm_key_list_remove(&lane->ready, key);
  entry->trial = key->retrying;
  if (key->retrying) {
    key->retrying = false;
    key->state = DM_KEY_TRIAL;
    e->parked--;
  }
  else if (key->queue.head != NULL) dm_key_list_push(&lane->ready, key);
  else dm_keys_remove(&e->keys, key);
  return entry;
}

/* Keys that are ready and the queue take turns: neither keeps the other waiting. */
static dm_entry *take (dm_engine *e, dm_lane *lane) {
  dm_entry *entry = NULL;
  lane->turn = !lane->turn;
  if (lane->turn || lane->ready.head == NULL) entry = take_queued(e, lane);
  if (entry == NULL && lane->ready.head != NULL) entry = take_ready(e, lane);
  return entry;
}

dm_entry *dm_engine_next (dm_engine *e, int lane, int64_t now) {
  dm_entry *entry;
  fire(e, now);
  if (!has_room(e)) return NULL;
  entry = take(e, queues_of(e, lane));
  if (entry == NULL) return NULL;
  entry->lane = (uint16_t)lane;
  hand_out(e, &e->lanes[lane], entry);
  return entry;
}

bool dm_engine_ready (const dm_engine *e, int lane) {
  const dm_lane *queues = queues_of(e, lane);
  return queues->queue.head != NULL || queues->ready.head != NULL;
}

int64_t dm_engine_due (const dm_engine *e) {
  const dm_key *key = dm_timers_first(&e->timers);
  return key == NULL ? INT64_MAX : key->due;
}

/* == The end of a partition == */

static void drop_entry (dm_engine *e, dm_entry *entry, dm_engine_drop drop, void *arg) {
  dm_engine_give_up(e, entry);
  drop(arg, entry);
}

static void drop_queued (dm_engine *e, dm_fifo *queue, int partition, dm_engine_drop drop,
                         void *arg) {
  dm_entry *entry = queue->head, *next;
  queue->head = NULL;
  for (; entry != NULL; entry = next) {
    next = entry->next;
    if (entry->partition == partition) drop_entry(e, entry, drop, arg);
    else dm_fifo_push(queue, entry);
  }
}

void dm_lane_drop (dm_engine *e, int partition, dm_engine_drop drop, void *arg) {
  for (int i = 0; i < e->options.lanes; i++)
    drop_queued(e, &e->lanes[i].queue, partition, drop, arg);
  for (uint32_t i = e->keys.count; i-- > 0;) {
    dm_key *key = e->keys.all[i];
    if (key->partition != partition) continue;
    drop_queued(e, &key->queue, partition, drop, arg);
    remove_key(e, key);
  }
}
