/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runtime/group_parts.h"

/* How long until a dead letter that the broker refused is tried again. */
#define REFUSED_MS 1000

/* The same when the producer's queue was full. */
#define FULL_MS 20

/* Names of topics have 249 bytes at most; a longer one is refused by the broker. */
#define TOPIC_ROOM 512

/* How often a refusal is worth a line. */
#define REFUSAL_NOTE_MS 5000

const char *const dm_reasons[DM_REASONS] = {
  "exhausted", "rejected", "undecodable", "schema", "unrouted", "too_large", "hops",
  "undeliverable",
};

/* Without a failure of its handler the record is dead because an event it emitted was refused. */
static void explain_undelivered (dm_work *work) {
  rd_kafka_resp_err_t error = (rd_kafka_resp_err_t)atomic_load(&work->error);
  char text[256];
  int length = snprintf(text, sizeof text, "an emitted event was not accepted: %s (%s)",
                        rd_kafka_err2str(error), rd_kafka_err2name(error));
  dm_work_fail(work, error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? "too_large" : "undeliverable",
               text, (size_t)length, NULL);
}

static void count_reason (dm_group *group, const dm_work *work) {
  const char *reason = work->failure != NULL ? work->failure->reason : dm_reasons[0];
  for (int i = 0; i < DM_REASONS; i++)
    if (strcmp(reason, dm_reasons[i]) == 0) group->stats.dead[i]++;
}

/* -- The record -------------------------------------------------------------------------------- */

static void add (rd_kafka_headers_t *headers, const char *name, const char *value) {
  if (value != NULL) rd_kafka_header_add(headers, name, -1, value, -1);
}

__attribute__((format(printf, 3, 4)))
static void add_text (rd_kafka_headers_t *headers, const char *name, const char *format, ...) {
  char text[64];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  add(headers, name, text);
}

static void add_time (rd_kafka_headers_t *headers) {
  char text[40];
  time_t now = time(NULL);
  struct tm utc;
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
  add(headers, "docmsg-failed-at", text);
}

/* The record's own headers, then why it is here; without its value it must not be taken for a
** tombstone. NULL: no memory. */
static rd_kafka_headers_t *make_headers (const dm_group *group, const dm_work *work,
                                         bool whole) {
  const dm_failure *failure = work->failure;
  rd_kafka_headers_t *headers, *own;
  bool has_own = rd_kafka_message_headers(work->message, &own) == RD_KAFKA_RESP_ERR_NO_ERROR;
  headers = has_own ? rd_kafka_headers_copy(own) : rd_kafka_headers_new(9);
  if (headers == NULL) return NULL;
  add(headers, "__dlq.errors.topic", work->seat->topic);
  add_text(headers, "__dlq.errors.partition", "%d", (int)work->seat->partition);
  add_text(headers, "__dlq.errors.offset", "%lld", (long long)work->entry.offset);
  add(headers, "__dlq.errors.group", group->name);
  add_text(headers, "__dlq.errors.delivery.count", "%u", (unsigned)work->entry.attempt);
  add(headers, "__dlq.errors.message", failure != NULL ? failure->message : NULL);
  add(headers, "docmsg-reason", failure != NULL ? failure->reason : dm_reasons[0]);
  add(headers, "docmsg-error-stack", failure != NULL ? failure->stack : NULL);
  if (!whole) add(headers, "docmsg-stub", "value");
  add_time(headers);
  return headers;
}

/* Where dead letters of that topic go. */
static const char *topic_of (const dm_group *group, const dm_work *work, char room[TOPIC_ROOM]) {
  if (group->dead_letters != NULL) return group->dead_letters;
  snprintf(room, TOPIC_ROOM, "%s.%s.dlq", work->seat->topic, group->name);
  return room;
}

static dm_outlet *outlet_of (dm_group *group, const dm_work *work) {
  char room[TOPIC_ROOM];
  return dm_emitter_outlet(group->options.emitter, topic_of(group, work, room));
}

/* The record as it came, or, when the broker finds that too large, its place alone. */
static rd_kafka_resp_err_t produce (dm_group *group, dm_work *work, bool whole) {
  dm_outlet *outlet = outlet_of(group, work);
  rd_kafka_headers_t *headers = make_headers(group, work, whole);
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__FAIL;
  if (outlet != NULL && headers != NULL) {
    atomic_store(&work->error, RD_KAFKA_RESP_ERR_NO_ERROR);
    atomic_fetch_add(&work->pending, 1);
    error = dm_emitter_copy(group->options.emitter, work, outlet, whole, headers);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return error;
    atomic_fetch_sub(&work->pending, 1);
  }
  if (headers != NULL) rd_kafka_headers_destroy(headers);
  return error;
}

