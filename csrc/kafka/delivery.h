/* SPDX-License-Identifier: MIT */
/* delivery.h -- the Lua handle of one sent record.
**
** Threads:   the thread that owns L.
** Ownership: the handle holds its slot of the ledger; user value 1 is the producer.
** Order:     dm_delivery_open once; push the empty handle first, then give it a slot.
*/
#ifndef DM_DELIVERY_H
#define DM_DELIVERY_H

#include <lua.h>

#include "kafka/clock.h"
#include "kafka/ledger.h"
#include "kafka/state.h"

typedef struct dm_delivery dm_delivery;

/* Makes the metatable docmsg.Delivery.  [-0, +0, m] */
void dm_delivery_open (lua_State *L);

/* Pushes a handle without a slot; the producer is at index 'producer'.  [-0, +1, m] */
dm_delivery *dm_delivery_push (lua_State *L, int producer, dm_state *state);

/* Gives the handle its slot. */
void dm_delivery_take (dm_delivery *delivery, dm_slot *slot);

/* Waits for the report of the handle at idx and pushes it, or nil and an error.
** [-0, +(1|2), e] */
int dm_delivery_wait (lua_State *L, int idx, dm_deadline deadline);

#endif
