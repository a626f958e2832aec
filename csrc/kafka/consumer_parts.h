/* SPDX-License-Identifier: MIT */
/* consumer_parts.h -- what the files of the consumer share; for nobody else.
**
**   consumer.c            construction, the table of methods
**   consumer_subscribe.c  topics and membership
**   consumer_poll.c       poll, batch and the iterators
**   consumer_print.c      print
**   consumer_assign.c     assignment by hand, and what is assigned
**   consumer_flow.c       pause and resume, and whose end was reached
**   consumer_commit.c     commit, store, committed
**   consumer_seek.c       seek, position, watermarks
**   consumer_close.c      leaving the group, the end
**   rebalance.c           answers the group's rebalances
**
** Threads:   the thread that owns L.
** Ownership: the consumer owns its lists; they end with it in consumer.c's abandon.
*/
#ifndef DM_CONSUMER_PARTS_H
#define DM_CONSUMER_PARTS_H

#include <stdbool.h>

#include "kafka/client.h"
#include "kafka/message.h"
#include "kafka/offsets.h"
#include "kafka/places.h"

#define DM_CONSUMER_TYPE "docmsg.Consumer"

/* An error that waits for the next poll to return it. */
typedef struct dm_fault {
  rd_kafka_resp_err_t code; /* 0: none */
  bool fatal;
  char text[512];
} dm_fault;

typedef struct dm_consumer {
  dm_client client;         /* first: methods get a dm_client */
  dm_message_list messages;
  dm_fault fault;
  dm_places paused;         /* by the user; librdkafka is told only of what changes here */
  dm_places starts;         /* offsets that were asked for, until a record was handed over */
  dm_places dropped;        /* the first record of a partition that nobody was handed, see drop */
  dm_places ended;          /* whose end was reached, when librdkafka tells */
  dm_list *gained;          /* while on_assign runs: not yet assigned */
  dm_list *given_up;        /* while on_revoke or on_lost runs */
  int64_t begin;            /* without a group: the offset where "committed" is asked for */
  int last_batch;           /* how many records came last: the size of the next table */
  bool grouped;             /* has a group id of its own */
  bool coordinated;         /* the group's coordinator has answered: commits reach it */
  bool subscribed;
  bool assigned;            /* by hand */
} dm_consumer;

/* The open consumer at arg; raises as dm_client_check.  [-0, +0, e] */
dm_consumer *dm_consumer_check (lua_State *L, int arg, bool nested);

/* Raises when the consumer has no group, which 'doing' needs.  [-0, +0, e] */
void dm_consumer_check_group (lua_State *L, const dm_consumer *consumer, const char *doing);

/* Keeps an error for the next poll; an earlier one is not lost.  [-0, +0, -] */
void dm_consumer_fail (dm_consumer *consumer, rd_kafka_resp_err_t code, const char *format, ...)
  __attribute__((format(printf, 3, 4)));

/* Keeps the librdkafka error, when there is one, and frees it. */
void dm_consumer_fail_with (dm_consumer *consumer, rd_kafka_error_t *error, const char *doing);

/* Pushes nil and the error that was kept, and forgets it.  [-0, +2, m] */
int dm_consumer_push_fault (lua_State *L, dm_consumer *consumer);

/* Reads topics and patterns at idx and pushes a box with them.  [-0, +1, e] */
dm_list *dm_consumer_read_topics (lua_State *L, int idx, const char *what);

/* Subscribes. False after pushing nil and an error.  [-0, +(0|2), m] */
bool dm_consumer_join (lua_State *L, dm_consumer *consumer, const dm_list *topics);

/* Pushes a box with what is assigned now, and while a hook runs with the partitions it is about.
** [-0, +1, m] */
dm_list *dm_consumer_push_assignment (lua_State *L, const dm_consumer *consumer);

/* Reads the partitions at arg, all assigned ones when it is nil, and pushes a box with them. NULL
** after pushing nil and an error: one is not assigned.  [-0, +(1|2), e] */
dm_list *dm_consumer_read_assigned (lua_State *L, int arg, const dm_consumer *consumer,
                                    const char *doing, dm_offset_rule rule);

/* Destroys a record that came when nobody reads any more: the position stays before it. */
void dm_consumer_drop (dm_consumer *consumer, rd_kafka_message_t *record);

/* Tells librdkafka to pause again those of the list that are paused. */
void dm_flow_apply (dm_consumer *consumer, const dm_list *list);

/* Forgets what the consumer keeps of partitions that go; NULL: of all. */
void dm_flow_drop (dm_consumer *consumer, const dm_list *list);

/* Keeps the offsets of the list as starts, and forgets older ones of its partitions. */
void dm_consumer_note_starts (dm_consumer *consumer, const dm_list *list);

/* Answers a rebalance after its hook has run; then raises the hook's error.  [-0, +0, e] */
void dm_rebalance_answer (lua_State *L, int idx, dm_client *client, dm_note *note);

/* The methods, by file. */
int dm_consumer_subscribe_lua (lua_State *L);
int dm_consumer_unsubscribe_lua (lua_State *L);
int dm_consumer_subscription_lua (lua_State *L);
int dm_consumer_member_id_lua (lua_State *L);
int dm_consumer_poll_lua (lua_State *L);
int dm_consumer_batch_lua (lua_State *L);
int dm_consumer_messages_lua (lua_State *L);
int dm_consumer_batches_lua (lua_State *L);
int dm_consumer_print_lua (lua_State *L);
int dm_consumer_assign_lua (lua_State *L);
int dm_consumer_assignment_lua (lua_State *L);
int dm_consumer_pause_lua (lua_State *L);
int dm_consumer_resume_lua (lua_State *L);
int dm_consumer_paused_lua (lua_State *L);
int dm_consumer_commit_lua (lua_State *L);
int dm_consumer_store_lua (lua_State *L);
int dm_consumer_committed_lua (lua_State *L);
int dm_consumer_seek_lua (lua_State *L);
int dm_consumer_ended_lua (lua_State *L);
int dm_consumer_position_lua (lua_State *L);
int dm_consumer_watermarks_lua (lua_State *L);
int dm_consumer_close_lua (lua_State *L);

#endif
