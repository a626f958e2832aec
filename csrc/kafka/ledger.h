/* SPDX-License-Identifier: MIT */
/* ledger.h -- what became of each sent record: one slot a record, filled by its delivery report.
**
** Records of which there are many and nobody asks for each have no slot: their failures are counted.
**
** Slots come in blocks, so that a handle costs no finaliser of its own: a block lives until its box
** in Lua is collected and every record in it was reported. A record whose producer ended without
** a report counts as possibly persisted: nobody knows.
**
** Threads:   dm_ledger_on_report, dm_ledger_reported, dm_ledger_seal and dm_block_unref on any
**            thread, everything else on the thread that owns L. No locks: what a report says is
**            published by its status.
** Ownership: the ledger lives until its producer and every block have let go.
** Order:     open a slot, produce with it as the record's opaque; forget it when produce failed.
*/
#ifndef DM_LEDGER_H
#define DM_LEDGER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct dm_ledger dm_ledger;
typedef struct dm_block dm_block;
typedef struct dm_slot dm_slot;

#define DM_BLOCK_SLOTS 1024

/* A topic that records were sent to. */
typedef struct dm_topic {
  struct dm_topic *next;
  rd_kafka_topic_t *rkt;   /* NULL once the producer ended */
  int32_t partitions;      /* as last asked from the broker; 0: never */
  int64_t asked_at;        /* dm_clock_ms of that */
  char name[];
} dm_topic;

typedef enum dm_status {
  DM_PENDING,
  DM_PERSISTED,
  DM_NOT_PERSISTED,
  DM_POSSIBLY_PERSISTED
} dm_status;

/* A delivery report. */
typedef struct dm_report {
  dm_status status;
  rd_kafka_resp_err_t code;
  const char *topic; /* valid while the slot is */
  int32_t partition;
  int64_t offset, timestamp, latency_us;
} dm_report;

/* A ledger with one reference, the producer's; NULL when memory is short. */
dm_ledger *dm_ledger_new (void);

/* The producer is gone: what is still pending will never be reported. Lets its reference go. */
void dm_ledger_seal (void *ledger);

/* Adds a topic, which takes rkt; NULL, with rkt left alone, when memory is short. */
dm_topic *dm_ledger_add_topic (dm_ledger *ledger, const char *name, rd_kafka_topic_t *rkt);

/* Destroys the librdkafka topics: they would keep the producer from ending. */
void dm_ledger_drop_topics (dm_ledger *ledger);

/* A block with one reference, its box's; NULL when memory is short. */
dm_block *dm_block_new (dm_ledger *ledger);
void dm_block_unref (dm_block *block);

/* A pending slot for a record; NULL when the block is full. */
dm_slot *dm_slot_open (dm_block *block, const dm_topic *topic);

/* The record was not taken by librdkafka: there will be no report. */
void dm_slot_forget (dm_slot *slot);

/* What is known so far. */
dm_report dm_slot_read (dm_slot *slot);

/* The report of this slot makes the polling call return at once; NULL ends that. */
void dm_ledger_await (dm_ledger *ledger, dm_slot *slot);

/* So many records that have no slot: they are only counted, as is what becomes of them. */
void dm_ledger_expect (dm_ledger *ledger, unsigned count);

/* One of them was not taken by librdkafka: there will be no report. */
void dm_ledger_unexpect (dm_ledger *ledger);

/* How many records without a slot were not delivered, and why the first of them. */
uint64_t dm_ledger_failed (dm_ledger *ledger, rd_kafka_resp_err_t *code);

/* How many reports have come in. */
uint64_t dm_ledger_reported (dm_ledger *ledger);

/* How many records have no report yet. The owning thread. */
uint64_t dm_ledger_pending (dm_ledger *ledger);

/* The delivery report callback; the opaque is a feed whose ledger this is. */
void dm_ledger_on_report (rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque);

#endif
