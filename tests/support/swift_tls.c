/* SPDX-License-Identifier: MIT */
/* swift_tls.c -- a broker that answers a TLS client before it looks: loaded with LD_PRELOAD, it
** makes a handshake end within its first step. Without it, that is a matter of luck: the client's
** thread must lose the processor just between asking and looking.
**
** Threads: librdkafka's broker threads. A blocked one delays its own connection alone.
*/
#include <poll.h>

enum { WANTS_TO_READ = 2, PATIENCE_MS = 1000, STEPS = 100 };

/* OpenSSL's, whose headers are not needed otherwise; found in the process it is loaded into. */
typedef struct ssl_st SSL;
void SSL_set_connect_state (SSL *ssl);
int SSL_do_handshake (SSL *ssl);
int SSL_get_error (const SSL *ssl, int result);
int SSL_get_fd (const SSL *ssl);
int SSL_connect (SSL *ssl);

int SSL_connect (SSL *ssl) {
  struct pollfd answer = { SSL_get_fd(ssl), POLLIN, 0 };
  int result;
  SSL_set_connect_state(ssl);
  for (int step = 0; step < STEPS; step++) {
    result = SSL_do_handshake(ssl);
    if (result > 0 || SSL_get_error(ssl, result) != WANTS_TO_READ) break;
    poll(&answer, 1, PATIENCE_MS);
  }
  return result;
}
