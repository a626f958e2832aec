/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "kafka/clock.h"

void dm_guard_open (dm_guard *guard) {
  pthread_mutex_init(&guard->lock, NULL);
}

void dm_guard_close (dm_guard *guard) {
  for (char **host = guard->hosts; host != NULL && *host != NULL; host++) free(*host);
  free(guard->hosts);
  if (guard->token != NULL) OPENSSL_cleanse(guard->token, strlen(guard->token));
  free(guard->token);
  pthread_mutex_destroy(&guard->lock);
}

static void hash_of (const char *text, unsigned char hash[SHA256_DIGEST_LENGTH]) {
  SHA256((const unsigned char *)text, strlen(text), hash);
}

/* Compares hashes: the time tells neither where the texts differ nor how long the secret is. */
static bool is_same (const char *text, const char *secret) {
  unsigned char a[SHA256_DIGEST_LENGTH], b[SHA256_DIGEST_LENGTH];
  hash_of(text, a);
  hash_of(secret, b);
  return CRYPTO_memcmp(a, b, sizeof a) == 0;
}

bool dm_guard_is_token (const dm_guard *guard, const char *text) {
  return guard->token == NULL || is_same(text, guard->token);
}

static const char *header_of (struct MHD_Connection *connection, const char *name) {
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* -- Host and Origin --------------------------------------------------------------------------- */

/* Takes the name from "name:port" or "[address]:port"; false: it is neither. */
static bool read_name (const char *host, char name[256]) {
  const char *end = host + strcspn(host, ":"), *port;
  if (host[0] == '[') {
    end = strchr(++host, ']');
    if (end == NULL) return false;
  }
  port = *end == ']' ? end + 1 : end;
  if (*port != '\0' && (*port != ':' || strspn(port + 1, "0123456789") != strlen(port + 1)))
    return false;
  if (end == host || end - host >= 256) return false;
  memcpy(name, host, (size_t)(end - host));
  name[end - host] = '\0';
  return true;
}

static bool is_address (const char *name) {
  unsigned char room[sizeof(struct in6_addr)];
  return inet_pton(AF_INET, name, room) == 1 || inet_pton(AF_INET6, name, room) == 1;
}

static bool is_ours (const dm_guard *guard, const char *host) {
  char name[256];
  if (!read_name(host, name)) return false;
  if (is_address(name) || strcasecmp(name, "localhost") == 0) return true;
  for (char **known = guard->hosts; known != NULL && *known != NULL; known++)
    if (strcasecmp(name, *known) == 0) return true;
  return false;
}

/* "http://HOST" or "https://HOST". */
static bool is_same_site (const char *origin, const char *host) {
  const char *rest = strstr(origin, "://");
  if (rest == NULL || host == NULL) return false;
  if (strncmp(origin, "http:", 5) != 0 && strncmp(origin, "https:", 6) != 0) return false;
  return strcasecmp(rest + 3, host) == 0;
}

/* Does the browser say that a page of another site asks? Following a link is no such asking. */
static bool is_foreign (struct MHD_Connection *connection, bool reads) {
  const char *site = header_of(connection, "Sec-Fetch-Site");
  const char *mode = header_of(connection, "Sec-Fetch-Mode");
  if (site == NULL || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0) return false;
  return !reads || mode == NULL || strcmp(mode, "navigate") != 0;
}

dm_refusal dm_guard_check_site (const dm_guard *guard, struct MHD_Connection *connection,
                                bool reads) {
  const char *host = header_of(connection, MHD_HTTP_HEADER_HOST);
  const char *origin = header_of(connection, MHD_HTTP_HEADER_ORIGIN);
  if (!guard->checks_host) return DM_NOT_REFUSED;
  /* What has no Host is HTTP/1.0, and no browser. */
  if (host != NULL && !is_ours(guard, host)) return DM_UNEXPECTED_HOST;
  if (is_foreign(connection, reads)) return DM_FOREIGN_ORIGIN;
  return origin == NULL || is_same_site(origin, host) ? DM_NOT_REFUSED : DM_FOREIGN_ORIGIN;
}

/* -- Sessions ---------------------------------------------------------------------------------- */

/* The session with that value which has not ended, or NULL. The lock is held. */
static dm_session *find_session (dm_guard *guard, const char *value) {
  unsigned char hash[SHA256_DIGEST_LENGTH];
  int64_t now_ms = dm_clock_ms();
  dm_session *found = NULL;
  hash_of(value, hash);
  for (int i = 0; i < DM_GUARD_SESSIONS; i++) {
    dm_session *session = &guard->sessions[i];
    bool same = CRYPTO_memcmp(session->hash, hash, sizeof hash) == 0;
    if (same && session->until_ms > now_ms) found = session;
  }
  return found;
}

/* The place of the session that ends first, which has none, or has ended. The lock is held. */
static dm_session *oldest_session (dm_guard *guard) {
  dm_session *oldest = guard->sessions;
  for (int i = 1; i < DM_GUARD_SESSIONS; i++)
    if (guard->sessions[i].until_ms < oldest->until_ms) oldest = &guard->sessions[i];
  return oldest;
}

bool dm_guard_login (dm_guard *guard, char value[DM_GUARD_DIGITS + 1]) {
  unsigned char bytes[DM_GUARD_DIGITS / 2];
  dm_session *session;
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) return false;
  for (size_t i = 0; i < sizeof bytes; i++) snprintf(value + 2 * i, 3, "%02x", bytes[i]);
  pthread_mutex_lock(&guard->lock);
  session = oldest_session(guard);
  hash_of(value, session->hash);
  session->until_ms = dm_clock_ms() + guard->session_ms;
  pthread_mutex_unlock(&guard->lock);
  return true;
}

static const char *cookie_of (struct MHD_Connection *connection) {
  return MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, DM_GUARD_COOKIE);
}

void dm_guard_logout (dm_guard *guard, struct MHD_Connection *connection) {
  const char *value = cookie_of(connection);
  dm_session *session;
  if (value == NULL) return;
  pthread_mutex_lock(&guard->lock);
  session = find_session(guard, value);
  if (session != NULL) session->until_ms = 0;
  pthread_mutex_unlock(&guard->lock);
}

static bool is_in_session (dm_guard *guard, struct MHD_Connection *connection) {
  const char *value = cookie_of(connection);
  bool found;
  if (value == NULL) return false;
  pthread_mutex_lock(&guard->lock);
  found = find_session(guard, value) != NULL;
  pthread_mutex_unlock(&guard->lock);
  return found;
}

/* -- Token and cookie -------------------------------------------------------------------------- */

bool dm_guard_knows (dm_guard *guard, struct MHD_Connection *connection) {
  const char *text = header_of(connection, MHD_HTTP_HEADER_AUTHORIZATION);
  if (guard->token == NULL) return true;
  if (text != NULL) return strncasecmp(text, "Bearer ", 7) == 0 && is_same(text + 7, guard->token);
  return is_in_session(guard, connection);
}
