/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/clock.h"
#include "kafka/task.h"
#include "kafka/wake.h"
#include "runtime/group_parts.h"

/* How long the consumer may take to leave its group. */
#define LEAVE_MS 5000

/* How long the end of a group whose thread does not run is waited for. */
#define END_MS 5000

/* -- What is told ----------------------------------------------------------------------------- */

void dm_group_note (dm_group *group, int level, const char *format, ...) {
  char text[600], line[700];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  snprintf(line, sizeof line, "%s: %s", group->name, text);
  dm_feed_add(group->feed, level, line);
}

void dm_group_fail (dm_group *group, const char *format, ...) {
  va_list args;
  if (group->stats.state == DM_GROUP_FAILED) return;
  group->stats.state = DM_GROUP_FAILED;
  pthread_mutex_lock(&group->lock);
  va_start(args, format);
  vsnprintf(group->trouble, sizeof group->trouble, format, args);
  va_end(args);
  pthread_mutex_unlock(&group->lock);
}

static void publish_stats (dm_group *group) {
  const dm_engine_totals *totals = &group->stats.engine;
  dm_engine_stats(group->engine, &group->stats.engine);
  group->stats.unaccounted = (int64_t)(totals->admitted - totals->acked - totals->dead -
                                       totals->skipped - totals->cancelled) -
                             (group->unsettled - group->window.count);
  group->stats.polled_ms = group->now;
  pthread_mutex_lock(&group->lock);
  group->published = group->stats;
  pthread_mutex_unlock(&group->lock);
}

/* At the end of a round: now and then, and before there is nothing to do. */
static void publish_when_due (dm_group *group, bool busy) {
  if (!busy || group->now - group->stats.polled_ms >= DM_GROUP_TICK_MS) publish_stats(group);
}

/* -- The consumer's events -------------------------------------------------------------------- */

static void take_error (dm_group *group, rd_kafka_event_t *event) {
  rd_kafka_resp_err_t error = rd_kafka_event_error(event);
  char reason[512];
  rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(group->rk, reason, sizeof reason);
  if (fatal) dm_group_fail(group, "%s (%s)", reason, rd_kafka_err2name(fatal));
  else dm_feed_add_error(group->feed, error, rd_kafka_event_error_string(event));
}

static void take_event (dm_group *group, rd_kafka_event_t *event) {
  const char *facility, *text;
  int level;
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_REBALANCE: dm_group_rebalance(group, event); break;
    case RD_KAFKA_EVENT_ERROR: take_error(group, event); break;
    case RD_KAFKA_EVENT_LOG:
      if (rd_kafka_event_log(event, &facility, &text, &level) == 0)
        dm_feed_add(group->feed, level, text);
      break;
    default: break;
  }
}

bool dm_group_serve_events (dm_group *group) {
  rd_kafka_event_t *event;
  bool any = false;
  while ((event = rd_kafka_queue_poll(group->events, 0)) != NULL) {
    any = true;
    take_event(group, event);
    rd_kafka_event_destroy(event);
  }
  return any;
}

/* -- The thread ------------------------------------------------------------------------------- */

static int time_to (const dm_group *group, int64_t at) {
  if (at <= group->now) return 0;
  return at - group->now < DM_GROUP_TICK_MS ? (int)(at - group->now) : DM_GROUP_TICK_MS;
}

static int min (int a, int b) {
  return a < b ? a : b;
}

/* How long nothing is due. What is due already waits for a reply: a retry for room in its lane, a
** commit for the one before. */
static int idle_ms (const dm_group *group) {
  int64_t due = dm_engine_due(group->engine);
  int ms = DM_GROUP_TICK_MS;
  if (due > group->now) ms = min(ms, time_to(group, due));
  if (!group->committing) ms = min(ms, time_to(group, group->commit_at));
  if (group->postponed.first != NULL) ms = min(ms, time_to(group, group->postponed_until));
  return ms;
}

