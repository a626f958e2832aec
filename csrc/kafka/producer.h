/* SPDX-License-Identifier: MIT */
/* producer.h -- the producer object of docmsg.kafka; its transactions are in transaction.c.
**
** Threads:   the thread that owns L.
** Ownership: the userdata owns its client, see client.h; the ledger is shared with the handles.
*/
#ifndef DM_PRODUCER_H
#define DM_PRODUCER_H

#include <lua.h>

#include "kafka/client.h"
#include "kafka/ledger.h"

typedef struct dm_producer {
  dm_client client;         /* first: the box begins with a client */
  dm_ledger *ledger;        /* kept after close, for its handles: borrowed then, see 'client.arg' */
  dm_topic *last_topic;     /* of the record before, or NULL */
  unsigned sends;           /* since reports were last served */
  int queue_timeout_ms;
  bool has_partitioner;
  bool transactional;
  bool initialised;         /* init_transactions has succeeded */
  bool in_transaction;
  bool doomed;              /* the transaction can only be aborted */
  uint64_t reports_before;  /* reports that came in before the transaction began */
} dm_producer;

/* Makes the metatables.  [-0, +0, m] */
void dm_producer_open (lua_State *L);

/* kafka.producer(options) -> producer | nil, err.  [-1, +(1|2), e] */
int dm_producer_lua (lua_State *L);

/* The open producer at arg; raises otherwise.  [-0, +0, e] */
dm_producer *dm_producer_check (lua_State *L, int arg);

/* Serves reports until that of 'slot' is in, the deadline passes or the producer at idx is closed.
** [-0, +0, e] */
void dm_producer_await (lua_State *L, int idx, dm_slot *slot, dm_deadline deadline);

/* Methods of transaction.c. */
int dm_transaction_begin (lua_State *L);
int dm_transaction_send_offsets (lua_State *L);
int dm_transaction_commit (lua_State *L);
int dm_transaction_abort (lua_State *L);

/* Aborts an open transaction of a producer that is about to close, as far as the deadline allows.
** [-0, +0, e] */
void dm_transaction_give_up (lua_State *L, dm_producer *producer, dm_deadline deadline);

#endif
