/* SPDX-License-Identifier: MIT */
#include "runtime/transactor.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/clock.h"
#include "runtime/emitter.h"

/* The most one call may block; a call that says "retriable" then is called again. */
#define CALL_MS 2000

/* Between two tries of what the broker refuses for now. */
#define PAUSE_MS 100

/* How often reports and errors are looked after while nothing runs. */
#define IDLE_MS 500

/* The producer's handle of a topic. */
typedef struct topic {
  struct topic *next;
  const dm_outlet *outlet;
  rd_kafka_topic_t *rkt;
} topic;

struct dm_transactor {
  rd_kafka_conf_t *conf;     /* of the next producer */
  rd_kafka_t *consumer;
  dm_inbox *inbox;
  pthread_t thread;
  bool started;
  pthread_mutex_t lock;      /* of the next two */
  pthread_cond_t given;
  bool has_batch, stop;
  const dm_batch *batch;     /* what is to be, or was last, tried */
  _Atomic dm_txn_result result;
  atomic_bool hurry;
  /* The thread's alone: */
  rd_kafka_t *rk;            /* the producer; NULL: retired */
  topic *topics;
  rd_kafka_consumer_group_metadata_t *member; /* as of the running transaction */
  bool ready;                /* init_transactions succeeded */
  bool broken;
  char trouble[512];
};

static bool is_hurried (dm_transactor *t) {
  return atomic_load(&t->hurry);
}

/* -- Reports ---------------------------------------------------------------------------------- */

/* Is it the record's own fault, so that it would be refused again? */
static bool is_final (rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: return true;
    default: return false;
  }
}

static void refuse (dm_emit *emit, rd_kafka_resp_err_t error) {
  if (is_final(error)) dm_work_error(emit->work, error);
}

/* The headers come back: an emit whose transaction is aborted is produced again. */
static void on_report (rd_kafka_t *rk, const rd_kafka_message_t *report, void *opaque) {
  dm_emit *emit = report->_private;
  (void)rk, (void)opaque;
  if (report->err) refuse(emit, report->err);
  else emit->micros = rd_kafka_message_latency(report);
  rd_kafka_message_detach_headers((rd_kafka_message_t *)report, &emit->headers);
}

/* -- The producer ----------------------------------------------------------------------------- */

static bool make_producer (dm_transactor *t, char *reason, size_t size) {
  rd_kafka_conf_t *conf = rd_kafka_conf_dup(t->conf);
  t->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, size);
  if (t->rk != NULL) rd_kafka_set_log_queue(t->rk, NULL);
  else rd_kafka_conf_destroy(conf);
  return t->rk != NULL;
}

/* Ends the producer; each emit it had gets its report, and with it its headers back. */
static void retire (dm_transactor *t) {
  topic *it;
  if (t->rk == NULL) return;
  /* Again and again: what a broker's thread was about to try once more was in no queue. */
  do rd_kafka_purge(t->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  while (rd_kafka_poll(t->rk, 10) > 0 || rd_kafka_outq_len(t->rk) > 0);
  while ((it = t->topics) != NULL) {
    t->topics = it->next;
    rd_kafka_topic_destroy(it->rkt);
    free(it);
  }
  rd_kafka_destroy(t->rk);
  t->rk = NULL;
  t->ready = false;
}

static rd_kafka_topic_t *topic_of (dm_transactor *t, const dm_outlet *outlet) {
  topic *it = t->topics;
  while (it != NULL && it->outlet != outlet) it = it->next;
  if (it != NULL) return it->rkt;
  it = malloc(sizeof *it);
  if (it == NULL) return NULL;
  *it = (topic){ t->topics, outlet, rd_kafka_topic_new(t->rk, outlet->name, NULL) };
  if (it->rkt == NULL) {
    free(it);
    return NULL;
  }
  t->topics = it;
  return it->rkt;
}

/* -- Calls ------------------------------------------------------------------------------------ */

typedef enum outcome {
  DONE,
  ABORTABLE,  /* the transaction is to be aborted */
  DOUBTFUL,   /* the producer must be retired */
  HURRIED     /* the call did not end, and need not */
} outcome;

typedef rd_kafka_error_t *(*call) (dm_transactor *t);

static rd_kafka_error_t *init (dm_transactor *t) {
  return rd_kafka_init_transactions(t->rk, CALL_MS);
}

static rd_kafka_error_t *begin (dm_transactor *t) {
  return rd_kafka_begin_transaction(t->rk);
}

static rd_kafka_error_t *send_offsets (dm_transactor *t) {
  return rd_kafka_send_offsets_to_transaction(t->rk, t->batch->offsets, t->member, CALL_MS);
}

static rd_kafka_error_t *commit (dm_transactor *t) {
  return rd_kafka_commit_transaction(t->rk, CALL_MS);
}

static rd_kafka_error_t *abort_it (dm_transactor *t) {
  return rd_kafka_abort_transaction(t->rk, CALL_MS);
}

/* No producer with these settings will ever be let in, or another process is this member now. */
static bool is_hopeless (rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE: return true;
    default: return false;
  }
}

