/* SPDX-License-Identifier: MIT */
/* Exactly-once. A record that was handled is settled in the engine at once, and waits in its seat
** with what it emitted, or with its dead letter. When a window closes, a transaction takes those
** below the offset that may be committed, partition by partition, and that offset with them. What
** it took stays here until the broker has it: an aborted transaction is done again. */
#include <limits.h>

#include "kafka/clock.h"
#include "runtime/group_parts.h"
#include "runtime/outbox.h"

/* Settled records of a partition that may wait behind one that is not. */
#define SETTLED_MAX 10000

/* What settled records may weigh in all; at half of it a window closes before its time. */
#define BYTES_MAX ((size_t)32 << 20)

/* What an emit weighs beside its key and value, with its headers. */
#define EMIT_BYTES 512

/* Works that a transaction takes while there are suspects. */
#define SUSPECTS_MAX 256

/* After failed transactions, until the next. */
#define PAUSE_MS 100
#define PAUSE_MAX_MS 3000

/* How long a group that ends waits for its last transaction before it leaves: librdkafka 2.0.2 ends
** no send_offsets_to_transaction while the group's coordinator cannot be reached. */
#define ABANDON_MS 2000

/* How often a failure is worth a line. */
#define FAILURE_NOTE_MS 5000

/* -- What waits ------------------------------------------------------------------------------- */

/* The engine has let go of the work: from now on it counts here. */
static void hold (dm_group *group, dm_work *work) {
  work->entry.bytes += (uint32_t)(work->outbox->used + work->outbox->count * EMIT_BYTES);
  group->window.bytes += work->entry.bytes;
  group->window.count++;
  dm_seat_unlink(work);
  dm_work_list_append(&work->seat->settled, work);
}

static void release (dm_group *group, dm_work *work) {
  group->window.bytes -= work->entry.bytes;
  group->window.count--;
  group->unsettled--;
  dm_work_free(&group->pool, work);
}

static void handled (dm_group *group, dm_work *work) {
  dm_outcome outcome = dm_work_outcome(work);
  work->stage = DM_STAGE_EMITTING;
  if (outcome == DM_OUTCOME_CANCELLED || work->outbox == NULL)
    dm_group_finish(group, work, outcome);
  else if (dm_engine_settle(group->engine, &work->entry, outcome, group->now)) hold(group, work);
  else dm_group_forget(group, work);
}

static void bury (dm_group *group, dm_work *work) {
  dm_group_condemn(group, work);
  if (!dm_group_write_letter(group, work, true)) {
    dm_group_fail(group, "not enough memory for a dead letter");
    dm_group_finish(group, work, DM_OUTCOME_CANCELLED);
  }
  else if (dm_engine_settle(group->engine, &work->entry, DM_OUTCOME_DEAD, group->now))
    hold(group, work);
  else dm_group_forget(group, work);
}

static bool has_room (const dm_group *group, const dm_seat *seat) {
  return group->window.bytes < BYTES_MAX && seat->settled.count < SETTLED_MAX;
}

/* -- Works whose events the broker refuses ----------------------------------------------------- */

/* The broker refuses the dead letter, too: its place alone may be small enough. */
static void shrink (dm_group *group, dm_work *work, rd_kafka_resp_err_t error) {
  bool whole = work->outbox->emits[0].has_value;
  if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && whole &&
      dm_group_write_letter(group, work, false))
    return;
  dm_group_note_refusal(group, work, error);
}

/* Who had a refused record is suspected first, since the broker refuses whole sets of them; who has
** one again, when each of its events stands alone, becomes a dead letter. True: the next transaction
** will be another one. */
static bool examine (dm_group *group, dm_work *work) {
  rd_kafka_resp_err_t error = (rd_kafka_resp_err_t)atomic_load(&work->error);
  bool guilty = work->suspect, is_letter = work->stage == DM_STAGE_DEAD;
  if (!error) return false;
  if (guilty && is_letter) shrink(group, work, error);
  else if (guilty) {
    dm_emitter_count_failed(group->options.emitter, work->outbox, 0);
    dm_group_condemn(group, work);
    if (!dm_group_write_letter(group, work, true))
      dm_group_fail(group, "not enough memory for a dead letter");
  }
  work->suspect = !guilty || is_letter;
  atomic_store(&work->error, RD_KAFKA_RESP_ERR_NO_ERROR);
  return !guilty || !is_letter;
}

