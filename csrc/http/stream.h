/* SPDX-License-Identifier: MIT */
/* stream.h -- server-sent events: who listens, and what each has still to be told.
**
** Everything is told to all. A listener that does not read until its room is full is let go: its
** browser comes again by itself.
**
** Threads:   any.
** Ownership: a listener belongs to its connection, which libmicrohttpd ends.
** Order:     dm_streams_open; dm_stream_answer and dm_streams_tell any number of times;
**            dm_streams_end; when all connections have ended, dm_streams_close.
*/
#ifndef DM_HTTP_STREAM_H
#define DM_HTTP_STREAM_H

#include <pthread.h>

#include "http/refusal.h"

/* What a listener may have to be told, in bytes, and how many there may be. */
#define DM_STREAM_ROOM 262144
#define DM_STREAMS 32

typedef struct dm_stream dm_stream;

typedef struct dm_streams {
  pthread_mutex_t lock;
  dm_stream *first;
  int count;
  bool ended;
} dm_streams;

void dm_streams_open (dm_streams *streams);

/* Tells all who listen. Returns how many there are. */
int dm_streams_tell (dm_streams *streams, const char *text, size_t length);

/* Lets all go. */
void dm_streams_end (dm_streams *streams);
void dm_streams_close (dm_streams *streams);

/* Answers a request with a stream that goes on until one of both has enough. DM_BUSY: there are too
** many. */
dm_refusal dm_stream_answer (dm_streams *streams, struct MHD_Connection *connection,
                             const dm_header *headers, enum MHD_Result *result);

#endif
