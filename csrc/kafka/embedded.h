/* SPDX-License-Identifier: MIT */
/* embedded.h -- a broker inside this process: librdkafka's mock cluster, which speaks the real
** protocol on loopback. It has no admin requests, so admin clients of this state whose address
** belongs to one use it directly.
**
** Threads:   the thread that owns L; the broker runs on librdkafka's threads.
** Ownership: the userdata owns the cluster and the private rk that the cluster hangs on. The
**            state's table "embedded" (a set of userdata) keeps it until it is closed. User
**            value 1: topic name -> its configuration. User value 2: bootstrap_servers.
** Order:     dm_embedded_open once; kafka.embedded; dm_embedded_find; close.
*/
#ifndef DM_EMBEDDED_H
#define DM_EMBEDDED_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <lua.h>

#include "kafka/state.h"

#define DM_EMBEDDED_CONFIGS 1
#define DM_EMBEDDED_SERVERS 2

typedef struct dm_embedded {
  rd_kafka_mock_cluster_t *cluster; /* NULL: closed */
  rd_kafka_t *rk;
  dm_state *state;
  int brokers; /* their ids are 1 to this */
} dm_embedded;

/* Makes the metatable.  [-0, +0, m] */
void dm_embedded_open (lua_State *L);

/* kafka.embedded(options) -> broker | nil, err.  [-1, +(1|2), e] */
int dm_embedded_lua (lua_State *L);

/* The open embedded broker of this state that listens at one of the addresses in the comma list
** 'servers', pushed; NULL, with nothing pushed, when none does.  [-0, +(0|1), m] */
dm_embedded *dm_embedded_find (lua_State *L, const char *servers);

/* The open broker's cluster, ready for a command. */
rd_kafka_mock_cluster_t *dm_embedded_cluster (dm_embedded *broker);

#endif