/* -- Transactions ----------------------------------------------------------------------------- */

/* The offset that a transaction takes the partition to: all that may be committed, or, while there
** are suspects, which take their time, so much that about 'most' works are below it. */
static int64_t limit_of (const dm_seat *seat, int most) {
  int64_t lowest = INT64_MAX;
  if (seat->settled.count <= most) return seat->wanted;
  for (const dm_work *work = seat->settled.first; work != NULL; work = work->next)
    if (work->entry.offset >= 0 && work->entry.offset < lowest) lowest = work->entry.offset;
  return seat->wanted - lowest < most ? seat->wanted : lowest + most;
}

/* Moves the works of the partition below the offset to the batch. Those of one key keep their
** order. */
static void collect_below (dm_batch *batch, dm_seat *seat, int64_t limit) {
  dm_work_list settled = { NULL, NULL, 0 };
  dm_work *work;
  dm_work_list_move(&settled, &seat->settled);
  while ((work = dm_work_list_take(&settled)) != NULL)
    dm_work_list_append(work->entry.offset < limit ? &batch->works : &seat->settled, work);
}

/* Fills the batch; false when there is nothing to commit. */
static bool collect (dm_group *group) {
  dm_batch *batch = &group->window.batch;
  int most = group->window.careful ? SUSPECTS_MAX : INT_MAX;
  dm_group_take_commits(group);
  batch->offsets = rd_kafka_topic_partition_list_new(8);
  for (dm_seat *seat = group->seats; seat != NULL && batch->works.count < most; seat = seat->next) {
    int64_t limit;
    if (seat->wanted <= seat->committed || seat->dropped) continue;
    limit = limit_of(seat, most - batch->works.count);
    collect_below(batch, seat, limit);
    rd_kafka_topic_partition_list_add(batch->offsets, seat->topic, seat->partition)->offset = limit;
  }
  if (batch->offsets->cnt > 0) return true;
  rd_kafka_topic_partition_list_destroy(batch->offsets);
  return false;
}

/* Begins a transaction if there is anything to commit. */
static void begin (dm_group *group) {
  if (group->window.shut || !collect(group)) return;
  dm_transactor_give(group->window.transactor, &group->window.batch);
  group->committing = true;
}

/* Puts the works of the batch before the others of their seats, for the next transaction. */
static void give_back (dm_group *group) {
  dm_work *work;
  for (dm_seat *seat = group->seats; seat != NULL; seat = seat->next)
    dm_work_list_move(&seat->later, &seat->settled);
  while ((work = dm_work_list_take(&group->window.batch.works)) != NULL) {
    if (work->entry.offset >= work->seat->wanted) work->entry.offset = -1; /* it began anew */
    dm_work_list_append(&work->seat->settled, work);
  }
  for (dm_seat *seat = group->seats; seat != NULL; seat = seat->next)
    dm_work_list_move(&seat->settled, &seat->later);
}

static void succeed (dm_group *group) {
  dm_window *window = &group->window;
  dm_work *work;
  dm_group_take_offsets(group, window->batch.offsets);
  dm_emitter_count(group->options.emitter, &window->batch.works);
  group->stats.commits++;
  window->failures = 0;
  window->careful = false;
  while ((work = dm_work_list_take(&window->batch.works)) != NULL) {
    window->careful = window->careful || work->suspect;
    release(group, work);
  }
}

/* When to try again. */
static void put_off (dm_group *group) {
  int ms = PAUSE_MS << (group->window.failures < 5 ? group->window.failures : 5);
  group->window.failures++;
  group->commit_at = group->now + (ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS);
}

