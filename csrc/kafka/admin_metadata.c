/* SPDX-License-Identifier: MIT */
#include "kafka/admin_metadata.h"

#include <lauxlib.h>

#include "kafka/patience.h"

typedef struct metadata_job {
  dm_metadata metadata;
  rd_kafka_t *rk;
  bool topics;
  dm_deadline deadline;
  rd_kafka_resp_err_t code;
} metadata_job;

static void metadata_cleanup (void *block) {
  metadata_job *job = block;
  if (job->metadata.cluster != NULL) rd_kafka_metadata_destroy(job->metadata.cluster);
  if (job->metadata.cluster_id != NULL) rd_kafka_mem_free(NULL, job->metadata.cluster_id);
}

/* The answer told the cluster id and the controller, so asking for them does not wait. */
static void fetch (void *block) {
  metadata_job *job = block;
  dm_patience patience = dm_patience_begin(job->deadline);
  do {
    job->code = rd_kafka_metadata(job->rk, job->topics, NULL, &job->metadata.cluster,
                                  dm_patience_ms(&patience));
  } while (dm_patience_again(&patience, block, job->code));
  if (job->code) return;
  job->metadata.cluster_id = rd_kafka_clusterid(job->rk, 0);
  job->metadata.controller = rd_kafka_controllerid(job->rk, 0);
}

const dm_metadata *dm_metadata_get (lua_State *L, const dm_admin_call *call, bool topics) {
  metadata_job *job = dm_job_push(L, sizeof *job, metadata_cleanup);
  job->rk = call->client->rk;
  job->topics = topics;
  job->deadline = call->deadline;
  if (!dm_client_run(L, call->client, lua_gettop(L), fetch, dm_admin_grace(call->deadline),
                     call->doing))
    return NULL;
  if (job->code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    dm_admin_reached(call);
    return &job->metadata;
  }
  dm_admin_serve(L, call);
  dm_admin_unreached(L, call, rd_kafka_err2str(job->code));
  return NULL;
}
