/* SPDX-License-Identifier: MIT */
/* The plain C loop that producing from Lua is compared with: what a C programmer writes with
** librdkafka, with the same settings, counting delivery reports.
** usage: bench-produce BOOTSTRAP TOPIC RECORDS BYTES */
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

#define KEYS 1000

static long delivered;
static char keys[KEYS][24]; /* made before the clock starts, as in Lua */

static void on_report (rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
  (void)rk;
  (void)opaque;
  if (!message->err) delivered++;
}

static void set (rd_kafka_conf_t *conf, const char *name, const char *value) {
  char reason[256];
  if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK) return;
  fprintf(stderr, "bench-produce: %s\n", reason);
  exit(1);
}

static rd_kafka_t *connect_to (const char *bootstrap) {
  char reason[256];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  rd_kafka_t *rk;
  set(conf, "bootstrap.servers", bootstrap);
  set(conf, "acks", "all");
  set(conf, "enable.idempotence", "true");
  set(conf, "partitioner", "murmur2_random");
  rd_kafka_conf_set_dr_msg_cb(conf, on_report);
  rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
  if (rk != NULL) return rk;
  fprintf(stderr, "bench-produce: %s\n", reason);
  exit(1);
}

static void send_one (rd_kafka_t *rk, rd_kafka_topic_t *topic, void *value, size_t size, long i) {
  const char *key = keys[i % KEYS];
  while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value, size, key,
                          strlen(key), NULL) != 0) {
    if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      fprintf(stderr, "bench-produce: %s\n", rd_kafka_err2str(rd_kafka_last_error()));
      exit(1);
    }
    rd_kafka_poll(rk, 10);
  }
  if (i % 64 == 0) rd_kafka_poll(rk, 0);
}

int main (int argc, char **argv) {
  rd_kafka_t *rk;
  rd_kafka_topic_t *topic;
  void *value;
  long records;
  size_t size;
  measure start;
  if (argc != 5) return fprintf(stderr, "usage: bench-produce BOOTSTRAP TOPIC RECORDS BYTES\n"), 2;
  records = atol(argv[3]);
  size = (size_t)atol(argv[4]);
  value = memset(malloc(size), 'x', size);
  rk = connect_to(argv[1]);
  topic = rd_kafka_topic_new(rk, argv[2], NULL);
  for (int i = 0; i < KEYS; i++) snprintf(keys[i], sizeof keys[i], "key-%d", i);
  start = measure_now();
  for (long i = 0; i < records; i++) send_one(rk, topic, value, size, i);
  rd_kafka_flush(rk, 60000);
  measure_print(start, delivered);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(rk);
  free(value);
  return delivered == records ? 0 : 1;
}
