/* SPDX-License-Identifier: MIT */
/* compat.h -- which librdkafka is this? Every version gate of the project is a line here. */
#ifndef DM_COMPAT_H
#define DM_COMPAT_H

#include <librdkafka/rdkafka.h>

#define DM_RDKAFKA_AT_LEAST(major, minor, patch) \
  (RD_KAFKA_VERSION >= (((major) << 24) | ((minor) << 16) | ((patch) << 8)))

/* IncrementalAlterConfigs: sets single keys at the broker, without describe and merge. */
#define DM_HAS_INCREMENTAL_ALTER DM_RDKAFKA_AT_LEAST(2, 2, 0)

/* DescribeTopics, ListOffsets. DescribeCluster came with them, but asks for metadata, as admin:cluster()
** does. */
#define DM_HAS_DESCRIBE_TOPICS DM_RDKAFKA_AT_LEAST(2, 3, 0)
#define DM_HAS_LIST_OFFSETS DM_RDKAFKA_AT_LEAST(2, 3, 0)

/* The mock cluster gives a topic as many replicas as asked for. */
#define DM_HAS_MOCK_REPLICAS DM_RDKAFKA_AT_LEAST(2, 2, 0)

/* Configurations of consumer groups. */
#define DM_HAS_GROUP_CONFIGS DM_RDKAFKA_AT_LEAST(2, 10, 0)

/* Before it, cooperative-sticky can loop and crash. */
#define DM_HAS_SAFE_COOPERATIVE DM_RDKAFKA_AT_LEAST(2, 6, 1)

/* Before it, SCRAM repeats the nonce, which brokers from 3.8.1 on refuse. Asked at run time. */
#define DM_RDKAFKA_WITH_SCRAM 0x02060100

/* fetch.queue.backoff.ms. Asked at run time. */
#define DM_RDKAFKA_WITH_QUEUE_BACKOFF 0x02020000

#endif
