/* SPDX-License-Identifier: MIT */
#include "http/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool dm_routes_add (dm_routes *routes, const dm_route *route) {
  dm_route *list = realloc(routes->list, (size_t)(routes->count + 1) * sizeof *list), *fresh;
  if (list == NULL) return false;
  routes->list = list;
  fresh = &list[routes->count];
  *fresh = *route;
  fresh->method = strdup(route->method);
  fresh->path = strdup(route->path);
  if (fresh->method != NULL && fresh->path != NULL) {
    fresh->number = ++routes->count;
    return true;
  }
  free(fresh->method);
  free(fresh->path);
  return false;
}

static bool fits (const dm_route *route, const char *path) {
  size_t length = strlen(route->path);
  if (!route->prefix) return strcmp(route->path, path) == 0;
  return strncmp(route->path, path, length) == 0 && path[length] != '\0';
}

const dm_route *dm_routes_find (const dm_routes *routes, const char *method, const char *path,
                                dm_refusal *refusal) {
  *refusal = DM_NOT_FOUND;
  for (int i = 0; i < routes->count; i++) {
    if (!fits(&routes->list[i], path)) continue;
    if (strcmp(routes->list[i].method, method) == 0) {
      *refusal = DM_NOT_REFUSED;
      return &routes->list[i];
    }
    *refusal = DM_WRONG_METHOD;
  }
  return NULL;
}

void dm_routes_allow (const dm_routes *routes, const char *path, char text[128]) {
  size_t used = 0;
  text[0] = '\0';
  for (int i = 0; i < routes->count && used < 128; i++)
    if (fits(&routes->list[i], path))
      used += (size_t)snprintf(text + used, 128 - used, "%s%s", used > 0 ? ", " : "",
                               routes->list[i].method);
  if (used == 0) snprintf(text, 128, "GET, HEAD"); /* those of a page */
}

void dm_upload_rules_free (dm_upload_rules *rules) {
  if (rules == NULL) return;
  for (char **it = rules->extensions; it != NULL && *it != NULL; it++) free(*it);
  free(rules->extensions);
  free(rules->folder);
  free(rules->field);
  dm_folder_close(&rules->synced);
  free(rules);
}

void dm_routes_close (dm_routes *routes) {
  for (int i = 0; i < routes->count; i++) {
    free(routes->list[i].method);
    free(routes->list[i].path);
    dm_upload_rules_free(routes->list[i].upload);
  }
  free(routes->list);
}
