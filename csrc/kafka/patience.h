/* SPDX-License-Identifier: MIT */
/* patience.h -- a blocking librdkafka call of a task, made in short attempts: a task that nobody
** waits for any more ends soon and does not hold up the end of its client.
**
** Threads: the task's.
** Order:   do { code = call(..., dm_patience_ms(&p)); } while (dm_patience_again(&p, block, code));
*/
#ifndef DM_PATIENCE_H
#define DM_PATIENCE_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "kafka/clock.h"

typedef struct dm_patience {
  dm_deadline deadline;
  int slice_ms;
} dm_patience;

dm_patience dm_patience_begin (dm_deadline deadline);

/* How long the next attempt may take. */
int dm_patience_ms (const dm_patience *patience);

/* After an attempt of the job 'block' that ended with 'code': make another? */
bool dm_patience_again (dm_patience *patience, const void *block, rd_kafka_resp_err_t code);

#endif
