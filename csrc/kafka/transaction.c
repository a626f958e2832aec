/* SPDX-License-Identifier: MIT */
/* Transactions of a producer. Every call runs as a task with librdkafka's own time-out: a call that
** timed out there is retriable and, called again, goes on where it was. */
#include <lauxlib.h>

#include "kafka/consumer.h"
#include "kafka/error.h"
#include "kafka/offsets.h"
#include "kafka/producer.h"

/* librdkafka ends at its time-out: what a task may take longer before we stop waiting for it. */
#define GRACE_MS 2000

/* How long an abort waits for the first report of its transaction, and how often it looks. */
#define FIRST_REPORT_MS 5000
#define LOOK_MS 20

typedef struct txn_job {
  rd_kafka_t *rk;
  int timeout_ms;
  dm_ledger *ledger;
  uint64_t reports_before; /* those that came in before the transaction began */
  bool doomed;             /* it can only be aborted: librdkafka sends no more of it */
  const rd_kafka_topic_partition_list_t *offsets; /* a copy of ours */
  rd_kafka_consumer_group_metadata_t *group;
  rd_kafka_error_t *error;
} txn_job;

static void txn_cleanup (void *block) {
  txn_job *job = block;
  if (job->offsets != NULL)
    rd_kafka_topic_partition_list_destroy((rd_kafka_topic_partition_list_t *)job->offsets);
  if (job->group != NULL) rd_kafka_consumer_group_metadata_destroy(job->group);
  if (job->error != NULL) rd_kafka_error_destroy(job->error);
}

static void init_work (void *block) {
  txn_job *job = block;
  job->error = rd_kafka_init_transactions(job->rk, job->timeout_ms);
}

static void commit_work (void *block) {
  txn_job *job = block;
  job->error = rd_kafka_commit_transaction(job->rk, job->timeout_ms);
}

/* Has nothing of the transaction been reported yet, and is something on its way? */
static bool is_unheard (const txn_job *job) {
  return dm_ledger_reported(job->ledger) == job->reports_before && rd_kafka_outq_len(job->rk) > 0;
}

/* librdkafka ends a transaction on the broker even while its first partition is still refused, as
** it is until the transaction before is complete. The broker has no such transaction to abort, and
** its answer is fatal for the producer. A report shows that it has one. */
static void await_first_report (const txn_job *job) {
  int most = job->timeout_ms / 2;
  dm_deadline deadline =
      dm_deadline_in(most < 0 || most > FIRST_REPORT_MS ? FIRST_REPORT_MS : most);
  while (is_unheard(job) && dm_deadline_left(deadline) > 0 && !dm_job_abandoned(job))
    rd_kafka_flush(job->rk, LOOK_MS);
}

static void abort_work (void *block) {
  txn_job *job = block;
  dm_deadline deadline = dm_deadline_in(job->timeout_ms);
  if (!job->doomed) await_first_report(job);
  job->error = rd_kafka_abort_transaction(
      job->rk, job->timeout_ms < 0 ? job->timeout_ms : dm_deadline_left(deadline));
}

static void offsets_work (void *block) {
  txn_job *job = block;
  job->error = rd_kafka_send_offsets_to_transaction(job->rk, job->offsets, job->group,
                                                    job->timeout_ms);
}

/* Pushes a job of this producer. */
static txn_job *push_job (lua_State *L, dm_producer *producer, int timeout_ms) {
  txn_job *job = dm_job_push(L, sizeof *job, txn_cleanup);
  job->rk = producer->client.rk;
  job->timeout_ms = timeout_ms;
  job->ledger = producer->ledger;
  job->reports_before = producer->reports_before;
  job->doomed = producer->doomed;
  return job;
}

/* Runs the job on the top of the stack. True when it succeeded; false after pushing nil and an
** error. */
static bool run (lua_State *L, dm_producer *producer, txn_job *job, void (*work) (void *block),
                 const char *doing) {
  int box = lua_gettop(L);
  int wait_ms = job->timeout_ms < 0 ? DM_FOREVER : job->timeout_ms + GRACE_MS;
  rd_kafka_error_t *error;
  if (!dm_client_run(L, &producer->client, box, work, dm_deadline_in(wait_ms), doing))
    return false;
  error = job->error;
  job->error = NULL;
  dm_job_end(L, box);
  if (error == NULL) return true;
  if (rd_kafka_error_txn_requires_abort(error)) producer->doomed = true;
  dm_error_take(L, error);
  dm_client_blame(L, &producer->client);
  return false;
}

static dm_producer *check_transactional (lua_State *L) {
  dm_producer *producer = dm_producer_check(L, 1);
  if (!producer->transactional)
    luaL_error(L, "this producer has no transactions: make it with transactional_id");
  return producer;
}

/* Handlers run last: one that raises must not hide what happened. */
static int succeed (lua_State *L, dm_producer *producer) {
  dm_client_dispatch(L, 1, &producer->client);
  lua_pushboolean(L, 1);
  return 1;
}

int dm_transaction_begin (lua_State *L) {
  dm_producer *producer = check_transactional(L);
  int timeout_ms = dm_duration_opt(L, 2, "60s");
  rd_kafka_error_t *error;
  if (!producer->initialised) {
    txn_job *job = push_job(L, producer, timeout_ms);
    if (!run(L, producer, job, init_work, "begin: init_transactions")) return 2;
    producer->initialised = true;
  }
  error = rd_kafka_begin_transaction(producer->client.rk);
  if (error != NULL) return dm_error_take(L, error);
  producer->in_transaction = true;
  producer->doomed = false;
  producer->reports_before = dm_ledger_reported(producer->ledger);
  return succeed(L, producer);
}

int dm_transaction_send_offsets (lua_State *L) {
  dm_producer *producer = check_transactional(L);
  int timeout_ms = dm_duration_opt(L, 4, "60s");
  const rd_kafka_topic_partition_list_t *offsets =
      dm_offsets_read(L, 2, "send_offsets", DM_OFFSET_NEXT);
  txn_job *job = push_job(L, producer, timeout_ms);
  job->group = dm_consumer_group_metadata(L, 3);
  job->offsets = rd_kafka_topic_partition_list_copy(offsets);
  if (!run(L, producer, job, offsets_work, "send_offsets")) return 2;
  return succeed(L, producer);
}

int dm_transaction_commit (lua_State *L) {
  dm_producer *producer = check_transactional(L);
  txn_job *job = push_job(L, producer, dm_duration_opt(L, 2, "60s"));
  if (!run(L, producer, job, commit_work, "commit")) return 2;
  producer->in_transaction = false;
  return succeed(L, producer);
}

int dm_transaction_abort (lua_State *L) {
  dm_producer *producer = check_transactional(L);
  txn_job *job = push_job(L, producer, dm_duration_opt(L, 2, "60s"));
  if (!run(L, producer, job, abort_work, "abort")) return 2;
  producer->in_transaction = false;
  return succeed(L, producer);
}

void dm_transaction_give_up (lua_State *L, dm_producer *producer, dm_deadline deadline) {
  int top = lua_gettop(L);
  if (!producer->in_transaction) return;
  run(L, producer, push_job(L, producer, dm_deadline_left(deadline)), abort_work, "close: abort");
  producer->in_transaction = false;
  lua_settop(L, top);
}
