/* SPDX-License-Identifier: MIT */
/* option.h -- options tables. Each constructor has one static table of what it takes; unknown keys
** are refused with the nearest legal name, wrong types with the option's name.
**
** Threads: the thread that owns L.
** Order:   dm_option_check once per call, then read the fields by name.
*/
#ifndef DM_OPTION_H
#define DM_OPTION_H

#include <lua.h>
#include <stddef.h>

typedef enum dm_option_kind {
  DM_OPTION_STRING,
  DM_OPTION_INTEGER,   /* within min..max */
  DM_OPTION_BOOLEAN,
  DM_OPTION_TABLE,
  DM_OPTION_FUNCTION,
  DM_OPTION_DURATION,  /* read it with dm_option_duration */
  DM_OPTION_STRINGS,   /* a string or a list of strings */
  DM_OPTION_ANY        /* the reader checks */
} dm_option_kind;

typedef struct dm_option {
  const char *name; /* NULL ends the table */
  dm_option_kind kind;
  lua_Integer min, max;
} dm_option;

/* Checks the table at idx against 'options'. 'what' names the call, such as "kafka.producer".
** [-0, +0, e] */
void dm_option_check (lua_State *L, int idx, const char *what, const dm_option *options);

/* Makes arg an options table: an absent or nil one becomes empty.  [-0, +0, e] */
void dm_option_default (lua_State *L, int arg);

/* Field as a string valid while the table holds it, or NULL.  [-0, +0, m] */
const char *dm_option_string (lua_State *L, int idx, const char *name);

/* Field as an integer, or def.  [-0, +0, m] */
lua_Integer dm_option_integer (lua_State *L, int idx, const char *name, lua_Integer def);

/* Field as a boolean; absent is false.  [-0, +0, m] */
int dm_option_flag (lua_State *L, int idx, const char *name);

/* Field as a duration in ms, or 'def' in its text form.  [-0, +0, e] */
int dm_option_duration (lua_State *L, int idx, const char *name, const char *def);

/* An array of 'n' names, for dm_nearest. */
typedef const char *(*dm_name_at) (const void *names, size_t i);

/* The name nearest to 'word' among n, NULL when none is near: at most a third of it differs. */
const char *dm_nearest (const char *word, const void *names, size_t n, dm_name_at at);

/* kafka.nearest(word, candidates).  [-2, +1, e] */
int dm_nearest_lua (lua_State *L);

#endif
