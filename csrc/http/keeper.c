/* SPDX-License-Identifier: MIT */
#include "http/keeper.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kafka/clock.h"

/* How often it looks. */
#define ROUND_MS 250

/* Has the client had all of its time? */
static bool is_late (const dm_keeper *keeper, const dm_connection *connection, int64_t now_ms) {
  int64_t began_ms = atomic_load(&connection->began_ms);
  int64_t worth_ms = (int64_t)(atomic_load(&connection->received) * 1000 / DM_KEEPER_BYTES_PER_S);
  int64_t grace_ms = keeper->grace_ms;
  if (connection->spare && grace_ms > DM_KEEPER_SPARE_MS) grace_ms = DM_KEEPER_SPARE_MS;
  return began_ms != 0 && now_ms > began_ms + grace_ms + worth_ms;
}

static void *run (void *arg) {
  dm_keeper *keeper = arg;
  pthread_mutex_lock(&keeper->lock);
  while (!keeper->stopped) {
    struct timespec next = dm_clock_in(ROUND_MS);
    int64_t now_ms = dm_clock_ms();
    for (dm_connection *it = keeper->first; it != NULL; it = it->next)
      if (is_late(keeper, it, now_ms)) shutdown(it->fd, SHUT_RDWR);
    pthread_cond_timedwait(&keeper->ending, &keeper->lock, &next);
  }
  pthread_mutex_unlock(&keeper->lock);
  return NULL;
}

void dm_keeper_open (dm_keeper *keeper, int64_t grace_ms) {
  pthread_condattr_t attributes;
  *keeper = (dm_keeper){ .grace_ms = grace_ms };
  pthread_mutex_init(&keeper->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&keeper->ending, &attributes);
  pthread_condattr_destroy(&attributes);
}

bool dm_keeper_start (dm_keeper *keeper) {
  keeper->running = pthread_create(&keeper->thread, NULL, run, keeper) == 0;
  return keeper->running;
}

void dm_keeper_close (dm_keeper *keeper) {
  pthread_mutex_lock(&keeper->lock);
  keeper->stopped = true;
  pthread_cond_signal(&keeper->ending);
  pthread_mutex_unlock(&keeper->lock);
  if (keeper->running) pthread_join(keeper->thread, NULL);
  pthread_cond_destroy(&keeper->ending);
  pthread_mutex_destroy(&keeper->lock);
}

dm_connection *dm_keeper_add (dm_keeper *keeper, int fd, bool spare) {
  dm_connection *connection = calloc(1, sizeof *connection);
  if (connection == NULL) return NULL;
  connection->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (connection->fd < 0) {
    free(connection);
    return NULL;
  }
  connection->spare = spare;
  dm_keeper_idle(connection);
  pthread_mutex_lock(&keeper->lock);
  connection->next = keeper->first;
  connection->link = &keeper->first;
  if (connection->next != NULL) connection->next->link = &connection->next;
  keeper->first = connection;
  pthread_mutex_unlock(&keeper->lock);
  return connection;
}

void dm_keeper_remove (dm_keeper *keeper, dm_connection *connection) {
  pthread_mutex_lock(&keeper->lock);
  *connection->link = connection->next;
  if (connection->next != NULL) connection->next->link = connection->link;
  pthread_mutex_unlock(&keeper->lock);
  close(connection->fd);
  free(connection);
}

void dm_keeper_received (dm_connection *connection, size_t bytes) {
  atomic_fetch_add(&connection->received, bytes);
}

void dm_keeper_busy (dm_connection *connection) {
  atomic_store(&connection->began_ms, 0);
}

void dm_keeper_idle (dm_connection *connection) {
  atomic_store(&connection->received, 0);
  atomic_store(&connection->began_ms, dm_clock_ms());
}