/* Takes the error. */
static outcome judge (dm_transactor *t, const char *what, rd_kafka_error_t *error) {
  outcome result = rd_kafka_error_txn_requires_abort(error) ? ABORTABLE : DOUBTFUL;
  snprintf(t->trouble, sizeof t->trouble, "%s: %s (%s)", what, rd_kafka_error_string(error),
           rd_kafka_error_name(error));
  t->broken = t->broken || is_hopeless(rd_kafka_error_code(error));
  rd_kafka_error_destroy(error);
  return result;
}

/* Makes the call again, the same, as long as it is "retriable". */
static outcome run (dm_transactor *t, const char *what, call make) {
  rd_kafka_error_t *error;
  while ((error = make(t)) != NULL && rd_kafka_error_is_retriable(error)) {
    bool timed_out = rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_error_destroy(error);
    if (is_hurried(t)) return HURRIED;
    if (!timed_out) dm_clock_pause(PAUSE_MS);
  }
  return error != NULL ? judge(t, what, error) : DONE;
}

/* -- Readiness -------------------------------------------------------------------------------- */

/* A producer that can begin a transaction. False: hurried or broken. */
static bool get_ready (dm_transactor *t) {
  while (!t->ready && !t->broken && !is_hurried(t)) {
    outcome it;
    if (t->rk == NULL && !make_producer(t, t->trouble, sizeof t->trouble)) {
      t->broken = true;
      break;
    }
    it = run(t, "init_transactions", init);
    t->ready = it == DONE;
    if (it == DONE || it == HURRIED) continue;
    retire(t);
    dm_clock_pause(PAUSE_MS);
  }
  return t->ready;
}

/* Asks for the group's offset of each partition of the batch. False: ask again. */
static bool ask (dm_transactor *t, rd_kafka_topic_partition_list_t *list) {
  if (rd_kafka_committed(t->consumer, list, CALL_MS)) return false;
  for (int i = 0; i < list->cnt; i++)
    if (list->elems[i].err) return false;
  return true;
}

/* Have the offsets arrived where the batch puts them? It is all or none. */
static bool is_at (const rd_kafka_topic_partition_list_t *list,
                   const rd_kafka_topic_partition_list_t *wanted) {
  for (int i = 0; i < list->cnt; i++)
    if (list->elems[i].offset < wanted->elems[i].offset) return false;
  return true;
}

/* How did the commit end that got no answer? The new producer has ended whatever the old one had
** open, so the committed offsets, which the broker gives only once they are stable, are final. */
static dm_txn_result resolve (dm_transactor *t) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(t->batch->offsets);
  bool known = false, committed;
  while (!known && get_ready(t) && !(known = ask(t, list)) && !is_hurried(t))
    dm_clock_pause(PAUSE_MS);
  committed = known && is_at(list, t->batch->offsets);
  rd_kafka_topic_partition_list_destroy(list);
  if (t->broken) return DM_TXN_BROKEN;
  return committed ? DM_TXN_COMMITTED : DM_TXN_ABORTED;
}

