/* SPDX-License-Identifier: MIT */
/* deaf.h -- threads that get no signals: those that begin while their parent gets none.
**
**   sigset_t before = dm_deaf_begin();
**   ... start threads ...
**   dm_deaf_end(&before);
**
** Threads: any.
*/
#ifndef DM_DEAF_H
#define DM_DEAF_H

#include <pthread.h>
#include <signal.h>

/* From now on the calling thread gets no signals: one that comes waits, or goes to another thread. */
static inline sigset_t dm_deaf_begin (void) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  return before;
}

static inline void dm_deaf_end (const sigset_t *before) {
  pthread_sigmask(SIG_SETMASK, before, NULL);
}

#endif
