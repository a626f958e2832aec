/* SPDX-License-Identifier: MIT */
#include "runtime/sent.h"

static dm_sent_row *row_of (dm_sent *sent, rd_kafka_headers_t *headers) {
  const void *type;
  size_t length;
  int number = DM_ROWS_OTHER;
  if (headers != NULL &&
      rd_kafka_header_get_last(headers, "ce_type", &type, &length) == RD_KAFKA_RESP_ERR_NO_ERROR &&
      type != NULL)
    number = dm_rows_find(&sent->rows, type, length, sizeof(dm_sent_row));
  return (dm_sent_row *)dm_rows_take(&sent->rows, number, sizeof(dm_sent_row));
}

/* -- Classes ---------------------------------------------------------------------------------- */

/* Below two steps a class is a microsecond wide; then the octave and three bits below its highest
** tell it. */
static int class_of (uint64_t micros) {
  int octave = 60 - __builtin_clzll(micros | (2 * DM_SENT_STEPS - 1));
  int number = octave * DM_SENT_STEPS + (int)(micros >> octave);
  return number < DM_SENT_CLASSES ? number : DM_SENT_CLASSES - 1;
}

/* The longest latency of the class. */
static uint64_t top_of (int number) {
  int octave = number < 2 * DM_SENT_STEPS ? 0 : number / DM_SENT_STEPS - 1;
  uint64_t step = (uint64_t)(number - octave * DM_SENT_STEPS);
  return ((step + 1) << octave) - 1;
}

uint64_t dm_sent_quantile (const dm_sent_sum *sum, double share) {
  uint64_t total = 0, below = 0;
  int number = 0;
  for (int i = 0; i < DM_SENT_CLASSES; i++) total += sum->classes[i];
  if (total == 0) return 0;
  while (number < DM_SENT_CLASSES - 1) {
    below += sum->classes[number];
    if (below > 0 && (double)below >= share * (double)total) break;
    number++;
  }
  return number == DM_SENT_CLASSES - 1 || top_of(number) > sum->most ? sum->most : top_of(number);
}

/* -- Counting --------------------------------------------------------------------------------- */

void dm_sent_add (dm_sent *sent, rd_kafka_headers_t *headers, size_t bytes, int64_t micros) {
  dm_sent_row *row = row_of(sent, headers);
  uint64_t latency = micros > 0 ? (uint64_t)micros : 0;
  if (row == NULL) return;
  dm_figure_add(&row->sent, 1);
  dm_figure_add(&row->bytes, bytes);
  dm_figure_add(&row->micros, latency);
  dm_figure_add(&row->classes[class_of(latency)], 1);
  if (latency > dm_figure_read(&row->most))
    atomic_store_explicit(&row->most, latency, memory_order_relaxed);
}

void dm_sent_fail (dm_sent *sent, rd_kafka_headers_t *headers) {
  dm_sent_row *row = row_of(sent, headers);
  if (row != NULL) dm_figure_add(&row->failed, 1);
}

/* -- Reading ---------------------------------------------------------------------------------- */

int dm_sent_count (const dm_sent *sent) {
  int count = 0;
  for (int i = 0; i < DM_ROWS_MAX; i++) count += dm_rows_at(&sent->rows, i) != NULL;
  return count;
}

static void add_row (dm_sent_sum *sum, const dm_sent_row *row) {
  uint64_t most = dm_figure_read(&row->most);
  sum->sent += dm_figure_read(&row->sent);
  sum->failed += dm_figure_read(&row->failed);
  sum->bytes += dm_figure_read(&row->bytes);
  sum->micros += dm_figure_read(&row->micros);
  if (most > sum->most) sum->most = most;
  for (int i = 0; i < DM_SENT_CLASSES; i++) sum->classes[i] += dm_figure_read(&row->classes[i]);
}

int dm_sent_collect (const dm_sent *sent, dm_sent_sum *sums, int count, int room) {
  for (int i = 0; i < DM_ROWS_MAX; i++) {
    const dm_sent_row *row = (const dm_sent_row *)dm_rows_at(&sent->rows, i);
    dm_sent_sum *sum;
    if (row == NULL) continue;
    sum = dm_rows_sum(sums, &count, room, sizeof *sums, &row->row);
    if (sum != NULL) add_row(sum, row);
  }
  return count;
}

void dm_sent_close (dm_sent *sent) {
  dm_rows_close(&sent->rows);
}
