/* SPDX-License-Identifier: MIT */
/* The plain C loop that consuming from Lua is compared with: one record at a time, looked at and
** destroyed, as a C programmer writes it with librdkafka.
** usage: bench-consume BOOTSTRAP TOPIC RECORDS */
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <unistd.h>

#include "measure.h"

static void set (rd_kafka_conf_t *conf, const char *name, const char *value) {
  char reason[256];
  if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK) return;
  fprintf(stderr, "bench-consume: %s\n", reason);
  exit(1);
}

static rd_kafka_t *connect_to (const char *bootstrap, const char *topic) {
  char reason[256], group[64];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_t *rk;
  snprintf(group, sizeof group, "bench-%ld-%ld", (long)time(NULL), (long)getpid());
  set(conf, "bootstrap.servers", bootstrap);
  set(conf, "group.id", group);
  set(conf, "auto.offset.reset", "earliest");
  set(conf, "enable.auto.commit", "false");
  set(conf, "enable.auto.offset.store", "false");
  rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
  if (rk == NULL) {
    fprintf(stderr, "bench-consume: %s\n", reason);
    exit(1);
  }
  rd_kafka_poll_set_consumer(rk);
  rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
  rd_kafka_subscribe(rk, topics);
  rd_kafka_topic_partition_list_destroy(topics);
  return rk;
}

/* Reads the records; returns the bytes of their keys and values. */
static size_t consume (rd_kafka_t *rk, long records) {
  size_t bytes = 0;
  for (long seen = 0; seen < records;) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 1000);
    if (message == NULL) continue;
    if (message->err) {
      fprintf(stderr, "bench-consume: %s\n", rd_kafka_message_errstr(message));
      exit(1);
    }
    bytes += message->key_len + message->len;
    seen++;
    rd_kafka_message_destroy(message);
  }
  return bytes;
}

int main (int argc, char **argv) {
  rd_kafka_t *rk;
  measure start;
  long records;
  size_t bytes;
  if (argc != 4) return fprintf(stderr, "usage: bench-consume BOOTSTRAP TOPIC RECORDS\n"), 2;
  records = atol(argv[3]);
  rk = connect_to(argv[1], argv[2]);
  start = measure_now();
  bytes = consume(rk, records);
  measure_print(start, records);
  rd_kafka_consumer_close(rk);
  rd_kafka_destroy(rk);
  return bytes > 0 ? 0 : 1;
}
