/* SPDX-License-Identifier: MIT */
#include "http/refusal.h"

#include <stdint.h>
#include <stdio.h>

static const struct { unsigned code; const char *reason, *message; } refusals[DM_REFUSALS] = {
  [DM_NOT_FOUND] = { 404, "not_found", "there is nothing here" },
  [DM_WRONG_METHOD] = { 405, "wrong_method", "this path is not for that method: see Allow" },
  [DM_UNEXPECTED_HOST] = { 421, "unexpected_host",
    "the request is for a host whose name this server does not answer to" },
  [DM_FOREIGN_ORIGIN] = { 403, "foreign_origin", "the request comes from a page of another site" },
  [DM_UNAUTHORIZED] = { 401, "unauthorized",
    "a token is needed: Authorization: Bearer TOKEN, or the cookie of a login" },
  [DM_BAD_LENGTH] = { 400, "bad_length",
    "the length of the body is not clear: one Content-Length, or Transfer-Encoding, expected" },
  [DM_TOO_LARGE] = { 413, "too_large", "the body is larger than what is taken here" },
  [DM_BAD_FORM] = { 400, "bad_form", "a complete multipart/form-data form expected" },
  [DM_NO_FILE] = { 400, "no_file", "the form has no file in the field that is for it" },
  [DM_TWO_FILES] = { 400, "two_files", "the form has more than one file: one expected" },
  [DM_EMPTY_FILE] = { 400, "empty_file", "the file is empty" },
  [DM_BAD_FILENAME] = { 400, "bad_filename",
    "the name of the file has 1 to 255 bytes and no control characters" },
  [DM_UNSUPPORTED_TYPE] = { 415, "unsupported_type", "files of this type are not taken" },
  [DM_DISK_FULL] = { 507, "disk_full", "there is no room for the file" },
  [DM_NOT_STORED] = { 503, "not_stored", "the file could not be stored" },
  [DM_STALE] = { 503, "stale", "stuck: the program does not say how it is" },
  [DM_BUSY] = { 503, "busy", "too many listen already" },
  [DM_CROWDED] = { 503, "busy", "there are too many requests at the same time: try again" },
  [DM_STOPPING] = { 503, "stopping", "the server is being stopped" },
  [DM_FAILED] = { 500, "failed", "the request could not be handled; the log of the server says why" },
};

unsigned dm_refusal_code (dm_refusal refusal) {
  return refusals[refusal].code;
}

size_t dm_refusal_write (dm_refusal refusal, char text[DM_REFUSAL_ROOM]) {
  return (size_t)snprintf(text, DM_REFUSAL_ROOM,
    "{\"error\": {\"code\": %u, \"reason\": \"%s\", \"message\": \"%s\"}}\n",
    refusals[refusal].code, refusals[refusal].reason, refusals[refusal].message);
}

bool dm_response_add (struct MHD_Response *response, const dm_header *headers) {
  for (; headers != NULL && headers->name != NULL; headers++)
    if (MHD_add_response_header(response, headers->name, headers->value) != MHD_YES) return false;
  return true;
}

struct MHD_Response *dm_response_new (const char *type, const char *body, size_t length,
                                      const dm_header *headers) {
  struct MHD_Response *response =
    MHD_create_response_from_buffer(length, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
  if (response == NULL) return NULL;
  if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
      MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES &&
      dm_response_add(response, headers))
    return response;
  MHD_destroy_response(response);
  return NULL;
}
