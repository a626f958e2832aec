/* SPDX-License-Identifier: MIT */
/* delivery.h -- the Lua handle of one sent record.
**
** Threads:   the thread that owns L.
** Ownership: a handle's user value 1 is the box of its block of slots (ledger.h), whose user value 1
**            is the producer. The box of the block in use is a user value of the producer.
** Order:     dm_delivery_open once; push the handle, then produce with its slot.
*/
#ifndef DM_DELIVERY_H
#define DM_DELIVERY_H

#include <lua.h>

#include "kafka/clock.h"
#include "kafka/ledger.h"
#include "kafka/state.h"

/* Makes the metatable docmsg.Delivery.  [-0, +0, m] */
void dm_delivery_open (lua_State *L);

/* Pushes a handle with a pending slot for a record to that topic. The producer is at index
** 'producer' and keeps the box of its block in user value 'block'.  [-0, +1, e] */
dm_slot *dm_delivery_push (lua_State *L, int producer, int block, dm_ledger *ledger,
                           dm_state *state, const dm_topic *topic);

/* Waits for the report of the handle at idx and pushes it, or nil and an error.
** [-0, +(1|2), e] */
int dm_delivery_wait (lua_State *L, int idx, dm_deadline deadline);

#endif
