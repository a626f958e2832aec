/* SPDX-License-Identifier: MIT */
/* wake_test.c -- waking a client leaves the credentials that it has as they are. */
#include "kafka/wake.h"

#include <string.h>

#include "check.h"
#include "kafka/compat.h"

static rd_kafka_t *client (const char *protocol, const char *secret) {
  char reason[200];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  rd_kafka_t *rk;
  rd_kafka_conf_set(conf, "security.protocol", protocol, NULL, 0);
  if (secret != NULL) {
    rd_kafka_conf_set(conf, "sasl.mechanism", "PLAIN", NULL, 0);
    rd_kafka_conf_set(conf, "sasl.username", "user", NULL, 0);
    rd_kafka_conf_set(conf, "sasl.password", secret, NULL, 0);
  }
  rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
  CHECK(rk != NULL);
  return rk;
}

/* Is it said that waking helps; and afterwards, is the secret still the same? */
static bool helps (const char *protocol, const char *secret) {
  rd_kafka_t *rk = client(protocol, secret);
  char text[8192] = "";
  size_t size = sizeof text;
  bool said = dm_wake_helps(rk);
  if (said) dm_wake(rk);
  CHECK(secret == NULL || (rd_kafka_conf_get(rd_kafka_conf(rk), "sasl.password", text, &size) ==
                             RD_KAFKA_CONF_OK && strcmp(text, secret) == 0));
  rd_kafka_destroy(rk);
  return said;
}

static void only_where_it_does_no_harm (void) {
  bool is_old = rd_kafka_version() < DM_RDKAFKA_WITH_QUEUE_BACKOFF;
  char longest[4096], too_long[4097];
  memset(longest, 'x', sizeof longest);
  memset(too_long, 'x', sizeof too_long);
  longest[sizeof longest - 1] = too_long[sizeof too_long - 1] = '\0';
  CHECK(helps("plaintext", NULL) == is_old);
  CHECK(helps("sasl_plaintext", "secret") == is_old);
  CHECK(helps("sasl_plaintext", longest) == is_old);
  CHECK(!helps("sasl_plaintext", too_long));
}

int main (void) {
  RUN(only_where_it_does_no_harm);
  return 0;
}
