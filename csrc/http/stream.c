/* SPDX-License-Identifier: MIT */
#include "http/stream.h"

#include <stdlib.h>
#include <string.h>

#include "kafka/clock.h"

/* So often something is said, so that a connection that broke is noticed. */
#define COMMENT_MS 15000
static const char comment[] = { ':', '\n', '\n' };

#define GREETING "retry: 2000\nevent: hello\ndata: {}\n\n"

/* How much libmicrohttpd asks for at once. */
#define BLOCK 16384

struct dm_stream {
  dm_stream *next, **link;
  dm_streams *all;
  pthread_cond_t filled;
  size_t used;
  bool lost;                  /* there was no room for all that it was to be told */
  char room[DM_STREAM_ROOM];
};

void dm_streams_open (dm_streams *streams) {
  *streams = (dm_streams){ .count = 0 };
  pthread_mutex_init(&streams->lock, NULL);
}

void dm_streams_close (dm_streams *streams) {
  pthread_mutex_destroy(&streams->lock);
}

/* The lock is held. */
static void add (dm_stream *stream, const char *text, size_t length) {
  if (length > DM_STREAM_ROOM - stream->used) stream->lost = true;
  else {
    memcpy(stream->room + stream->used, text, length);
    stream->used += length;
  }
  pthread_cond_signal(&stream->filled);
}

int dm_streams_tell (dm_streams *streams, const char *text, size_t length) {
  int count;
  pthread_mutex_lock(&streams->lock);
  for (dm_stream *it = streams->first; it != NULL; it = it->next) add(it, text, length);
  count = streams->count;
  pthread_mutex_unlock(&streams->lock);
  return count;
}

void dm_streams_end (dm_streams *streams) {
  pthread_mutex_lock(&streams->lock);
  streams->ended = true;
  for (dm_stream *it = streams->first; it != NULL; it = it->next) pthread_cond_signal(&it->filled);
  pthread_mutex_unlock(&streams->lock);
}

/* Waits until there is something to tell; false: it is over, or nothing came for long. The lock is
** held. */
static bool await (dm_stream *stream) {
  struct timespec until = dm_clock_in(COMMENT_MS);
  while (stream->used == 0 && !stream->lost && !stream->all->ended)
    if (pthread_cond_timedwait(&stream->filled, &stream->all->lock, &until) != 0) return false;
  return true;
}

/* Runs on the connection's thread, which has nothing else to do. */
static ssize_t read_stream (void *arg, uint64_t position, char *buffer, size_t size) {
  dm_stream *stream = arg;
  ssize_t length = MHD_CONTENT_READER_END_OF_STREAM;
  (void)position;
  pthread_mutex_lock(&stream->all->lock);
  if (!await(stream)) {
    memcpy(buffer, comment, sizeof comment);
    length = (ssize_t)sizeof comment;
  }
  else if (!stream->lost && !stream->all->ended) {
    length = (ssize_t)(stream->used < size ? stream->used : size);
    memcpy(buffer, stream->room, (size_t)length);
    stream->used -= (size_t)length;
    memmove(stream->room, stream->room + length, stream->used);
  }
  pthread_mutex_unlock(&stream->all->lock);
  return length;
}

static void free_stream (void *arg) {
  dm_stream *stream = arg;
  pthread_mutex_lock(&stream->all->lock);
  *stream->link = stream->next;
  if (stream->next != NULL) stream->next->link = stream->link;
  stream->all->count--;
  pthread_mutex_unlock(&stream->all->lock);
  pthread_cond_destroy(&stream->filled);
  free(stream);
}

/* Enters it among those that listen; false: there are too many. */
static bool enter (dm_streams *streams, dm_stream *stream) {
  bool entered;
  pthread_mutex_lock(&streams->lock);
  entered = streams->count < DM_STREAMS && !streams->ended;
  if (entered) {
    stream->next = streams->first;
    stream->link = &streams->first;
    if (stream->next != NULL) stream->next->link = &stream->next;
    streams->first = stream;
    streams->count++;
    add(stream, GREETING, strlen(GREETING));
  }
  pthread_mutex_unlock(&streams->lock);
  return entered;
}

static dm_stream *stream_new (dm_streams *streams) {
  dm_stream *stream = calloc(1, sizeof *stream);
  pthread_condattr_t attributes;
  if (stream == NULL) return NULL;
  stream->all = streams;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&stream->filled, &attributes);
  pthread_condattr_destroy(&attributes);
  return stream;
}

static void abandon (dm_stream *stream) {
  pthread_cond_destroy(&stream->filled);
  free(stream);
}

dm_refusal dm_stream_answer (dm_streams *streams, struct MHD_Connection *connection,
                             const dm_header *headers, enum MHD_Result *result) {
  static const dm_header own[] = {
    { "Content-Type", "text/event-stream" }, { "Cache-Control", "no-store" },
    { "X-Accel-Buffering", "no" }, { NULL, NULL },
  };
  dm_stream *stream = stream_new(streams);
  struct MHD_Response *response;
  if (stream == NULL) return DM_FAILED;
  if (!enter(streams, stream)) {
    abandon(stream);
    return DM_BUSY;
  }
  response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, stream,
                                               free_stream);
  if (response == NULL) {
    free_stream(stream);
    return DM_FAILED;
  }
  if (!dm_response_add(response, own) || !dm_response_add(response, headers)) *result = MHD_NO;
  else {
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
    *result = MHD_queue_response(connection, 200, response);
  }
  MHD_destroy_response(response); /* with the last reference the stream ends */
  return DM_NOT_REFUSED;
}
