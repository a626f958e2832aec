/* SPDX-License-Identifier: MIT */
/* exchange.h -- a request on its way to the handler, and the answer on its way back.
**
** The connection's thread reads the request, gives it to a queue and waits for the answer; whoever
** takes it from the queue may read it until it is answered, at leisure.
**
** Threads:   new, read, finish and free on the connection's thread; take, answer and the rest on the
**            queue's.
** Ownership: the connection's thread owns an exchange; whoever took it borrows it until it has
**            answered.
** Order:     new; receive; give, which waits; answer exactly once; free.
*/
#ifndef DM_HTTP_EXCHANGE_H
#define DM_HTTP_EXCHANGE_H

#include <pthread.h>
#include <semaphore.h>

#include "http/keeper.h"
#include "http/route.h"

typedef struct dm_exchange dm_exchange;

struct dm_exchange {
  dm_exchange *next;                 /* in its queue, */
  dm_exchange *after, **link;        /* among those that it has given and got no answer for */
  struct MHD_Connection *connection;
  dm_connection *keeping;
  const dm_route *route;             /* NULL: a page, or refused */
  const char *method, *path;         /* libmicrohttpd's */
  dm_refusal refusal;                /* what is wrong with it */
  size_t received;                   /* bytes of the body */
  char *body;                        /* as far as it is kept */
  size_t length, room;
  dm_upload *upload;                 /* or NULL */
  sem_t answered;
  unsigned code;                     /* of the answer; 0: there is none yet */
  struct MHD_Response *response;     /* the answer; NULL: 'refusal' is */
  dm_exchange **holder;              /* of whoever took it: becomes NULL with the answer */
};

struct dm_queue {
  pthread_mutex_t lock;
  pthread_cond_t filled;
  int fd;                            /* an eventfd: readable when there may be something */
  dm_exchange *first, **last;        /* given, not taken */
  dm_exchange *open;                 /* given, not answered */
  int waiting, max;                  /* given and not taken; the most of them, 0: any number */
  bool ended;
};

bool dm_queue_open (dm_queue *queue);
void dm_queue_close (dm_queue *queue);

/* Refuses from now on all that is given, and lets dm_queue_await return. */
void dm_queue_shut (dm_queue *queue);

/* The same, and refuses what is not answered: nobody may be reading it. */
void dm_queue_end (dm_queue *queue);

/* Takes the oldest that was given into the holder; false: there is none. */
bool dm_queue_take (dm_queue *queue, dm_exchange **holder);

/* The same, once there is one; false: the queue was shut. */
bool dm_queue_await (dm_queue *queue, dm_exchange **holder);

dm_exchange *dm_exchange_new (struct MHD_Connection *connection, const char *method,
                              const char *path);

/* Takes a piece of the body: to the upload, to memory, or nowhere when it is refused. */
void dm_exchange_receive (dm_exchange *ex, const char *piece, size_t size);

/* Ends its upload: a file that is not kept is removed. */
void dm_exchange_end_upload (dm_exchange *ex);

/* Gives it to its route's queue and waits for the answer. */
void dm_exchange_give (dm_exchange *ex);

/* Answers, with a response that becomes the exchange's or, when it is NULL, with the refusal. */
void dm_exchange_answer (dm_queue *queue, dm_exchange *ex, unsigned code,
                         struct MHD_Response *response, dm_refusal refusal);

void dm_exchange_free (dm_exchange *ex);

#endif
