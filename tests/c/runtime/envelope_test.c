/* SPDX-License-Identifier: MIT */
/* envelope_test.c -- the ids of emitted events: those of any other implementation of UUIDv5. */
#include "runtime/envelope.h"

#include <string.h>

#include "../check.h"

static dm_bytes bytes (const char *text) {
  return (dm_bytes){ text, strlen(text) };
}

/* Is that the id of the emit number 'index' of the group "billing"? */
static bool has_id (EVP_MD_CTX *digest, const dm_cause *cause, unsigned index, const char *id) {
  dm_emitting by = { .source = "here", .group = "billing", .digest = digest };
  char text[DM_UUID_TEXT];
  return dm_envelope_id(cause, &by, index, text) && strcmp(text, id) == 0;
}

static void ids_are_of_version_5 (void) {
  EVP_MD_CTX *digest = dm_envelope_digest_new();
  dm_cause cause = { .source = bytes("shop"), .id = bytes("order-1") };
  CHECK(digest != NULL);
  for (int i = 0; i < 2; i++) { /* a digest leaves nothing behind */
    CHECK(has_id(digest, &cause, 0, "881119eb-7fa4-5778-b6e0-ea4a2b606fbc"));
    CHECK(has_id(digest, &cause, 12, "09fe8f73-592b-530f-8c12-640beb0fd716"));
  }
  dm_envelope_digest_free(digest);
}

static void long_ids_of_causes_are_taken_whole (void) {
  EVP_MD_CTX *digest = dm_envelope_digest_new();
  char id[2001];
  dm_cause cause = { .id = { id, sizeof id - 1 } };
  memset(id, 'i', sizeof id);
  CHECK(has_id(digest, &cause, 0, "f42976ad-f5bf-593f-8328-f4100c27ea6c"));
  dm_envelope_digest_free(digest);
}

int main (void) {
  RUN(ids_are_of_version_5);
  RUN(long_ids_of_causes_are_taken_whole);
  return EXIT_SUCCESS;
}
