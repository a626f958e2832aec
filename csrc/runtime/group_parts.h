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

/* The most a thread waits without looking at the consumer. */
#define DM_GROUP_TICK_MS 100

struct dm_group {
  dm_group_options options;
  char *name, *dead_letters;     /* copies of the options */
  rd_kafka_topic_partition_list_t *topics;
  rd_kafka_t *rk;
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
  int unsettled;                 /* works that the group or a lane holds */
  bool committing;               /* a commit is on its way */
  int64_t commit_at;             /* when to commit next */
  int64_t watch_at;              /* when to look at the lanes next */
  int64_t measure_at;            /* when to measure the lag next */
  int64_t now;                   /* of this round, in ms */
  pthread_t thread;
  bool started;
  atomic_bool stop, kill, ended;
  pthread_mutex_t lock;          /* of what follows */
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

/* Ends a work for good: tells the engine and frees it. */
void dm_group_finish (dm_group *group, dm_work *work, dm_outcome outcome);

/* Frees a work that the engine does not know any more. */
void dm_group_forget (dm_group *group, dm_work *work);

/* -- dead_letter.c -- */

/* Produces the work's dead letter; it is settled when the broker has it. */
void dm_group_bury (dm_group *group, dm_work *work);

/* Goes on with dead letters that could not be written. */
void dm_group_bury_postponed (dm_group *group);

/* Gives up those of partitions that are leaving. */
void dm_group_drop_postponed (dm_group *group);

/* -- group_commit.c -- */

/* Takes the broker's answer to the last commit; commits what has changed, when it is time. */
void dm_group_commit (dm_group *group);

/* Commits what has changed for all seats and waits up to timeout_ms for the answer. */
void dm_group_commit_now (dm_group *group, int timeout_ms);

/* -- group_rebalance.c -- */

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
