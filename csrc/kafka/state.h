/* SPDX-License-Identifier: MIT */
/* state.h -- what docmsg.kafka keeps for each lua_State: counts of live objects, the registry
** table of defaults and embedded brokers, and the reaper for clients that nobody closed.
**
** Threads:   the thread that owns L.
** Ownership: a userdata in the registry, made by luaopen_docmsg_kafka, finalised last.
** Order:     dm_state_open before anything else of this module.
*/
#ifndef DM_STATE_H
#define DM_STATE_H

#include <lua.h>

#include "kafka/reaper.h"

typedef struct dm_state {
  int clients;     /* with an open rd_kafka_t */
  int messages;    /* that hold a payload */
  int deliveries;  /* handles that are not collected */
  int brokers;     /* embedded clusters */
  size_t payload;  /* bytes held by messages, which Lua's collector does not see */
  size_t collect_at; /* run the collector when 'payload' gets here */
  dm_reaper *reaper;
} dm_state;

/* Makes the state's userdata.  [-0, +0, m] */
void dm_state_open (lua_State *L);

/* The state's userdata; raises when docmsg.kafka was not opened.  [-0, +0, e] */
dm_state *dm_state_get (lua_State *L);

/* Notes payload bytes that a message took (positive) or gave back (negative), and runs Lua's
** collector when much is held.  [-0, +0, e] */
void dm_state_note_payload (lua_State *L, dm_state *state, ptrdiff_t bytes);

/* Pushes this state's table of that name, made when missing.  [-0, +1, m] */
void dm_state_push_table (lua_State *L, const char *name);

/* kafka.live() -> table of counts.  [-0, +1, m] */
int dm_state_live (lua_State *L);

#endif
