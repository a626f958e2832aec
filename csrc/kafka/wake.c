/* SPDX-License-Identifier: MIT */
#include "kafka/wake.h"

#include <string.h>
#include <strings.h>

#include "kafka/compat.h"

#define NAME_MAX_SIZE 256
#define SECRET_MAX_SIZE 4096

/* The property's text; false: it is not set, or too long. */
static bool read (const rd_kafka_t *rk, const char *name, char *text, size_t size) {
  size_t needed = size;
  return rd_kafka_conf_get(rd_kafka_conf((rd_kafka_t *)rk), name, text, &needed) ==
           RD_KAFKA_CONF_OK &&
         needed <= size;
}

static bool logs_in (const rd_kafka_t *rk) {
  char protocol[32];
  return !read(rk, "security.protocol", protocol, sizeof protocol) ||
         strncasecmp(protocol, "sasl", 4) == 0;
}

static bool read_credentials (const rd_kafka_t *rk, char name[NAME_MAX_SIZE],
                              char secret[SECRET_MAX_SIZE]) {
  return read(rk, "sasl.username", name, NAME_MAX_SIZE) &&
         read(rk, "sasl.password", secret, SECRET_MAX_SIZE);
}

bool dm_wake_helps (const rd_kafka_t *rk) {
  char name[NAME_MAX_SIZE], secret[SECRET_MAX_SIZE];
  bool helps = rd_kafka_version() < DM_RDKAFKA_WITH_QUEUE_BACKOFF &&
               (!logs_in(rk) || read_credentials(rk, name, secret));
  explicit_bzero(secret, sizeof secret);
  return helps;
}

void dm_wake (rd_kafka_t *rk) {
  char name[NAME_MAX_SIZE], secret[SECRET_MAX_SIZE];
  if (!logs_in(rk)) rd_kafka_error_destroy(rd_kafka_sasl_set_credentials(rk, "", ""));
  else if (read_credentials(rk, name, secret))
    rd_kafka_error_destroy(rd_kafka_sasl_set_credentials(rk, name, secret));
  explicit_bzero(secret, sizeof secret);
}
