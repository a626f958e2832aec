/* SPDX-License-Identifier: MIT */
/* client.h -- what admin, producer and consumer have in common: a userdata box that is made closed,
** opened, used, and closed exactly once.
**
** Threads:   the thread that owns L. Only tasks (task.h) call librdkafka elsewhere.
** Ownership: the client owns rk and its feed. User value 1 holds the handlers (on_error, ...).
** Order:     dm_client_new (closed), dm_client_open, methods through dm_client_check,
**            dm_client_bury; collected without it, the reaper buries it and a warning is printed.
*/
#ifndef DM_CLIENT_H
#define DM_CLIENT_H

#include <lauxlib.h>
#include <librdkafka/rdkafka.h>
#include <lua.h>
#include <stdbool.h>

#include "kafka/clock.h"
#include "kafka/conf.h"
#include "kafka/feed.h"
#include "kafka/interrupt.h"
#include "kafka/job.h"
#include "kafka/option.h"
#include "kafka/state.h"
#include "kafka/task.h"

/* The options every client takes, for the option tables of its kinds. */
#define DM_CLIENT_OPTIONS \
  { "bootstrap_servers", DM_OPTION_STRINGS, 0, 0 }, { "client_id", DM_OPTION_STRING, 0, 0 }, \
  { "insecure_tls", DM_OPTION_BOOLEAN, 0, 0 }, { "kafka", DM_OPTION_TABLE, 0, 0 }, \
  { "on_error", DM_OPTION_FUNCTION, 0, 0 }, { "on_log", DM_OPTION_FUNCTION, 0, 0 }, \
  { "on_stats", DM_OPTION_FUNCTION, 0, 0 }

/* The user value that holds the handlers (on_error, ...) in a table. */
#define DM_CLIENT_HANDLERS 1

typedef struct dm_client dm_client;

/* What differs between the kinds. */
typedef struct dm_client_kind {
  const char *type;        /* metatable and name in errors: "docmsg.Producer" */
  const char *what;        /* constructor's name in errors: "kafka.producer" */
  dm_scope scope;
  const dm_option *options;
  const dm_preset *presets;
  int flush_ms;            /* the reaper's, for one that nobody closed */
  void (*abandon) (dm_client *client); /* gives back what would keep rk alive; may be NULL */
  /* Answers a rebalance; the client is at idx. NULL: this kind has no group. */
  void (*rebalance) (lua_State *L, int idx, dm_client *client, dm_note *note);
} dm_client_kind;

struct dm_client {
  const dm_client_kind *kind;
  rd_kafka_t *rk;      /* NULL: closed */
  dm_feed *feed;
  dm_state *state;
  dm_task *pending;    /* a call that was left before it ended, or NULL; a reference */
  int fd;              /* eventfd of dm_client_fd, or -1 */
  bool in_handler;     /* a Lua handler of this client is running */
  void (*release) (void *arg); /* frees what callbacks use, after rk; may be NULL */
  void *arg;
};

/* Pushes a closed client of 'size' bytes that begins with a dm_client; zeroed.  [-0, +1, m] */
dm_client *dm_client_new (lua_State *L, const dm_client_kind *kind, size_t size);

/* Opens the client on the top of the stack with the properties (dm_conf_collect) in the table at
** 'properties' and the handlers in the options at 'options'. 'prepare' may set more callbacks on
** the conf. Returns false after pushing nil and an error.  [-0, +(0|2), e] */
bool dm_client_open (lua_State *L, dm_client *client, int options, int properties, void *ledger,
                     void (*prepare) (rd_kafka_conf_t *conf));

/* The open client of that kind at arg; raises when it is another thing, closed, or when this call
** is made inside one of its own handlers where 'nested' is false.  [-0, +0, e] */
dm_client *dm_client_check (lua_State *L, int arg, const dm_client_kind *kind, bool nested);

/* Calls the handlers for what the feed holds. The client is at index idx.  [-0, +0, e] */
void dm_client_dispatch (lua_State *L, int idx, dm_client *client);

/* Runs work(block) of the job at index 'job' off this thread until it ends or the deadline,
** answering Ctrl-C. True when it ended and the block can be read. False after pushing nil and an
** error: it timed out and goes on alone. Only one at a time: a call that was left is waited for
** first. 'doing' names the call in the error.  [-0, +(0|2), e] */
bool dm_client_run (lua_State *L, dm_client *client, int job, void (*work) (void *block),
                    dm_deadline deadline, const char *doing);

/* Lets the hint of the error on the top of the stack say what the connection's last trouble was, if
** there was any and the error says no more than that nobody answered. Returns 2, as errors do.
** [-0, +0, m] */
int dm_client_blame (lua_State *L, const dm_client *client);

/* Hands rk to the reaper and waits for its end until the deadline, answering Ctrl-C; the client is
** closed afterwards in any case. False when rk goes on ending in the background.  [-0, +0, e] */
bool dm_client_bury (lua_State *L, dm_client *client, dm_deadline deadline);

/* Gives the queue's file descriptor, made at the first call. Takes 'queue'.  [-0, +1, e] */
int dm_client_push_fd (lua_State *L, dm_client *client, rd_kafka_queue_t *queue);

/* Resets the descriptor: before the queue is read, because it only tells of a queue that was empty.
** [-0, +0, -] */
void dm_client_drain_fd (dm_client *client);

/* Makes the metatable of a kind: its methods, which must include "close", and those all kinds
** share.  [-0, +0, m] */
void dm_client_register (lua_State *L, const dm_client_kind *kind, const luaL_Reg *methods);

#endif
