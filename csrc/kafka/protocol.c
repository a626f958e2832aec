/* SPDX-License-Identifier: MIT */
#include "kafka/protocol.h"

#include <stdlib.h>
#include <string.h>

#include "kafka/option.h"

/* The requests clients make, by their numbers in the protocol guide. */
static const struct { int number; const char *name; } apis[] = {
  { 0, "Produce" },              { 1, "Fetch" },
  { 2, "ListOffsets" },          { 3, "Metadata" },
  { 8, "OffsetCommit" },         { 9, "OffsetFetch" },
  { 10, "FindCoordinator" },     { 11, "JoinGroup" },
  { 12, "Heartbeat" },           { 13, "LeaveGroup" },
  { 14, "SyncGroup" },           { 15, "DescribeGroups" },
  { 16, "ListGroups" },          { 17, "SaslHandshake" },
  { 18, "ApiVersions" },         { 19, "CreateTopics" },
  { 20, "DeleteTopics" },        { 21, "DeleteRecords" },
  { 22, "InitProducerId" },      { 23, "OffsetForLeaderEpoch" },
  { 24, "AddPartitionsToTxn" },  { 25, "AddOffsetsToTxn" },
  { 26, "EndTxn" },              { 28, "TxnOffsetCommit" },
  { 32, "DescribeConfigs" },     { 33, "AlterConfigs" },
  { 36, "SaslAuthenticate" },    { 37, "CreatePartitions" },
  { 42, "DeleteGroups" },        { 44, "IncrementalAlterConfigs" },
  { 60, "DescribeCluster" },     { 68, "ConsumerGroupHeartbeat" },
  { 75, "DescribeTopicPartitions" },
};

#define APIS (sizeof apis / sizeof apis[0])

static const char *api_at (const void *names, size_t i) {
  (void)names;
  return apis[i].name;
}

int dm_protocol_api (const char *name) {
  size_t digits = strspn(name, "0123456789");
  if (digits > 0 && digits <= 4 && name[digits] == '\0') return atoi(name);
  for (size_t i = 0; i < APIS; i++)
    if (strcmp(apis[i].name, name) == 0) return apis[i].number;
  return -1;
}

const char *dm_protocol_nearest_api (const char *name) {
  return dm_nearest(name, NULL, APIS, api_at);
}

/* librdkafka's list has gaps. */
static const char *error_at (const void *names, size_t i) {
  const struct rd_kafka_err_desc *errors = names;
  return errors[i].name != NULL ? errors[i].name : "";
}

bool dm_protocol_error (const char *name, rd_kafka_resp_err_t *code) {
  const struct rd_kafka_err_desc *errors;
  size_t n;
  rd_kafka_get_err_descs(&errors, &n);
  for (size_t i = 0; i < n; i++) {
    if (*name == '\0' || strcmp(error_at(errors, i), name) != 0) continue;
    *code = errors[i].code;
    return true;
  }
  return false;
}

const char *dm_protocol_nearest_error (const char *name) {
  const struct rd_kafka_err_desc *errors;
  size_t n;
  rd_kafka_get_err_descs(&errors, &n);
  return dm_nearest(name, errors, n, error_at);
}
