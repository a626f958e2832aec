/* SPDX-License-Identifier: MIT */
#include "kafka/ledger.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/feed.h"

#define SLOTS_PER_CHUNK 1024

struct dm_slot {
  dm_ledger *ledger;
  const dm_topic *topic;
  dm_slot *next_free;
  int refs;
  dm_report report;
};

typedef struct chunk {
  struct chunk *next;
  dm_slot slots[SLOTS_PER_CHUNK];
} chunk;

struct dm_ledger {
  pthread_mutex_t lock;
  chunk *chunks;
  dm_slot *free;
  const dm_slot *awaited;
  dm_topic *topics;
  uint64_t reported;
  size_t refs; /* the producer's, and one a handle */
  bool sealed;
};

dm_ledger *dm_ledger_new (void) {
  dm_ledger *ledger = calloc(1, sizeof *ledger);
  if (ledger == NULL) return NULL;
  pthread_mutex_init(&ledger->lock, NULL);
  ledger->refs = 1;
  return ledger;
}

static void ledger_free (dm_ledger *ledger) {
  chunk *c, *next_chunk;
  dm_topic *topic, *next_topic;
  for (c = ledger->chunks; c != NULL; c = next_chunk) {
    next_chunk = c->next;
    free(c);
  }
  for (topic = ledger->topics; topic != NULL; topic = next_topic) {
    next_topic = topic->next;
    free(topic);
  }
  pthread_mutex_destroy(&ledger->lock);
  free(ledger);
}

/* Unlocks, lets one reference go and frees the ledger when it was the last. */
static void unlock_and_unref (dm_ledger *ledger) {
  bool last = --ledger->refs == 0;
  pthread_mutex_unlock(&ledger->lock);
  if (last) ledger_free(ledger);
}

void dm_ledger_seal (void *ud) {
  dm_ledger *ledger = ud;
  pthread_mutex_lock(&ledger->lock);
  ledger->sealed = true;
  unlock_and_unref(ledger);
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

/* Adds a chunk's slots to the free ones. */
static bool grow (dm_ledger *ledger) {
  chunk *c = malloc(sizeof *c);
  if (c == NULL) return false;
  c->next = ledger->chunks;
  ledger->chunks = c;
  for (size_t i = 0; i < SLOTS_PER_CHUNK; i++) {
    c->slots[i].ledger = ledger;
    c->slots[i].next_free = ledger->free;
    ledger->free = &c->slots[i];
  }
  return true;
}

dm_slot *dm_slot_open (dm_ledger *ledger, const dm_topic *topic) {
  dm_slot *slot = NULL;
  pthread_mutex_lock(&ledger->lock);
  if (ledger->free != NULL || grow(ledger)) {
    slot = ledger->free;
    ledger->free = slot->next_free;
    ledger->refs++;
    slot->topic = topic;
    slot->refs = 2;
    slot->report.status = DM_PENDING;
  }
  pthread_mutex_unlock(&ledger->lock);
  return slot;
}

/* With the lock held. */
static void slot_unref (dm_slot *slot) {
  if (--slot->refs > 0) return;
  slot->next_free = slot->ledger->free;
  slot->ledger->free = slot;
}

void dm_slot_forget (dm_slot *slot) {
  dm_ledger *ledger = slot->ledger;
  pthread_mutex_lock(&ledger->lock);
  slot_unref(slot);
  pthread_mutex_unlock(&ledger->lock);
}

void dm_slot_release (dm_slot *slot) {
  dm_ledger *ledger = slot->ledger;
  pthread_mutex_lock(&ledger->lock);
  slot_unref(slot);
  unlock_and_unref(ledger);
}

dm_report dm_slot_read (dm_slot *slot) {
  dm_ledger *ledger = slot->ledger;
  dm_report report;
  pthread_mutex_lock(&ledger->lock);
  report = slot->report;
  if (report.status == DM_PENDING && ledger->sealed) {
    report.status = DM_POSSIBLY_PERSISTED;
    report.code = RD_KAFKA_RESP_ERR__DESTROY;
  }
  pthread_mutex_unlock(&ledger->lock);
  report.topic = slot->topic->name;
  return report;
}

void dm_ledger_await (dm_ledger *ledger, dm_slot *slot) {
  pthread_mutex_lock(&ledger->lock);
  ledger->awaited = slot;
  pthread_mutex_unlock(&ledger->lock);
}

uint64_t dm_ledger_reported (dm_ledger *ledger) {
  uint64_t reported;
  pthread_mutex_lock(&ledger->lock);
  reported = ledger->reported;
  pthread_mutex_unlock(&ledger->lock);
  return reported;
}

static dm_status status_of (const rd_kafka_message_t *message) {
  switch (rd_kafka_message_status(message)) {
    case RD_KAFKA_MSG_STATUS_PERSISTED: return DM_PERSISTED;
    case RD_KAFKA_MSG_STATUS_NOT_PERSISTED: return DM_NOT_PERSISTED;
    default: return DM_POSSIBLY_PERSISTED;
  }
}

static void fill (dm_report *report, const rd_kafka_message_t *message) {
  rd_kafka_timestamp_type_t type;
  report->status = status_of(message);
  report->code = message->err;
  report->partition = message->partition;
  report->offset = message->offset;
  report->timestamp = rd_kafka_message_timestamp(message, &type);
  report->latency_us = rd_kafka_message_latency(message);
}

void dm_ledger_on_report (rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
  dm_slot *slot = message->_private;
  dm_ledger *ledger = dm_feed_ledger(opaque);
  bool awaited;
  pthread_mutex_lock(&ledger->lock);
  fill(&slot->report, message);
  awaited = slot == ledger->awaited;
  ledger->reported++;
  slot_unref(slot);
  pthread_mutex_unlock(&ledger->lock);
  if (awaited) rd_kafka_yield(rk);
}
