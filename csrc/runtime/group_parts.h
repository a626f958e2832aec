/* SPDX-License-Identifier: MIT */
/* group_parts.h -- what the files of the group share: its struct, and one block for each file.
**
** Threads: the group thread, except where a field says otherwise.
*/
#ifndef DM_GROUP_PARTS_H
#define DM_GROUP_PARTS_H

#include <pthread.h>

#include "runtime/group.h"
#include "runtime/inbox.h"
#include "runtime/seat.h"
#include "runtime/transactor.h"

/* The most a thread waits without looking at the consumer. */
#define DM_GROUP_TICK_MS 100

/* How what records emitted, and dead letters, reach the broker, and the offsets with them: the
** difference between the guarantees. */
typedef struct dm_delivery {
  /* The handler has acknowledged or skipped the work, or was cut off while it emitted. */
  void (*handled) (dm_group *group, dm_work *work);
  /* The work becomes a dead letter. */
  void (*bury) (dm_group *group, dm_work *work);
  /* May more records of the partition be read? */
  bool (*has_room) (const dm_group *group, const dm_seat *seat);
  /* Each round: commits what has changed, when it is time. */
  void (*commit) (dm_group *group);
  /* Partitions are leaving: commits what has changed and waits up to timeout_ms for the answer. */
  void (*settle_up) (dm_group *group, int timeout_ms);
  /* Drops what is not committed of these partitions, which are leaving; NULL: of all. False: the
  ** group ends, and a transaction is still under way, whose works come back to be dropped. */
  bool (*abandon) (dm_group *group, const rd_kafka_topic_partition_list_t *list);
} dm_delivery;

extern const dm_delivery dm_at_least_once;  /* group_commit.c */
extern const dm_delivery dm_exactly_once;   /* group_window.c */

/* Exactly-once: the transactions, one at a time. What is settled waits in the seats, or is in the
** batch. */
typedef struct dm_window {
  dm_transactor *transactor;     /* NULL: at-least-once */
  dm_batch batch;                /* of the running transaction */
  bool careful;                  /* there are suspects: transactions are small */
  int count;                     /* works that are settled, and not released */
  size_t bytes;                  /* of those */
  int failures;                  /* of transactions, since the last that succeeded */
  int64_t failure_at;            /* when the next is worth a line */
  bool shut;                     /* no transaction begins */
} dm_window;

struct dm_group {
  dm_group_options options;
  const dm_delivery *delivery;
  char *name, *dead_letters;     /* copies of the options */
  rd_kafka_topic_partition_list_t *topics;
  rd_kafka_t *rk;
  int64_t beginning;             /* of a partition without a committed offset: for librdkafka */
  rd_kafka_queue_t *events;      /* the consumer's queue: rebalances, errors; no records */
  rd_kafka_queue_t *answers;     /* of the broker to commits */
  dm_feed *feed;
  dm_engine *engine;
  dm_inbox inbox;
  dm_lane *lanes;
  uint64_t *lane_seen;           /* replies read, by lane */
  dm_seat *seats;                /* held partitions */
  dm_seat *vacated;              /* given up, but a work still refers to them */
  dm_seat **by_number;           /* engine's number -> seat */
  int numbers;                   /* room of by_number */
  dm_seat *turn;                 /* whose queue is read first next time */
  dm_work_pool pool;
  dm_work_list postponed;        /* dead letters to try again at 'postponed_until' */
  int64_t postponed_until;
  int64_t refusal_at;            /* when the next refused dead letter is worth a line */
  dm_window window;
  int unsettled;                 /* works that the group or a lane holds */
  bool committing;               /* a commit or a transaction is on its way */
  int64_t commit_at;             /* when to commit next */
  int64_t watch_at;              /* when to look at the lanes next */
  int64_t measure_at;            /* when to measure the lag next */
  bool wakes;                    /* see kafka/wake.h */
  bool has_taken;                /* records, since it woke the brokers' threads */
  int64_t wake_at;               /* when it may wake them next */
  int64_t now;                   /* of this round, in ms */
  pthread_t thread;
  bool started;
  atomic_bool stop, kill, ended;
  pthread_mutex_t lock;          /* of what follows */
  rd_kafka_topic_partition_list_t *wanted; /* topics to subscribe to next; NULL: no change */
  dm_group_stats stats, published;
  rd_kafka_topic_partition_list_t *places; /* see dm_group_places; NULL: none yet */
  char trouble[512];
};

