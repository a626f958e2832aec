/* SPDX-License-Identifier: MIT */
/* error.h -- error objects, and the three ways a call fails: nil and an error from a code, nil and
** an error from an rd_kafka_error_t, or luaL_error for misuse. There is no fourth.
**
** Threads:   the thread that owns L.
** Ownership: dm_error_take frees the rd_kafka_error_t it is given.
** Order:     dm_error_open once per state.
*/
#ifndef DM_ERROR_H
#define DM_ERROR_H

#include <librdkafka/rdkafka.h>
#include <lua.h>

/* Makes the metatable docmsg.Error.  [-0, +0, m] */
void dm_error_open (lua_State *L);

/* Pushes an error object alone. 'format' as in lua_pushfstring names the thing; NULL takes
** librdkafka's text.  [-0, +1, m] */
void dm_error_push (lua_State *L, rd_kafka_resp_err_t code, const char *format, ...);

/* Pushes nil and an error object; returns 2.  [-0, +2, m] */
int dm_error_return (lua_State *L, rd_kafka_resp_err_t code, const char *format, ...);

/* Pushes nil and the error object of 'error', which is freed; returns 2.  [-0, +2, m] */
int dm_error_take (lua_State *L, rd_kafka_error_t *error);

/* Sets the hint of the error object on the top of the stack.  [-0, +0, m] */
void dm_error_hint (lua_State *L, const char *format, ...);

/* Lets that hint say what the trouble with the connection was, unless it is "". Returns 2.
** [-0, +0, m] */
int dm_error_blame (lua_State *L, const char *trouble);

/* Marks the error object on the top of the stack as fatal.  [-0, +0, m] */
void dm_error_fatal (lua_State *L);

#endif