/* -- A transaction ---------------------------------------------------------------------------- */

static outcome note_refusal (dm_transactor *t, rd_kafka_resp_err_t error) {
  snprintf(t->trouble, sizeof t->trouble, "produce: %s (%s)", rd_kafka_err2str(error),
           rd_kafka_err2name(error));
  return ABORTABLE;
}

static outcome produce_emit (dm_transactor *t, dm_work *work, dm_emit *emit) {
  rd_kafka_topic_t *rkt = topic_of(t, emit->outlet);
  rd_kafka_resp_err_t error;
  emit->work = work;
  if (rkt == NULL) return ABORTABLE;
  while ((error = dm_emit_produce(work->outbox, emit, t->rk, rkt, emit)) ==
         RD_KAFKA_RESP_ERR__QUEUE_FULL) {
    if (is_hurried(t)) return HURRIED;
    rd_kafka_poll(t->rk, PAUSE_MS);
  }
  if (!error) return DONE;
  if (is_final(error)) work->suspect = true; /* no other record had a part in it */
  refuse(emit, error);
  return note_refusal(t, error);
}

/* The broker refuses whole sets of records for the fault of one, or because there are too many:
** each of a suspect gets its own. */
static void isolate (dm_transactor *t, const dm_work *work) {
  if (!work->suspect) return;
  while (rd_kafka_flush(t->rk, CALL_MS) == RD_KAFKA_RESP_ERR__TIMED_OUT && !is_hurried(t)) continue;
}

static outcome produce_work (dm_transactor *t, dm_work *work) {
  outcome result = DONE;
  rd_kafka_resp_err_t error;
  isolate(t, work);
  for (size_t i = 0; i < work->outbox->count && result == DONE; i++) {
    result = produce_emit(t, work, &work->outbox->emits[i]);
    isolate(t, work);
    error = (rd_kafka_resp_err_t)atomic_load(&work->error);
    if (work->suspect && error) result = note_refusal(t, error);
  }
  return result;
}

static outcome produce (dm_transactor *t) {
  outcome result = DONE;
  for (dm_work *work = t->batch->works.first; work != NULL && result == DONE; work = work->next)
    result = produce_work(t, work);
  rd_kafka_poll(t->rk, 0);
  return result;
}

/* Takes the member's id and generation, by which the broker refuses offsets from a member that the
** group has lost. One that has lost its group has neither, and would not be refused. */
static outcome take_member (dm_transactor *t) {
  if (t->member != NULL) rd_kafka_consumer_group_metadata_destroy(t->member);
  t->member = rd_kafka_consumer_group_metadata(t->consumer);
  if (t->member != NULL && !rd_kafka_assignment_lost(t->consumer)) return DONE;
  snprintf(t->trouble, sizeof t->trouble, "the partitions were lost");
  return ABORTABLE;
}

/* Ends a transaction that is not to be committed, and its producer: after a refused record,
** librdkafka 2.0.2 goes on with a gap in its sequence numbers, which the broker refuses. */
static void give_up (dm_transactor *t, outcome why) {
  char trouble[sizeof t->trouble];
  memcpy(trouble, t->trouble, sizeof trouble);
  if (why != DOUBTFUL) run(t, "abort_transaction", abort_it);
  memcpy(t->trouble, trouble, sizeof trouble); /* the first is the cause */
  retire(t);
}

static dm_txn_result try (dm_transactor *t) {
  outcome it;
  if (!get_ready(t)) return t->broken ? DM_TXN_BROKEN : DM_TXN_ABORTED;
  it = run(t, "begin_transaction", begin);
  if (it == DONE) it = produce(t);
  if (it == DONE) it = take_member(t);
  if (it == DONE) it = run(t, "send_offsets_to_transaction", send_offsets);
  if (it == DONE) {
    it = run(t, "commit_transaction", commit);
    if (it == DONE) return DM_TXN_COMMITTED;
    if (it != ABORTABLE) {
      retire(t);
      return resolve(t);
    }
  }
  give_up(t, it);
  return t->broken ? DM_TXN_BROKEN : DM_TXN_ABORTED;
}

