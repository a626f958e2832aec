/* SPDX-License-Identifier: MIT */
/* silent_names.c -- a name server that never answers: loaded with LD_PRELOAD, it prints "asked" and
** keeps whoever asks for the name "silent.test".
**
** Threads: librdkafka's broker threads, which do nothing else meanwhile.
*/
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static void keep (void) {
  puts("asked");
  fflush(stdout);
  for (;;) poll(NULL, 0, -1);
}

int getaddrinfo (const char *host, const char *service, const struct addrinfo *hints,
                 struct addrinfo **list) {
  int (*real) (const char *, const char *, const struct addrinfo *, struct addrinfo **);
  if (host != NULL && strcmp(host, "silent.test") == 0) keep();
  *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  return real(host, service, hints, list);
}
