/* SPDX-License-Identifier: MIT */
/* group.h -- a member of a consumer group: one thread that alone owns the consumer, the settlement
** engine and the commits. It never runs Lua and never waits for a handler, so a slow handler
** cannot lose the membership.
**
** Threads:   dm_group_new, _start, _join and _free on the thread that owns the lua_State;
**            dm_group_stop, _kill, _subscribe, _stats_get and _pulse_of on any. The lanes' threads
**            are the caller's.
** Ownership: the group owns its consumer, lanes and works; it borrows the emitter, which must
**            outlive it.
** Order:     new; start; serve the lanes (lane.h); stop, or kill; join; free.
*/
#ifndef DM_GROUP_H
#define DM_GROUP_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "kafka/feed.h"
#include "runtime/emitter.h"
#include "runtime/lane.h"

typedef struct dm_group dm_group;

typedef struct dm_group_options {
  const char *name;            /* group.id */
  const rd_kafka_topic_partition_list_t *topics;
  dm_emitter *emitter;
  dm_engine_options engine;
  const rd_kafka_conf_t *transactions; /* exactly-once: of the transactional producer, copied; NULL:
                                       ** at-least-once */
  const char *dead_letters;    /* the topic of all dead letters; NULL: <topic>.<group>.dlq */
  int commit_ms;               /* between two commits, or transactions */
  int revoke_ms;               /* how long running records may settle when partitions are revoked */
  int drain_ms;                /* the same at a shutdown */
  bool exit_when_stuck;        /* the process ends when a handler takes twice its time limit */
} dm_group_options;

typedef enum dm_group_state {
  DM_GROUP_JOINING,  /* no assignment yet */
  DM_GROUP_RUNNING,
  DM_GROUP_DRAINING, /* stopped; running records settle */
  DM_GROUP_ENDED,
  DM_GROUP_FAILED    /* ended by an error that cannot be mended */
} dm_group_state;

/* Why records were dead-lettered, as docmsg-reason. */
#define DM_REASONS 8
extern const char *const dm_reasons[DM_REASONS];

typedef struct dm_group_stats {
  dm_group_state state;
  dm_engine_totals engine;
  uint64_t retries, dead[DM_REASONS], dead_failures;
  uint64_t commits, commit_failures;
  uint64_t assigns, revokes, losses;  /* rebalances */
  uint64_t rewinds;                   /* partitions that went on at an earlier offset */
  int64_t lag;                        /* records behind the end of the partitions; -1: unknown */
  int64_t unaccounted;                /* admitted, but neither ended nor in flight: never but 0 */
  int64_t polled_ms;                  /* when the thread last looked at the consumer */
  int64_t left_ms;                    /* when it left its group and cut its handlers off; 0: not yet */
} dm_group_stats;

/* A group whose consumer is made from 'conf', which is taken when that succeeds; NULL with the
** reason otherwise, and the conf is the caller's. Options and topics are copied. */
dm_group *dm_group_new (rd_kafka_conf_t *conf, const dm_group_options *options, char *reason,
                        size_t size);

/* Subscribes and starts the thread. */
rd_kafka_resp_err_t dm_group_start (dm_group *group);

dm_lane *dm_group_lane (dm_group *group, int lane);

/* How many lanes there are. */
int dm_group_lanes (const dm_group *group);

/* Subscribes to other topics, which are copied. False: no memory. */
bool dm_group_subscribe (dm_group *group, const rd_kafka_topic_partition_list_t *topics);

/* Lets running records end and settle, commits, leaves; returns at once. */
void dm_group_stop (dm_group *group);

/* Cuts short what dm_group_stop waits for: what did not settle stays uncommitted. */
void dm_group_kill (dm_group *group);

/* Set when works must not wait for the producer any more; for dm_emitter_send. */
const atomic_bool *dm_group_killed (const dm_group *group);

/* Has the thread ended, or never been started? Waits up to timeout_ms for it. */
bool dm_group_join (dm_group *group, int timeout_ms);

/* Frees the group after dm_group_join returned true and its lanes' threads have ended. */
void dm_group_free (dm_group *group);

/* Notes of the client and of the group itself; one thread takes them. */
dm_feed *dm_group_feed (dm_group *group);

/* A copy of the newest figures, at most some 100 ms old. */
void dm_group_stats_get (dm_group *group, dm_group_stats *stats);

/* How long a handler may be late before it counts as stuck. */
#define DM_GROUP_STUCK_MS 1000

/* What the handler of a lane is about. */
typedef struct dm_group_pulse {
  int64_t busy_ms;             /* since it began; 0: none runs */
  bool stuck;                  /* it is late, and a hook has not ended it */
} dm_group_pulse;

dm_group_pulse dm_group_pulse_of (const dm_group *group, int lane);

/* The partitions as they were at most some seconds ago, with the lag as 'offset', -1 when it is not
** known. The caller frees the list. */
rd_kafka_topic_partition_list_t *dm_group_places (dm_group *group);

/* Copies the error of a FAILED group; false: there is none. */
bool dm_group_trouble (dm_group *group, char *reason, size_t size);

#endif