/* -- The thread ------------------------------------------------------------------------------- */

/* Waits for a batch. False: it is time to stop. */
static bool await_batch (dm_transactor *t) {
  bool has_batch, stop;
  pthread_mutex_lock(&t->lock);
  while (!t->has_batch && !t->stop) {
    struct timespec until = dm_clock_in(IDLE_MS);
    if (pthread_cond_timedwait(&t->given, &t->lock, &until) == 0 || t->rk == NULL) continue;
    pthread_mutex_unlock(&t->lock);
    rd_kafka_poll(t->rk, 0);
    pthread_mutex_lock(&t->lock);
  }
  has_batch = t->has_batch;
  stop = t->stop;
  t->has_batch = false;
  pthread_mutex_unlock(&t->lock);
  return has_batch && !stop;
}

static void *transactor_main (void *arg) {
  dm_transactor *t = arg;
  get_ready(t);
  if (t->broken) {
    atomic_store(&t->result, DM_TXN_BROKEN);
    dm_inbox_wake(t->inbox);
  }
  while (await_batch(t)) {
    atomic_store(&t->result, try(t));
    dm_inbox_wake(t->inbox);
  }
  if (t->member != NULL) rd_kafka_consumer_group_metadata_destroy(t->member);
  t->member = NULL;
  retire(t);
  return NULL;
}

/* -- What the group calls --------------------------------------------------------------------- */

dm_transactor *dm_transactor_new (const rd_kafka_conf_t *conf, dm_feed *feed, char *reason,
                                  size_t size) {
  dm_transactor *t = calloc(1, sizeof *t);
  pthread_condattr_t monotonic;
  if (t == NULL) return NULL;
  t->conf = rd_kafka_conf_dup(conf);
  atomic_init(&t->result, DM_TXN_RUNNING);
  pthread_mutex_init(&t->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&t->given, &monotonic);
  pthread_condattr_destroy(&monotonic);
  dm_feed_install(feed, t->conf, false);
  rd_kafka_conf_set_dr_msg_cb(t->conf, on_report);
  if (make_producer(t, reason, size)) return t;
  dm_transactor_free(t);
  return NULL;
}

bool dm_transactor_start (dm_transactor *t, rd_kafka_t *consumer, dm_inbox *inbox) {
  t->consumer = consumer;
  t->inbox = inbox;
  t->started = pthread_create(&t->thread, NULL, transactor_main, t) == 0;
  return t->started;
}

void dm_transactor_give (dm_transactor *t, const dm_batch *batch) {
  atomic_store(&t->result, DM_TXN_RUNNING);
  atomic_store(&t->hurry, false);
  pthread_mutex_lock(&t->lock);
  t->batch = batch;
  t->has_batch = true;
  pthread_mutex_unlock(&t->lock);
  pthread_cond_signal(&t->given);
}

dm_txn_result dm_transactor_take (dm_transactor *t) {
  dm_txn_result result = atomic_load_explicit(&t->result, memory_order_relaxed);
  return result == DM_TXN_RUNNING ? result : atomic_exchange(&t->result, DM_TXN_RUNNING);
}

void dm_transactor_hurry (dm_transactor *t) {
  atomic_store(&t->hurry, true);
}

const char *dm_transactor_trouble (const dm_transactor *t) {
  return t->trouble;
}

void dm_transactor_stop (dm_transactor *t) {
  if (!t->started) return;
  atomic_store(&t->hurry, true);
  pthread_mutex_lock(&t->lock);
  t->stop = true;
  pthread_mutex_unlock(&t->lock);
  pthread_cond_signal(&t->given);
  pthread_join(t->thread, NULL);
  t->started = false;
}

void dm_transactor_free (dm_transactor *t) {
  dm_transactor_stop(t);
  retire(t);
  rd_kafka_conf_destroy(t->conf);
  pthread_cond_destroy(&t->given);
  pthread_mutex_destroy(&t->lock);
  free(t);
}