/* The same as an emit. */
static bool add_letter (const dm_work *work, dm_outbox *outbox, dm_outlet *outlet, bool whole,
                        rd_kafka_headers_t *headers) {
  const rd_kafka_message_t *record = work->message;
  int64_t timestamp = rd_kafka_message_timestamp(record, NULL);
  return dm_outbox_add(outbox, &(dm_emit){
    .outlet = outlet, .headers = headers, .key_size = record->key_len,
    .value_size = whole ? record->len : 0, .timestamp = timestamp > 0 ? timestamp : 0,
    .partition = RD_KAFKA_PARTITION_UA,
  }, record->key, whole ? record->payload : NULL);
}

static dm_outbox *make_letter (dm_group *group, const dm_work *work, bool whole) {
  dm_outlet *outlet = outlet_of(group, work);
  rd_kafka_headers_t *headers = make_headers(group, work, whole);
  dm_outbox *outbox = dm_outbox_new(), *letter = NULL;
  if (outlet != NULL && headers != NULL && outbox != NULL &&
      add_letter(work, outbox, outlet, whole, headers)) {
    headers = NULL;
    letter = dm_outbox_pack(outbox);
  }
  if (headers != NULL) rd_kafka_headers_destroy(headers);
  if (outbox != NULL) dm_outbox_free(outbox);
  return letter;
}

bool dm_group_write_letter (dm_group *group, dm_work *work, bool whole) {
  dm_outbox *letter = make_letter(group, work, whole);
  if (letter == NULL) return false;
  if (work->outbox != NULL) dm_outbox_free(work->outbox);
  work->outbox = letter;
  return true;
}

/* -- Trying ----------------------------------------------------------------------------------- */

static void postpone (dm_group *group, dm_work *work, int ms) {
  if (group->postponed.first == NULL || group->postponed_until > group->now + ms)
    group->postponed_until = group->now + ms;
  dm_work_list_append(&group->postponed, work);
}

void dm_group_note_refusal (dm_group *group, const dm_work *work, rd_kafka_resp_err_t error) {
  char room[TOPIC_ROOM];
  group->stats.dead_failures++;
  if (group->now < group->refusal_at) return;
  group->refusal_at = group->now + REFUSAL_NOTE_MS;
  dm_group_note(group, 3, "%s does not take the dead letter of %s [%d] at %lld: %s (%s); trying "
                "again, as with others", topic_of(group, work, room), work->seat->topic,
                (int)work->seat->partition, (long long)work->entry.offset,
                rd_kafka_err2str(error), rd_kafka_err2name(error));
}

static void try (dm_group *group, dm_work *work, bool whole) {
  rd_kafka_resp_err_t error = produce(group, work, whole);
  if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && whole)
    error = produce(group, work, false);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) dm_group_note_refusal(group, work, error);
  postpone(group, work, error == RD_KAFKA_RESP_ERR__QUEUE_FULL ? FULL_MS : REFUSED_MS);
}

void dm_group_condemn (dm_group *group, dm_work *work) {
  if (work->failure == NULL && atomic_load(&work->error)) explain_undelivered(work);
  count_reason(group, work);
  work->stage = DM_STAGE_DEAD;
}

/* A work comes here for the first time, or when the broker has refused its dead letter. */
void dm_group_bury (dm_group *group, dm_work *work) {
  rd_kafka_resp_err_t error = (rd_kafka_resp_err_t)atomic_load(&work->error);
  bool again = work->stage == DM_STAGE_DEAD;
  if (!again) {
    atomic_store(&work->pending, 0);
    dm_group_condemn(group, work);
    try(group, work, true);
  }
  else if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) try(group, work, false);
  else {
    dm_group_note_refusal(group, work, error);
    postpone(group, work, REFUSED_MS);
  }
}

void dm_group_bury_postponed (dm_group *group) {
  dm_work_list works = { NULL, NULL, 0 };
  dm_work *work;
  if (group->postponed.first == NULL || group->now < group->postponed_until) return;
  dm_work_list_move(&works, &group->postponed);
  while ((work = dm_work_list_take(&works)) != NULL) try(group, work, true);
}

void dm_group_drop_postponed (dm_group *group) {
  dm_work_list works = { NULL, NULL, 0 };
  dm_work *work;
  dm_work_list_move(&works, &group->postponed);
  while ((work = dm_work_list_take(&works)) != NULL) {
    if (atomic_load(&work->seat->leaving)) dm_group_finish(group, work, DM_OUTCOME_CANCELLED);
    else dm_work_list_append(&group->postponed, work);
  }
}
