/* SPDX-License-Identifier: MIT */
/* message.h -- a consumed record as a userdata whose fields are made on demand.
**
** Threads:   the thread that owns L.
** Ownership: the userdata owns the rd_kafka_message_t until it is collected or its client closes,
**            whichever is first: an undestroyed message would keep the client from ending. User
**            value 1 is the client.
** Order:     dm_message_open once; dm_message_push any number; dm_message_release_all at close.
*/
#ifndef DM_MESSAGE_H
#define DM_MESSAGE_H

#include <librdkafka/rdkafka.h>
#include <lua.h>
#include <stdbool.h>

#include "kafka/state.h"

typedef struct dm_message dm_message;

/* The messages of one client that still hold a payload. */
typedef struct dm_message_list {
  dm_message *first;
} dm_message_list;

/* Makes the metatable docmsg.Message.  [-0, +0, m] */
void dm_message_open (lua_State *L);

/* Pushes an empty message of the client at index 'client', which must hold a list at 'list':
** box first, then take a record with dm_message_take.  [-0, +1, m] */
dm_message *dm_message_push (lua_State *L, int client, dm_state *state, dm_message_list *list);

/* Gives the record to the message.  [-0, +0, e] */
void dm_message_take (lua_State *L, dm_message *message, rd_kafka_message_t *record);

/* The record of the message at idx; raises when it is none or was released.  [-0, +0, e] */
const rd_kafka_message_t *dm_message_check (lua_State *L, int idx);

/* Is there a message at idx?  [-0, +0, -] */
bool dm_message_test (lua_State *L, int idx);

/* Destroys the records of all messages; their fields raise "message released" from now on. */
void dm_message_release_all (dm_message_list *list);

#endif
