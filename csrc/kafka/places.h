/* SPDX-License-Identifier: MIT */
/* places.h -- a set of partitions, each with an offset.
**
** Threads:   one at a time.
** Ownership: the holder; dm_places_clear frees it, and an empty set owns nothing.
*/
#ifndef DM_PLACES_H
#define DM_PLACES_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

typedef rd_kafka_topic_partition_list_t dm_list;

/* Zeroed: empty. */
typedef struct dm_places {
  dm_list *list; /* NULL: empty */
} dm_places;

/* The entry of the list for that partition, or NULL. */
rd_kafka_topic_partition_t *dm_list_find (const dm_list *list,
                                          const rd_kafka_topic_partition_t *place);

bool dm_places_has (const dm_places *places, const rd_kafka_topic_partition_t *place);

/* Puts the partition in with its offset, over an older one. */
void dm_places_put (dm_places *places, const rd_kafka_topic_partition_t *place);

/* Takes the partition out, when it is in. */
void dm_places_drop (dm_places *places, const rd_kafka_topic_partition_t *place);

void dm_places_clear (dm_places *places);

#endif
