/* SPDX-License-Identifier: MIT */
/* wake.h -- has a consumer fetch again as soon as there is room.
**
** librdkafka stops fetching a partition whose queue holds queued.min.messages. From 2.2 on,
** fetch.queue.backoff.ms says when it looks again whether there is room. Before that, a broker's thread
** with nothing to fetch looks once a second, or when it is woken. What wakes it and does nothing
** else is to give the client the credentials that it has.
**
** Threads: one for each client.
*/
#ifndef DM_WAKE_H
#define DM_WAKE_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/* Is dm_wake needed, and will it do no harm? Asks for what does not change in the life of rk. */
bool dm_wake_helps (const rd_kafka_t *rk);

/* Wakes the threads of all brokers. Only when dm_wake_helps. */
void dm_wake (rd_kafka_t *rk);

#endif
