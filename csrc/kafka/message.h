/* SPDX-License-Identifier: MIT */
/* message.h -- consumed records as userdata whose fields are made on demand.
**
** The records that one poll or batch brought are owned together by a hold, so that the collector
** runs one finalizer for all of them; a message is a place in a hold and needs none.
**
** Threads:   the thread that owns L.
** Ownership: a hold owns its rd_kafka_message_t until none of its messages is reachable or its
**            client closes, whichever is first: an undestroyed record would keep the client from
**            ending. User value 1 of a message is its hold, that of a hold its client.
** Order:     dm_message_open once; per call dm_hold_push, then for each record dm_message_push
**            (box first: a Lua error must not lose a record) and dm_hold_take, at the end
**            dm_hold_note; dm_message_release_all at close.
*/
#ifndef DM_MESSAGE_H
#define DM_MESSAGE_H

#include <librdkafka/rdkafka.h>
#include <lua.h>
#include <stdbool.h>

#include "kafka/state.h"

typedef struct dm_hold dm_hold;

/* The holds of one client. */
typedef struct dm_message_list {
  dm_hold *first;
} dm_message_list;

/* Pushes bytes of a record: nil where there are none, which is not "".  [-0, +1, m] */
void dm_push_bytes (lua_State *L, const void *bytes, size_t size);

/* Pushes the headers of a record as { {name, value}, ... }.  [-0, +1, e] */
void dm_push_headers (lua_State *L, const rd_kafka_message_t *record);

/* Makes the metatable docmsg.Message.  [-0, +0, m] */
void dm_message_open (lua_State *L);

/* Pushes the metatable of messages and above it an empty hold of the client at index 'client',
** which contains 'list'.  [-0, +2, m] */
dm_hold *dm_hold_push (lua_State *L, int client, dm_state *state, dm_message_list *list);

/* Pushes a message for the next record of the hold at index idx, whose metatable lies below it,
** and makes sure that there is room for that record.  [-0, +1, m] */
void dm_message_push (lua_State *L, int idx, dm_hold *hold);

/* Gives the hold its next record, for which a message was pushed. */
void dm_hold_take (dm_hold *hold, rd_kafka_message_t *record);

/* Notes what the hold has taken, and runs the collector when much is held.  [-0, +0, -] */
void dm_hold_note (lua_State *L, dm_hold *hold);

/* Destroys the records of a hold now: their messages were lent for a call that is over. */
void dm_hold_drop (dm_hold *hold);

/* The record of the message at idx; raises when it is none or was released.  [-0, +0, e] */
const rd_kafka_message_t *dm_message_check (lua_State *L, int idx);

/* Is there a message at idx?  [-0, +0, -] */
bool dm_message_test (lua_State *L, int idx);

/* Destroys all records; the fields of their messages raise "message released" from now on. */
void dm_message_release_all (dm_message_list *list);

#endif
