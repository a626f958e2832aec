/* SPDX-License-Identifier: MIT */
/* conf.h -- from options to an rd_kafka_conf_t: parse, then build. What is set, weakest first: our
** presets, the state's defaults, the options' `kafka` table, named options, what we always force.
**
** Threads:   the thread that owns L.
** Ownership: dm_conf_build gives the conf to the caller.
** Order:     dm_conf_collect pushes the texts; the caller may set more in that table;
**            dm_conf_build turns them into a conf.
*/
#ifndef DM_CONF_H
#define DM_CONF_H

#include <librdkafka/rdkafka.h>
#include <lua.h>
#include <stdbool.h>

#include "kafka/property.h"

typedef struct dm_preset {
  const char *name, *value; /* name NULL ends the list */
} dm_preset;

/* Pushes the table property -> text for a client with the options at idx.  [-0, +1, e] */
void dm_conf_collect (lua_State *L, int idx, const char *what, dm_scope scope,
                      const dm_preset *presets);

/* Copies the option 'field' of the table at idx, when given, to the property in the table on the
** top of the stack. Raises on control characters.  [-0, +0, e] */
void dm_conf_set_id (lua_State *L, int idx, const char *what, const char *field,
                     const char *property);

/* Makes a conf of the table at idx. NULL: nil and an error were pushed.  [-0, +(0|2), m] */
rd_kafka_conf_t *dm_conf_build (lua_State *L, int idx);

/* Can this librdkafka rebalance cooperatively without looping or crashing? */
bool dm_conf_is_cooperative_safe (void);

/* The partition.assignment.strategy of a consumer that names none. */
const char *dm_conf_default_strategy (void);

/* kafka.defaults([table]).  [-1, +1, e] */
int dm_conf_defaults_lua (lua_State *L);

#endif
