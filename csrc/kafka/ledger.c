/* SPDX-License-Identifier: MIT */
#include "kafka/ledger.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/feed.h"

/* Small, because a fast producer has a million of them on the way. What a report says is written
** before 'status' and read after it. */
struct dm_slot {
  dm_block *block;
  const dm_topic *topic;
  int64_t offset, timestamp, latency_us;
  int32_t partition;
  int16_t code;
  atomic_uchar status;
};

struct dm_block {
  dm_ledger *ledger;
  atomic_uint refs; /* the box, and one a record in librdkafka */
  unsigned used;
  dm_slot slots[DM_BLOCK_SLOTS];
};

struct dm_ledger {
  dm_topic *topics; /* the owning thread's */
  uint64_t sent;    /* the owning thread's */
  _Atomic(dm_slot *) awaited;
  atomic_ullong reported;
  atomic_ullong failed;      /* of those without a slot */
  atomic_int first_failure;  /* the code of the first of them */
  atomic_size_t refs; /* the producer's, and one a block */
  atomic_bool sealed;
};

dm_ledger *dm_ledger_new (void) {
  dm_ledger *ledger = calloc(1, sizeof *ledger);
  if (ledger != NULL) atomic_init(&ledger->refs, 1);
  return ledger;
}

static void ledger_unref (dm_ledger *ledger) {
  dm_topic *topic, *next;
  if (atomic_fetch_sub(&ledger->refs, 1) > 1) return;
  for (topic = ledger->topics; topic != NULL; topic = next) {
    next = topic->next;
    free(topic);
  }
  free(ledger);
}

void dm_ledger_seal (void *ud) {
  dm_ledger *ledger = ud;
  atomic_store(&ledger->sealed, true);
  ledger_unref(ledger);
}

dm_topic *dm_ledger_add_topic (dm_ledger *ledger, const char *name, rd_kafka_topic_t *rkt) {
  size_t size = strlen(name) + 1;
  dm_topic *topic = calloc(1, sizeof *topic + size);
  if (topic == NULL) return NULL;
  memcpy(topic->name, name, size);
  topic->rkt = rkt;
  topic->next = ledger->topics;
  ledger->topics = topic;
  return topic;
}

void dm_ledger_drop_topics (dm_ledger *ledger) {
  for (dm_topic *topic = ledger->topics; topic != NULL; topic = topic->next) {
    if (topic->rkt != NULL) rd_kafka_topic_destroy(topic->rkt);
    topic->rkt = NULL;
  }
}

dm_block *dm_block_new (dm_ledger *ledger) {
  dm_block *block = malloc(sizeof *block);
  if (block == NULL) return NULL;
  block->ledger = ledger;
  block->used = 0;
  atomic_init(&block->refs, 1);
  atomic_fetch_add(&ledger->refs, 1);
  return block;
}

void dm_block_unref (dm_block *block) {
  dm_ledger *ledger = block->ledger;
  if (atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) > 1) return;
  free(block);
  ledger_unref(ledger);
}

dm_slot *dm_slot_open (dm_block *block, const dm_topic *topic) {
  dm_slot *slot;
  if (block->used == DM_BLOCK_SLOTS) return NULL;
  slot = &block->slots[block->used++];
  slot->block = block;
  slot->topic = topic;
  atomic_init(&slot->status, DM_PENDING);
  atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
  block->ledger->sent++;
  return slot;
}

void dm_slot_forget (dm_slot *slot) {
  slot->block->ledger->sent--;
  dm_block_unref(slot->block); /* never the last: the box still holds it */
}

static dm_status status_now (dm_slot *slot) {
  return (dm_status)atomic_load_explicit(&slot->status, memory_order_acquire);
}

void dm_ledger_expect (dm_ledger *ledger, unsigned count) {
  ledger->sent += count;
}

void dm_ledger_unexpect (dm_ledger *ledger) {
  ledger->sent--;
}

uint64_t dm_ledger_failed (dm_ledger *ledger, rd_kafka_resp_err_t *code) {
  *code = (rd_kafka_resp_err_t)atomic_load(&ledger->first_failure);
  return atomic_load(&ledger->failed);
}

dm_report dm_slot_read (dm_slot *slot) {
  bool sealed = atomic_load(&slot->block->ledger->sealed); /* before the status: no report comes after */
  dm_report report = { .status = status_now(slot), .topic = slot->topic->name };
  if (report.status != DM_PENDING) {
    report.code = (rd_kafka_resp_err_t)slot->code;
    report.partition = slot->partition;
    report.offset = slot->offset;
    report.timestamp = slot->timestamp;
    report.latency_us = slot->latency_us;
  }
  else if (sealed) {
    report.status = DM_POSSIBLY_PERSISTED;
    report.code = RD_KAFKA_RESP_ERR__DESTROY;
  }
  return report;
}

void dm_ledger_await (dm_ledger *ledger, dm_slot *slot) {
  atomic_store(&ledger->awaited, slot);
}

uint64_t dm_ledger_reported (dm_ledger *ledger) {
  return atomic_load(&ledger->reported);
}

uint64_t dm_ledger_pending (dm_ledger *ledger) {
  return ledger->sent - atomic_load(&ledger->reported);
}

static dm_status status_of (const rd_kafka_message_t *message) {
  switch (rd_kafka_message_status(message)) {
    case RD_KAFKA_MSG_STATUS_PERSISTED: return DM_PERSISTED;
    case RD_KAFKA_MSG_STATUS_NOT_PERSISTED: return DM_NOT_PERSISTED;
    default: return DM_POSSIBLY_PERSISTED;
  }
}

static void fill (dm_slot *slot, const rd_kafka_message_t *message) {
  rd_kafka_timestamp_type_t type;
  slot->code = (int16_t)message->err;
  slot->partition = message->partition;
  slot->offset = message->offset;
  slot->timestamp = rd_kafka_message_timestamp(message, &type);
  slot->latency_us = rd_kafka_message_latency(message);
  atomic_store_explicit(&slot->status, (unsigned char)status_of(message), memory_order_release);
}

/* Of a record without a slot. */
static void count_report (dm_ledger *ledger, const rd_kafka_message_t *message) {
  int none = 0;
  if (message->err) {
    atomic_compare_exchange_strong(&ledger->first_failure, &none, message->err);
    atomic_fetch_add(&ledger->failed, 1);
  }
  atomic_fetch_add_explicit(&ledger->reported, 1, memory_order_relaxed);
}

void dm_ledger_on_report (rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
  dm_slot *slot = message->_private;
  dm_ledger *ledger = dm_feed_ledger(opaque);
  if (!message->err) dm_feed_reached(opaque);
  if (slot == NULL) {
    count_report(ledger, message);
    return;
  }
  fill(slot, message);
  if (slot == atomic_load_explicit(&ledger->awaited, memory_order_relaxed)) rd_kafka_yield(rk);
  atomic_fetch_add_explicit(&ledger->reported, 1, memory_order_relaxed);
  dm_block_unref(slot->block);
}
