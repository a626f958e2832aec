/* SPDX-License-Identifier: MIT */
#include "runtime/seat.h"

#include <stdlib.h>
#include <string.h>

dm_seat *dm_seat_new (rd_kafka_t *rk, const rd_kafka_topic_partition_t *place, int number,
                      dm_inbox *inbox) {
  dm_seat *seat = calloc(1, sizeof *seat);
  if (seat == NULL) return NULL;
  seat->topic = strdup(place->topic);
  seat->partition = place->partition;
  seat->number = number;
  seat->committed = seat->wanted = seat->lag_end = -1;
  if (seat->topic != NULL)
    seat->queue = rd_kafka_queue_get_partition(rk, place->topic, place->partition);
  if (seat->queue == NULL) {
    dm_seat_free(seat);
    return NULL;
  }
  rd_kafka_queue_forward(seat->queue, NULL);
  dm_inbox_watch(inbox, seat->queue);
  return seat;
}

void dm_seat_vacate (dm_seat *seat) {
  if (seat->queue == NULL) return;
  rd_kafka_queue_io_event_enable(seat->queue, -1, NULL, 0);
  rd_kafka_queue_destroy(seat->queue);
  seat->queue = NULL;
}

void dm_seat_free (dm_seat *seat) {
  dm_seat_vacate(seat);
  free(seat->topic);
  free(seat);
}

bool dm_seat_is_in (const dm_seat *seat, const rd_kafka_topic_partition_list_t *list) {
  return list == NULL ||
         rd_kafka_topic_partition_list_find((rd_kafka_topic_partition_list_t *)list, seat->topic,
                                            seat->partition) != NULL;
}

void dm_seat_link (dm_work *work) {
  dm_seat *seat = work->seat;
  work->after = seat->works;
  work->link = &seat->works;
  if (work->after != NULL) work->after->link = &work->after;
  seat->works = work;
}

void dm_seat_unlink (dm_work *work) {
  *work->link = work->after;
  if (work->after != NULL) work->after->link = work->link;
}