void dm_group_round (dm_group *group, int timeout_ms) {
  bool busy;
  group->now = dm_clock_ms();
  busy = dm_group_settle(group);
  dm_group_bury_postponed(group);
  dm_group_hand_out(group);
  group->delivery->commit(group);
  dm_group_watch(group);
  publish_when_due(group, busy);
  if (busy) return;
  dm_inbox_wait(&group->inbox, min(timeout_ms, idle_ms(group)));
  group->now = dm_clock_ms();
}

/* The same for a group that takes records: room that it has made is to be filled. */
static int idle_ms_taking (const dm_group *group) {
  int ms = idle_ms(group);
  return group->has_taken ? min(ms, time_to(group, group->wake_at)) : ms;
}

/* One round of a group that takes records. */
static void run_round (dm_group *group) {
  bool busy;
  group->now = dm_clock_ms();
  dm_group_follow_topics(group);
  busy = dm_group_serve_events(group);
  busy = dm_group_settle(group) || busy;
  dm_group_bury_postponed(group);
  dm_group_hand_out(group);
  busy = dm_group_intake(group) || busy;
  dm_group_hand_out(group);
  group->delivery->commit(group);
  dm_group_watch(group);
  dm_group_sweep_seats(group);
  dm_group_measure(group);
  publish_when_due(group, busy);
  if (!busy) dm_inbox_wait(&group->inbox, idle_ms_taking(group));
}

/* Gives up works that wait for the producer: it will not get to them in time. */
static void orphan (dm_group *group, dm_seat *seats) {
  for (dm_seat *seat = seats; seat != NULL; seat = seat->next)
    for (dm_work *work = seat->works, *after; work != NULL; work = after) {
      after = work->after;
      if (work->stage == DM_STAGE_LANE) continue;
      if (work->message != NULL) /* not given up before */
        dm_engine_settle(group->engine, &work->entry, DM_OUTCOME_CANCELLED, group->now);
      dm_seat_unlink(work);
      if (dm_work_orphan(work)) group->unsettled--;
      else dm_seat_link(work);
    }
}

