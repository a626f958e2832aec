/* SPDX-License-Identifier: MIT */
#include "kafka/clock.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "kafka/interrupt.h"

int64_t dm_clock_ms (void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t dm_clock_us (void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct timespec dm_clock_in (int timeout_ms) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  if (timeout_ms > 0) {
    at.tv_sec += timeout_ms / 1000;
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
      at.tv_sec++;
      at.tv_nsec -= 1000000000;
    }
  }
  return at;
}

dm_deadline dm_deadline_in (int timeout_ms) {
  dm_deadline deadline = { INT64_MAX };
  if (timeout_ms != DM_FOREVER) deadline.at = dm_clock_ms() + timeout_ms;
  return deadline;
}

int dm_deadline_left (dm_deadline deadline) {
  int64_t left;
  if (deadline.at == INT64_MAX) return INT_MAX;
  left = deadline.at - dm_clock_ms();
  if (left <= 0) return 0;
  return left > INT_MAX ? INT_MAX : (int)left;
}

int dm_deadline_slice (dm_deadline deadline) {
  int left = dm_deadline_left(deadline);
  return left < DM_SLICE_MS ? left : DM_SLICE_MS;
}

static int64_t unit_ms (const char *unit) {
  static const struct { const char *name; int64_t ms; } units[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
  };
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
    if (strcmp(unit, units[i].name) == 0) return units[i].ms;
  return 0;
}

/* "250ms" -> 250; false when malformed or out of range. */
static bool parse_duration (const char *s, lua_Integer *ms) {
  lua_Integer n = 0;
  int64_t unit;
  int digits = 0;
  if (strcmp(s, "forever") == 0) {
    *ms = DM_FOREVER;
    return true;
  }
  for (; *s >= '0' && *s <= '9'; s++, digits++) {
    if (digits == 15) return false;
    n = n * 10 + (*s - '0');
  }
  if (digits == 0) return false;
  unit = unit_ms(s);
  if (unit == 0 && !(*s == '\0' && n == 0)) return false;
  if (unit != 0 && n > INT64_MAX / 1000 / unit) return false;
  *ms = n * unit;
  return true;
}

/* The length is compared so that a NUL inside does not end the text early. */
static bool read_duration (lua_State *L, int idx, lua_Integer *ms) {
  size_t len;
  const char *s;
  if (lua_type(L, idx) == LUA_TNUMBER) {
    int exact;
    *ms = lua_tointegerx(L, idx, &exact);
    return exact && *ms == 0;
  }
  if (lua_type(L, idx) != LUA_TSTRING) return false;
  s = lua_tolstring(L, idx, &len);
  return strlen(s) == len && parse_duration(s, ms);
}

static int malformed (lua_State *L, int idx, const char *what) {
  return luaL_error(L, "%s: expected a duration such as \"250ms\", \"30s\", \"5m\" or \"forever\", "
                       "got %s", what, luaL_tolstring(L, idx, NULL));
}

int dm_duration_check (lua_State *L, int idx, const char *what) {
  lua_Integer ms = 0;
  if (!read_duration(L, idx, &ms)) malformed(L, idx, what);
  if (ms > INT_MAX)
    luaL_error(L, "%s: %s is more than a wait can last (24 days); use \"forever\"", what,
               luaL_tolstring(L, idx, NULL));
  return (int)ms;
}

int dm_duration_opt (lua_State *L, int arg, const char *def) {
  lua_Integer ms = 0;
  if (lua_isnoneornil(L, arg)) {
    parse_duration(def, &ms);
    return (int)ms;
  }
  return dm_duration_check(L, arg, "timeout");
}

int dm_duration_lua (lua_State *L) {
  lua_Integer ms = 0;
  luaL_checkany(L, 1);
  if (!read_duration(L, 1, &ms)) return malformed(L, 1, "duration");
  lua_pushinteger(L, ms);
  return 1;
}

void dm_clock_pause (int ms) {
  struct timespec pause = { ms / 1000, (long)(ms % 1000) * 1000000 };
  nanosleep(&pause, NULL);
}

int dm_sleep_lua (lua_State *L) {
  dm_deadline deadline = dm_deadline_in(dm_duration_check(L, 1, "duration"));
  dm_watch watch = dm_watch_begin(L);
  int slice;
  while ((slice = dm_deadline_slice(deadline)) > 0) {
    dm_clock_pause(slice);
    dm_watch_check(L, &watch);
  }
  return 0;
}
