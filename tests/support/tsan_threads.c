/* SPDX-License-Identifier: MIT */
/* tsan_threads.c -- C11 threads on top of POSIX threads, for builds with ThreadSanitizer.
**
** librdkafka starts its threads and takes its locks through <threads.h>. The C library implements
** that beside its POSIX functions, where ThreadSanitizer does not look: a thread it has not seen
** start crashes in it, and a lock it has not seen taken is a race to it. These definitions come
** first in the order of symbols and lead through the functions that it does watch. They rely on
** the C library's types: mtx_t, cnd_t and once_flag are laid out as their POSIX counterparts.
**
** Threads: any.
*/
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

#define EXPORT __attribute__((visibility("default")))

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "mtx_t is a POSIX mutex");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "cnd_t is a POSIX condition");
_Static_assert(sizeof(once_flag) == sizeof(pthread_once_t), "once_flag is a POSIX one");

static pthread_mutex_t *mutex_of (mtx_t *mutex) {
  return (pthread_mutex_t *)(void *)mutex;
}

static pthread_cond_t *cond_of (cnd_t *cond) {
  return (pthread_cond_t *)(void *)cond;
}

static int result_of (int error) {
  switch (error) {
    case 0: return thrd_success;
    case ENOMEM: return thrd_nomem;
    case EBUSY: return thrd_busy;
    case ETIMEDOUT: return thrd_timedout;
    default: return thrd_error;
  }
}

typedef struct start {
  thrd_start_t function;
  void *arg;
} start;

static void *run (void *ud) {
  start it = *(start *)ud;
  free(ud);
  return (void *)(intptr_t)it.function(it.arg);
}

EXPORT int thrd_create (thrd_t *thread, thrd_start_t function, void *arg) {
  start *it = malloc(sizeof *it);
  int error;
  if (it == NULL) return thrd_nomem;
  *it = (start){ function, arg };
  error = pthread_create(thread, NULL, run, it);
  if (error != 0) free(it);
  return result_of(error);
}

EXPORT int thrd_join (thrd_t thread, int *result) {
  void *value;
  int error = pthread_join(thread, &value);
  if (error == 0 && result != NULL) *result = (int)(intptr_t)value;
  return result_of(error);
}

EXPORT int mtx_init (mtx_t *mutex, int type) {
  pthread_mutexattr_t attributes;
  int error;
  pthread_mutexattr_init(&attributes);
  if (type & mtx_recursive) pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  error = pthread_mutex_init(mutex_of(mutex), &attributes);
  pthread_mutexattr_destroy(&attributes);
  return result_of(error);
}

EXPORT int mtx_lock (mtx_t *mutex) {
  return result_of(pthread_mutex_lock(mutex_of(mutex)));
}

EXPORT int mtx_trylock (mtx_t *mutex) {
  return result_of(pthread_mutex_trylock(mutex_of(mutex)));
}

EXPORT int mtx_unlock (mtx_t *mutex) {
  return result_of(pthread_mutex_unlock(mutex_of(mutex)));
}

EXPORT void mtx_destroy (mtx_t *mutex) {
  pthread_mutex_destroy(mutex_of(mutex));
}

EXPORT int cnd_init (cnd_t *cond) {
  return result_of(pthread_cond_init(cond_of(cond), NULL));
}

EXPORT int cnd_signal (cnd_t *cond) {
  return result_of(pthread_cond_signal(cond_of(cond)));
}

EXPORT int cnd_broadcast (cnd_t *cond) {
  return result_of(pthread_cond_broadcast(cond_of(cond)));
}

EXPORT int cnd_wait (cnd_t *cond, mtx_t *mutex) {
  return result_of(pthread_cond_wait(cond_of(cond), mutex_of(mutex)));
}

EXPORT int cnd_timedwait (cnd_t *restrict cond, mtx_t *restrict mutex,
                          const struct timespec *restrict at) {
  return result_of(pthread_cond_timedwait(cond_of(cond), mutex_of(mutex), at));
}

EXPORT void cnd_destroy (cnd_t *cond) {
  pthread_cond_destroy(cond_of(cond));
}

EXPORT void call_once (once_flag *flag, void (*function) (void)) {
  pthread_once((pthread_once_t *)(void *)flag, function);
}

static void *nothing (void *arg) {
  return arg;
}

/* ThreadSanitizer starts a thread of its own beside the first: before any test counts threads. */
__attribute__((constructor)) static void start_its_thread (void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, nothing, NULL) == 0) pthread_join(thread, NULL);
}