static void fail (dm_group *group) {
  dm_window *window = &group->window;
  bool is_news = false;
  group->stats.commit_failures++;
  for (dm_work *work = window->batch.works.first; work != NULL; work = work->next)
    is_news = examine(group, work) || is_news;
  if (is_news) window->careful = true;
  else put_off(group);
  give_back(group);
  if (group->now < window->failure_at) return;
  window->failure_at = group->now + FAILURE_NOTE_MS;
  dm_group_note(group, 4, "transaction aborted, to be done again: %s",
                dm_transactor_trouble(window->transactor));
}

/* Takes the end of the running transaction, if it has come. */
static void take_result (dm_group *group) {
  dm_window *window = &group->window;
  dm_txn_result result = dm_transactor_take(window->transactor);
  if (result == DM_TXN_RUNNING) return;
  if (result == DM_TXN_COMMITTED) succeed(group);
  else if (result == DM_TXN_ABORTED) fail(group);
  else {
    window->shut = true;
    give_back(group);
    dm_group_fail(group, "%s", dm_transactor_trouble(window->transactor));
  }
  if (group->committing) rd_kafka_topic_partition_list_destroy(window->batch.offsets);
  group->committing = false;
}

static void commit (dm_group *group) {
  bool early;
  take_result(group);
  early = group->window.bytes >= BYTES_MAX / 2 && group->window.failures == 0;
  if (group->committing || (group->now < group->commit_at && !early)) return;
  group->commit_at = group->now + group->options.commit_ms;
  begin(group);
}

/* -- When partitions go ----------------------------------------------------------------------- */

/* One step towards having committed all that may be. False: that is so. */
static bool commit_more (dm_group *group, dm_deadline deadline) {
  bool pausing = group->window.failures > 0 && group->now < group->commit_at;
  if (group->committing || pausing) {
    dm_group_round(group, dm_deadline_slice(deadline));
    return true;
  }
  begin(group);
  return group->committing;
}

static void settle_up (dm_group *group, int timeout_ms) {
  dm_deadline deadline = dm_deadline_in(timeout_ms);
  while (dm_deadline_left(deadline) > 0 && !atomic_load(&group->kill) &&
         commit_more(group, deadline))
    continue;
}

static bool is_any_kept (const dm_group *group, const rd_kafka_topic_partition_list_t *list) {
  for (const dm_seat *seat = group->seats; seat != NULL; seat = seat->next)
    if (!dm_seat_is_in(seat, list)) return true;
  return false;
}

/* Whoever has the partition next handles these again. */
static void drop (dm_group *group, dm_seat *seat) {
  dm_work *work;
  while ((work = dm_work_list_take(&seat->settled)) != NULL) release(group, work);
  seat->dropped = true;
}

static bool is_ending (const dm_group *group) {
  return atomic_load(&group->stop) || group->stats.state == DM_GROUP_FAILED;
}

/* Waits for the end of the running transaction. One that also has partitions which stay must be
** known to its end, or their records could be produced twice. */
static void await_result (dm_group *group, const rd_kafka_topic_partition_list_t *list) {
  dm_deadline deadline = dm_deadline_in(ABANDON_MS);
  while (group->committing && !(is_ending(group) && dm_deadline_left(deadline) == 0)) {
    if (!is_any_kept(group, list) || atomic_load(&group->kill))
      dm_transactor_hurry(group->window.transactor);
    dm_group_round(group, DM_GROUP_TICK_MS);
  }
}

static bool abandon (dm_group *group, const rd_kafka_topic_partition_list_t *list) {
  bool shut = group->window.shut;
  group->window.shut = true;
  await_result(group, list);
  group->window.shut = shut || group->committing || group->stats.state == DM_GROUP_FAILED;
  for (dm_seat *seat = group->seats; seat != NULL; seat = seat->next)
    if (dm_seat_is_in(seat, list)) drop(group, seat);
  for (dm_seat *seat = group->vacated; seat != NULL; seat = seat->next) drop(group, seat);
  return !group->committing;
}

const dm_delivery dm_exactly_once = {
  .handled = handled,
  .bury = bury,
  .has_room = has_room,
  .commit = commit,
  .settle_up = settle_up,
  .abandon = abandon,
};