/* Leaves the consumer group, answering its last rebalance. */
static void leave (dm_group *group) {
  dm_deadline deadline = dm_deadline_in(LEAVE_MS);
  rd_kafka_error_t *error = rd_kafka_consumer_close_queue(group->rk, group->events);
  if (error != NULL) {
    dm_group_note(group, 4, "leaving: %s", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return;
  }
  while (!rd_kafka_consumer_closed(group->rk) && dm_deadline_left(deadline) > 0) {
    rd_kafka_event_t *event = rd_kafka_queue_poll(group->events, dm_deadline_slice(deadline));
    if (event == NULL) continue;
    take_event(group, event);
    rd_kafka_event_destroy(event);
  }
}

/* Ends what is left after the consumer has left: handlers that still run are cut off; their works
** come back when they end, and only then can the client end. */
static void wind_up (dm_group *group) {
  while (!group->delivery->abandon(group, NULL) || group->unsettled > 0) {
    orphan(group, group->seats);
    orphan(group, group->vacated);
    dm_group_cut_off(group);
    if (group->unsettled > 0) dm_group_round(group, DM_GROUP_TICK_MS);
  }
  dm_group_sweep_seats(group);
}

static void *group_main (void *arg) {
  dm_group *group = arg;
  while (!atomic_load(&group->stop) && group->stats.state != DM_GROUP_FAILED) run_round(group);
  if (group->stats.state != DM_GROUP_FAILED) group->stats.state = DM_GROUP_DRAINING;
  publish_stats(group);
  dm_group_leave_all(group, group->options.drain_ms);
  atomic_store(&group->kill, true);
  leave(group);
  group->stats.left_ms = dm_clock_ms();
  publish_stats(group);
  wind_up(group);
  for (dm_seat *seat = group->seats; seat != NULL; seat = seat->next) dm_seat_vacate(seat);
  if (group->window.transactor != NULL) dm_transactor_stop(group->window.transactor);
  rd_kafka_queue_destroy(group->answers);
  rd_kafka_queue_destroy(group->events);
  rd_kafka_destroy_flags(group->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  if (group->stats.state != DM_GROUP_FAILED) group->stats.state = DM_GROUP_ENDED;
  publish_stats(group);
  atomic_store(&group->ended, true);
  return NULL;
}

/* -- Life ------------------------------------------------------------------------------------- */

/* Frees a group whose thread does not run. */
static void discard (dm_group *group) {
  while (group->seats != NULL) {
    dm_seat *seat = group->seats;
    group->seats = seat->next;
    dm_seat_free(seat);
  }
  for (int i = 0; group->lanes != NULL && i < group->options.engine.lanes; i++)
    dm_lane_close(&group->lanes[i]);
  free(group->lanes);
  free(group->lane_seen);
  free(group->by_number);
  dm_work_pool_clear(&group->pool);
  if (group->window.transactor != NULL) dm_transactor_free(group->window.transactor);
  if (group->engine != NULL) dm_engine_free(group->engine);
  if (group->topics != NULL) rd_kafka_topic_partition_list_destroy(group->topics);
  if (group->places != NULL) rd_kafka_topic_partition_list_destroy(group->places);
  if (group->wanted != NULL) rd_kafka_topic_partition_list_destroy(group->wanted);
  if (group->feed != NULL) dm_feed_free(group->feed);
  dm_inbox_close(&group->inbox);
  pthread_mutex_destroy(&group->lock);
  free(group->dead_letters);
  free(group->name);
  free(group);
}

/* Makes everything but the consumer. */
static bool prepare (dm_group *group) {
  size_t lanes = (size_t)group->options.engine.lanes;
  bool open = dm_inbox_open(&group->inbox);
  group->name = strdup(group->options.name);
  if (group->options.dead_letters != NULL) {
    group->dead_letters = strdup(group->options.dead_letters);
    open = open && group->dead_letters != NULL;
  }
  group->topics = rd_kafka_topic_partition_list_copy(group->options.topics);
  group->feed = dm_feed_new(NULL);
  group->engine = dm_engine_new(&group->options.engine);
  group->lane_seen = calloc(lanes, sizeof *group->lane_seen);
  group->lanes = calloc(lanes, sizeof *group->lanes);
  for (size_t i = 0; group->lanes != NULL && i < lanes; i++)
    dm_lane_open(&group->lanes[i], &group->inbox);
  return open && group->name != NULL && group->topics != NULL && group->feed != NULL &&
         group->engine != NULL && group->lane_seen != NULL && group->lanes != NULL;
}

/* The transactional producer, for exactly-once. */
static bool prepare_delivery (dm_group *group, char *reason, size_t size) {
  const rd_kafka_conf_t *conf = group->options.transactions;
  group->delivery = conf != NULL ? &dm_exactly_once : &dm_at_least_once;
  if (conf == NULL) return true;
  group->window.transactor = dm_transactor_new(conf, group->feed, reason, size);
  return group->window.transactor != NULL;
}

/* Everything the consumer has to say is an event on its queue; answers to commits have their own,
** so that one can be waited for while a rebalance is answered. */
static void open_queues (dm_group *group) {
  rd_kafka_set_log_queue(group->rk, NULL);
  rd_kafka_poll_set_consumer(group->rk);
  group->events = rd_kafka_queue_get_consumer(group->rk);
  dm_inbox_watch(&group->inbox, group->events);
  group->answers = rd_kafka_queue_new(group->rk);
  dm_inbox_watch(&group->inbox, group->answers);
}

/* Where auto.offset.reset puts a partition; an error is librdkafka's to tell. */
static int64_t read_beginning (const rd_kafka_conf_t *conf) {
  static const struct { const char *name; int64_t offset; } resets[] = {
    { "smallest", RD_KAFKA_OFFSET_BEGINNING }, { "earliest", RD_KAFKA_OFFSET_BEGINNING },
    { "beginning", RD_KAFKA_OFFSET_BEGINNING }, { "largest", RD_KAFKA_OFFSET_END },
    { "latest", RD_KAFKA_OFFSET_END }, { "end", RD_KAFKA_OFFSET_END },
  };
  char text[32];
  size_t size = sizeof text;
  if (rd_kafka_conf_get(conf, "auto.offset.reset", text, &size) == RD_KAFKA_CONF_OK)
    for (size_t i = 0; i < sizeof resets / sizeof *resets; i++)
      if (strcmp(text, resets[i].name) == 0) return resets[i].offset;
  return RD_KAFKA_OFFSET_INVALID;
}

dm_group *dm_group_new (rd_kafka_conf_t *conf, const dm_group_options *options, char *reason,
                        size_t size) {
  dm_group *group = calloc(1, sizeof *group);
  snprintf(reason, size, "not enough memory");
  if (group == NULL) return NULL;
  group->options = *options;
  pthread_mutex_init(&group->lock, NULL);
  if (prepare(group) && prepare_delivery(group, reason, size)) {
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT |
                                     RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    rd_kafka_conf_set(conf, "log.queue", "true", NULL, 0);
    group->beginning = read_beginning(conf);
    group->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, size);
  }
  if (group->rk == NULL) {
    discard(group);
    return NULL;
  }
  open_queues(group);
  group->wakes = dm_wake_helps(group->rk);
  return group;
}

/* Starts the threads; that of transactions first, see dm_transactor_start. */
static bool start_threads (dm_group *group) {
  dm_transactor *transactor = group->window.transactor;
  if (transactor != NULL && !dm_transactor_start(transactor, group->rk, &group->inbox))
    return false;
  if (pthread_create(&group->thread, NULL, group_main, group) == 0) return true;
  if (transactor != NULL) dm_transactor_stop(transactor);
  return false;
}

rd_kafka_resp_err_t dm_group_start (dm_group *group) {
  rd_kafka_resp_err_t error = rd_kafka_subscribe(group->rk, group->topics);
  if (!error && !start_threads(group)) error = RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
  group->started = !error;
  return error;
}

dm_lane *dm_group_lane (dm_group *group, int lane) {
  return &group->lanes[lane];
}

int dm_group_lanes (const dm_group *group) {
  return group->options.engine.lanes;
}

void dm_group_stop (dm_group *group) {
  atomic_store(&group->stop, true);
  dm_inbox_wake(&group->inbox);
}

void dm_group_kill (dm_group *group) {
  atomic_store(&group->kill, true);
  dm_group_stop(group);
}

const atomic_bool *dm_group_killed (const dm_group *group) {
  return &group->kill;
}

bool dm_group_join (dm_group *group, int timeout_ms) {
  dm_deadline deadline = dm_deadline_in(timeout_ms);
  if (!group->started) return true;
  while (!atomic_load(&group->ended)) {
    if (dm_deadline_left(deadline) == 0) return false;
    dm_clock_pause(min(dm_deadline_slice(deadline), 5));
  }
  pthread_join(group->thread, NULL);
  group->started = false;
  return true;
}

/* Ends the clients of a group whose thread never ran. */
static void end_clients (dm_group *group) {
  if (group->window.transactor != NULL) dm_transactor_stop(group->window.transactor);
  rd_kafka_queue_destroy(group->answers);
  rd_kafka_queue_destroy(group->events);
  rd_kafka_destroy_flags(group->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

static void end (void *arg) {
  dm_group *group = arg;
  if (!atomic_load(&group->ended)) end_clients(group);
  discard(group);
}

/* A client waits for its threads, of which one may ask a name server that does not answer. */
void dm_group_free (dm_group *group) {
  dm_task *task = dm_task_start(end, NULL, group);
  if (task == NULL) {
    end(group);
    return;
  }
  if (!dm_task_wait(task, END_MS)) fputs("docmsg: the clients of a group had not ended\n", stderr);
  dm_task_unref(task);
}

dm_feed *dm_group_feed (dm_group *group) {
  return group->feed;
}

void dm_group_stats_get (dm_group *group, dm_group_stats *stats) {
  pthread_mutex_lock(&group->lock);
  *stats = group->published;
  pthread_mutex_unlock(&group->lock);
}

bool dm_group_trouble (dm_group *group, char *reason, size_t size) {
  pthread_mutex_lock(&group->lock);
  snprintf(reason, size, "%s", group->trouble);
  pthread_mutex_unlock(&group->lock);
  return *reason != '\0';
}
