/* SPDX-License-Identifier: MIT */
/* topic_config.h -- the names of topic configurations, for the embedded broker, which has none. */
#ifndef DM_TOPIC_CONFIG_H
#define DM_TOPIC_CONFIG_H

#include <stdbool.h>

/* Does Apache Kafka have a topic configuration of that name? */
bool dm_topic_config_exists (const char *name);

#endif