/* -- group_intake.c: from the partitions to the lanes -- */

/* Reads records and admits them; tells whether there were any. */
bool dm_group_intake (dm_group *group);

/* Gives the lanes what they may run. */
void dm_group_hand_out (dm_group *group);

/* Takes note of which partitions the engine wants held back. */
void dm_group_follow_flow (dm_group *group);

/* -- group_settle.c: from the lanes to an outcome -- */

/* Takes what is in the inbox; tells whether there was anything. */
bool dm_group_settle (dm_group *group);

/* The engine's callback for records that it gives up: frees the work. */
void dm_group_drop (void *group, dm_entry *entry);

/* At-least-once: all delivery reports of the work are in. */
void dm_group_delivered (dm_group *group, dm_work *work);

/* Ends a work for good: tells the engine and frees it. */
void dm_group_finish (dm_group *group, dm_work *work, dm_outcome outcome);

/* Frees a work that the engine does not know any more. */
void dm_group_forget (dm_group *group, dm_work *work);

/* -- dead_letter.c -- */

/* At-least-once: produces the work's dead letter; it is settled when the broker has it. */
void dm_group_bury (dm_group *group, dm_work *work);

/* Goes on with dead letters that could not be written. */
void dm_group_bury_postponed (dm_group *group);

/* Gives up those of partitions that are leaving. */
void dm_group_drop_postponed (dm_group *group);

/* The work is dead: notes and counts why. */
void dm_group_condemn (dm_group *group, dm_work *work);

/* Exactly-once: makes the dead letter, with the record's value when 'whole', the only thing that
** the work emits. False: no memory. */
bool dm_group_write_letter (dm_group *group, dm_work *work, bool whole);

/* Counts that a dead letter was refused, and says so once in a while. */
void dm_group_note_refusal (dm_group *group, const dm_work *work, rd_kafka_resp_err_t error);

/* -- group_commit.c -- */

/* Takes note of what the engine lets be committed. */
void dm_group_take_commits (dm_group *group);

/* The broker has committed these offsets. */
void dm_group_take_offsets (dm_group *group, const rd_kafka_topic_partition_list_t *offsets);

/* -- group_rebalance.c -- */

/* Subscribes to the topics that dm_group_subscribe was given last, if it was. */
void dm_group_follow_topics (dm_group *group);

/* Answers a rebalance. */
void dm_group_rebalance (dm_group *group, rd_kafka_event_t *event);

/* Begins the partition anew, as if it had just been gained; what ran of it is late. False: no
** memory. */
bool dm_group_begin_again (dm_group *group, dm_seat *seat);

/* Lets the partitions go, which must not be begun any more: what runs may settle for that long
** unless the group is killed, then what may be committed is. */
void dm_group_leave_all (dm_group *group, int timeout_ms);

/* Frees seats that were given up and that no work refers to any more. */
void dm_group_sweep_seats (dm_group *group);

/* -- group_watch.c -- */

/* Cuts off handlers that are over their time limit, when it is time to look. */
void dm_group_watch (dm_group *group);

/* Cuts off the handlers that run: their records are cancelled. */
void dm_group_cut_off (dm_group *group);

/* -- group_lag.c -- */

/* Measures how far the partitions are behind, when it is time. */
void dm_group_measure (dm_group *group);

/* -- group.c -- */

/* One round of what goes on whatever the state: replies, dead letters, hand-outs, commits; then
** waits up to timeout_ms for more. */
void dm_group_round (dm_group *group, int timeout_ms);

/* Answers what the consumer has to say; tells whether there was anything. */
bool dm_group_serve_events (dm_group *group);

/* Leaves a line in the feed. 'level' is syslog's. */
__attribute__((format(printf, 3, 4)))
void dm_group_note (dm_group *group, int level, const char *format, ...);

/* Ends the group because of an error. */
__attribute__((format(printf, 2, 3)))
void dm_group_fail (dm_group *group, const char *format, ...);

#endif
