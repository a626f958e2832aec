/* SPDX-License-Identifier: MIT */
#include "runtime/outbox.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_BYTES ((size_t)1 << 20)
#define KEPT_EMITS 256

dm_outbox *dm_outbox_new (void) {
  return calloc(1, sizeof(dm_outbox));
}

static void drop_headers (dm_outbox *outbox) {
  for (size_t i = 0; i < outbox->count; i++)
    if (outbox->emits[i].headers != NULL) rd_kafka_headers_destroy(outbox->emits[i].headers);
}

void dm_outbox_free (dm_outbox *outbox) {
  drop_headers(outbox);
  if (!outbox->packed) {
    free(outbox->emits);
    free(outbox->bytes);
  }
  free(outbox);
}

void dm_outbox_clear (dm_outbox *outbox) {
  drop_headers(outbox);
  outbox->count = outbox->used = 0;
  if (outbox->size > KEPT_BYTES) {
    free(outbox->bytes);
    outbox->bytes = NULL;
    outbox->size = 0;
  }
  if (outbox->room > KEPT_EMITS) {
    free(outbox->emits);
    outbox->emits = NULL;
    outbox->room = 0;
  }
}

static bool grow (void **block, size_t *room, size_t item, size_t needed) {
  size_t bigger = *room * 2 + 64;
  void *moved;
  if (needed <= *room) return true;
  if (bigger < needed) bigger = needed;
  moved = realloc(*block, bigger * item);
  if (moved == NULL) return false;
  *block = moved;
  *room = bigger;
  return true;
}

bool dm_outbox_add (dm_outbox *outbox, const dm_emit *emit, const char *key, const char *value) {
  size_t bytes = emit->key_size + emit->value_size;
  dm_emit *added;
  if (!grow((void **)&outbox->emits, &outbox->room, sizeof *emit, outbox->count + 1) ||
      !grow((void **)&outbox->bytes, &outbox->size, 1, outbox->used + bytes))
    return false;
  added = &outbox->emits[outbox->count++];
  *added = *emit;
  added->at = outbox->used;
  added->has_key = key != NULL;
  added->has_value = value != NULL;
  if (key != NULL && emit->key_size > 0) memcpy(outbox->bytes + added->at, key, emit->key_size);
  if (value != NULL && emit->value_size > 0)
    memcpy(outbox->bytes + added->at + emit->key_size, value, emit->value_size);
  outbox->used += bytes;
  return true;
}

dm_outbox *dm_outbox_pack (dm_outbox *outbox) {
  size_t emits = outbox->count * sizeof *outbox->emits;
  dm_outbox *packed = malloc(sizeof *packed + emits + outbox->used);
  if (packed == NULL) return NULL;
  *packed = (dm_outbox){ .count = outbox->count, .room = outbox->count, .used = outbox->used,
                         .size = outbox->used, .packed = true };
  packed->emits = (dm_emit *)(packed + 1);
  packed->bytes = (char *)(packed->emits + packed->count);
  if (emits > 0) memcpy(packed->emits, outbox->emits, emits);
  if (outbox->used > 0) memcpy(packed->bytes, outbox->bytes, outbox->used);
  outbox->count = 0; /* the headers have moved */
  dm_outbox_clear(outbox);
  return packed;
}

/* Bytes in the outbox; what is empty is not NULL. */
static const char *part (const dm_outbox *outbox, bool present, size_t at, size_t size) {
  if (!present) return NULL;
  return size > 0 ? outbox->bytes + at : "";
}

const char *dm_emit_key (const dm_outbox *outbox, const dm_emit *emit) {
  return part(outbox, emit->has_key, emit->at, emit->key_size);
}

const char *dm_emit_value (const dm_outbox *outbox, const dm_emit *emit) {
  return part(outbox, emit->has_value, emit->at + emit->key_size, emit->value_size);
}

rd_kafka_resp_err_t dm_emit_produce (const dm_outbox *outbox, dm_emit *emit, rd_kafka_t *rk,
                                     rd_kafka_topic_t *rkt, void *opaque) {
  rd_kafka_resp_err_t error = rd_kafka_producev(
    rk, RD_KAFKA_V_RKT(rkt), RD_KAFKA_V_PARTITION(emit->partition),
    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(emit->timestamp),
    RD_KAFKA_V_KEY(dm_emit_key(outbox, emit), emit->key_size),
    RD_KAFKA_V_VALUE((void *)dm_emit_value(outbox, emit), emit->value_size),
    RD_KAFKA_V_HEADERS(emit->headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) emit->headers = NULL;
  return error;
}
