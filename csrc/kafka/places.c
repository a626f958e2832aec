/* SPDX-License-Identifier: MIT */
#include "kafka/places.h"

#include <stddef.h>

rd_kafka_topic_partition_t *dm_list_find (const dm_list *list,
                                          const rd_kafka_topic_partition_t *place) {
  if (list == NULL) return NULL;
  return rd_kafka_topic_partition_list_find((dm_list *)list, place->topic, place->partition);
}

bool dm_places_has (const dm_places *places, const rd_kafka_topic_partition_t *place) {
  return dm_list_find(places->list, place) != NULL;
}

void dm_places_put (dm_places *places, const rd_kafka_topic_partition_t *place) {
  rd_kafka_topic_partition_t *entry = dm_list_find(places->list, place);
  if (places->list == NULL) places->list = rd_kafka_topic_partition_list_new(8);
  if (entry == NULL)
    entry = rd_kafka_topic_partition_list_add(places->list, place->topic, place->partition);
  entry->offset = place->offset;
}

void dm_places_drop (dm_places *places, const rd_kafka_topic_partition_t *place) {
  if (places->list != NULL)
    rd_kafka_topic_partition_list_del(places->list, place->topic, place->partition);
}

void dm_places_clear (dm_places *places) {
  if (places->list != NULL) rd_kafka_topic_partition_list_destroy(places->list);
  places->list = NULL;
}
