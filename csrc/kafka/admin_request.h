/* SPDX-License-Identifier: MIT */
/* admin_request.h -- what the methods of the admin client share: how a call begins and ends, and how
** a request is sent, awaited and repeated.
**
** librdkafka does not repeat an admin request that met the wrong controller, a quota or a
** coordinator that is still loading. dm_request_* do, until the deadline: the whole request, or
** those of its items that the broker refused in this way.
**
** Threads:   the thread that owns L.
** Ownership: a request is a job box (job.h): it owns its items, queue, options and answer.
** Order:     dm_admin_begin; dm_request_push; dm_request_add for each item; dm_request_ask or
**            dm_request_each; dm_admin_end.
*/
#ifndef DM_ADMIN_REQUEST_H
#define DM_ADMIN_REQUEST_H

#include <librdkafka/rdkafka.h>
#include <lua.h>
#include <stdbool.h>

#include "kafka/client.h"
#include "kafka/embedded.h"

extern const dm_client_kind dm_admin_kind;

typedef struct dm_request dm_request;

typedef struct dm_admin {
  dm_client client;
  dm_request *requests; /* that hold a queue, which would keep rk from ending */
} dm_admin;

/* The admin's user value with bootstrap.servers. */
#define DM_ADMIN_SERVERS 2

/* How much longer than librdkafka a call waits, so that librdkafka's account of a time-out is what
** is reported. */
#define DM_ADMIN_GRACE_MS 100

/* The deadline with that on top. */
dm_deadline dm_admin_grace (dm_deadline deadline);

typedef struct dm_admin_call {
  const char *doing;     /* the method's name, for errors */
  dm_admin *admin;
  dm_client *client;     /* the admin's */
  dm_deadline deadline;
  bool validate_only;
  dm_embedded *embedded; /* the broker of this process that is spoken to, or NULL */
  int embedded_idx;      /* where it stands on the stack */
} dm_admin_call;

/* Checks the admin at 1 and the options at 'options', which may be absent. Leaves the arguments
** and above them one value that keeps call.embedded alive.  [-0, +1, e] */
dm_admin_call dm_admin_begin (lua_State *L, const char *doing, int options, bool validates);

/* Calls the handlers for what librdkafka noted.  [-0, +0, e] */
void dm_admin_serve (lua_State *L, const dm_admin_call *call);

/* Waits that long, up to a second, unless Ctrl-C ends it.  [-0, +0, e] */
void dm_admin_pause (lua_State *L, const dm_admin_call *call, int ms);

/* Calls the handlers for what happened during the call; returns 'results'.  [-0, +0, e] */
int dm_admin_end (lua_State *L, const dm_admin_call *call, int results);

/* A broker has answered: what was the trouble before is over. */
void dm_admin_reached (const dm_admin_call *call);

/* Pushes nil and the error for a call that did not succeed as a whole. 'text' is librdkafka's.
** 'changes': something may have been done.  [-0, +2, m] */
int dm_admin_failure (lua_State *L, const dm_admin_call *call, rd_kafka_resp_err_t code,
                      const char *text, bool changes);

/* The same for a call that ended before any broker was reached: says why, if a client-wide error
** told.  [-0, +2, m] */
int dm_admin_unreached (lua_State *L, const dm_admin_call *call, const char *text);

/* Does a refusal say nothing about the request itself, and is there time to repeat it? 'changes': as
** in dm_operation. */
bool dm_admin_may_repeat (const dm_admin_call *call, rd_kafka_resp_err_t code, bool changes);

/* Waits a moment before a request is repeated that was refused with 'code'.  [-0, +0, e] */
void dm_admin_before_next (lua_State *L, const dm_admin_call *call, rd_kafka_resp_err_t code);

/* What the broker says of one item. */
typedef struct dm_answer {
  const char *name; /* NULL: there is no such answer */
  rd_kafka_resp_err_t code;
  const char *text; /* of the error; NULL takes librdkafka's */
  const void *item; /* for fill */
} dm_answer;

/* One of Kafka's admin requests. */
typedef struct dm_operation {
  rd_kafka_admin_op_t api;
  bool changes;   /* something may be done although its answer is lost */
  bool operates;  /* takes an operation timeout */
  bool validates; /* takes validate_only */
  void (*free) (void *item);
  void (*send) (rd_kafka_t *rk, const dm_request *request);
  dm_answer (*answer) (const rd_kafka_event_t *event, size_t i);
  void (*fill) (lua_State *L, const dm_answer *answer); /* adds to the result at -1; or NULL */
} dm_operation;

struct dm_request {
  dm_admin *admin;  /* NULL: it was closed */
  dm_request *next; /* of the admin's requests */
  dm_state *state;
  const dm_operation *operation;
  size_t count, room;
  char **names;
  void **items;
  rd_kafka_t *rk;   /* of its own, which sends it; NULL: the admin's does */
  dm_feed *feed;    /* of that */
  rd_kafka_queue_t *queue;
  rd_kafka_AdminOptions_t *options;
  rd_kafka_event_t *event; /* the answer */
};

/* Pushes the box of a request with room for that many items.  [-0, +1, m] */
dm_request *dm_request_push (lua_State *L, const dm_admin_call *call,
                             const dm_operation *operation, size_t room);

/* Lets a client of its own send the request: a copy of the admin's that has the name of the group and
** does not join it. False after pushing nil and an error.  [-0, +(0|2), e] */
bool dm_request_send_as (lua_State *L, const dm_admin_call *call, dm_request *request,
                         const char *group);

/* Gives back what the admin's requests hold of its rk: it is being closed. */
void dm_request_release_all (dm_admin *admin);

/* Adds an item of that name; the caller stores what to ask where this points.  [-0, +0, m] */
void **dm_request_add (lua_State *L, dm_request *request, const char *name);

/* Sends the request until it is answered: true, and its event can be read. False after pushing nil
** and an error.  [-0, +(0|2), e] */
bool dm_request_ask (lua_State *L, const dm_admin_call *call, dm_request *request);

/* Sends the request until each item is answered for good, and sets results[name] = {name, error?}
** in the table at 'results'. False after pushing nil and an error when there is no result at all; when
** there are some, items without an answer get the error. [-0, +(0|2), e] */
bool dm_request_each (lua_State *L, const dm_admin_call *call, dm_request *request, int results);

/* Sets results[name] = {name, error?} and lets fill add to it.  [-0, +0, m] */
void dm_result_set (lua_State *L, int results, const dm_answer *answer,
                    void (*fill) (lua_State *L, const dm_answer *answer));

#endif
