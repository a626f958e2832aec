/* SPDX-License-Identifier: MIT */
/* admin_metadata.h -- the cluster's metadata: brokers, topics, partitions, in one request.
**
** Threads:   the thread that owns L; the request runs on a task.
** Ownership: the metadata live in a job box (job.h) on the stack.
*/
#ifndef DM_ADMIN_METADATA_H
#define DM_ADMIN_METADATA_H

#include <librdkafka/rdkafka.h>
#include <lua.h>

#include "kafka/admin_request.h"

typedef struct dm_metadata {
  const struct rd_kafka_metadata *cluster; /* brokers, and topics when asked for */
  char *cluster_id;                        /* may be NULL */
  int32_t controller;                      /* -1: not known */
} dm_metadata;

/* Pushes a box with the metadata of the brokers and, with 'topics', of all topics. NULL after
** pushing nil and an error.  [-0, +(1|2), e] */
const dm_metadata *dm_metadata_get (lua_State *L, const dm_admin_call *call, bool topics);

#endif
