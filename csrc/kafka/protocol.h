/* SPDX-License-Identifier: MIT */
/* protocol.h -- names of Kafka's requests and of librdkafka's errors, both ways. */
#ifndef DM_PROTOCOL_H
#define DM_PROTOCOL_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/* The number of the request with that name, or with that number as a text; -1: there is none. */
int dm_protocol_api (const char *name);

/* The request's name nearest to 'name', or NULL. */
const char *dm_protocol_nearest_api (const char *name);

/* The code of the error with that name; false when there is none. */
bool dm_protocol_error (const char *name, rd_kafka_resp_err_t *code);

/* The error's name nearest to 'name', or NULL. */
const char *dm_protocol_nearest_error (const char *name);

#endif
