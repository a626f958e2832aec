/* SPDX-License-Identifier: MIT */
/* program.h -- a compiled schema: a tree of nodes, and the Lua values that they refer to by number,
** its constants. See docmsg.schema.program, which describes the nodes.
**
** Threads:   the one of its lua_State.
** Ownership: a program is one userdata, its constants are one table; both are upvalues of the
**            functions that run it.
*/
#ifndef DM_PROGRAM_H
#define DM_PROGRAM_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum dm_kind {
  DM_KIND_ANY,
  DM_KIND_ARRAY,
  DM_KIND_BOOLEAN,
  DM_KIND_DATETIME,
  DM_KIND_DEFAULT,
  DM_KIND_ENUM,
  DM_KIND_INTEGER,
  DM_KIND_MAP,
  DM_KIND_NUMBER,
  DM_KIND_OBJECT,
  DM_KIND_OPTIONAL,
  DM_KIND_RECORD,
  DM_KIND_STRING,
  DM_KIND_TUPLE
} dm_kind;

/* The first constants, see docmsg.schema.program. */
typedef enum dm_helper {
  DM_HELPER_COUNTED = 1,
  DM_HELPER_DOUBTFUL,
  DM_HELPER_ENCODE,
  DM_HELPER_EXPECTED,
  DM_HELPER_FIND,
  DM_HELPER_FINITE,
  DM_HELPER_INEXACT,
  DM_HELPER_INVALID,
  DM_HELPER_NAMES,
  DM_HELPER_REASON,
  DM_HELPER_SETTLE,
  DM_HELPER_SETTLE_OTHERS,
  DM_HELPER_SHALLOW,
  DM_HELPER_STEP,
  DM_HELPER_WRITE_OTHERS,
  DM_HELPER_WRITE_STRING,
  DM_HELPERS = DM_HELPER_WRITE_STRING
} dm_helper;

typedef union dm_limit {
  lua_Integer integer; /* of an integer, of bytes, or of items */
  lua_Number number;
} dm_limit;

/* The number of a constant; 0: there is none. */
typedef int dm_constant;

/* What stands for a value that is absent. */
typedef struct dm_default {
  dm_constant value;
  bool call;           /* it is a function of the record */
} dm_default;

/* A constant that is a string, and its bytes. */
typedef struct dm_word {
  dm_constant number;
  const char *at;
  size_t size;
} dm_word;

typedef struct dm_field {
  dm_word name;
  dm_word label;       /* ,"name": */
  bool plain;          /* the name stands in JSON as it is */
  int32_t node;
  bool optional;
  dm_default absent;
} dm_field;

typedef struct dm_node {
  dm_kind kind;
  dm_constant what;    /* what is expected, for people */
  dm_constant check;   /* the user's function */
  dm_constant extra;   /* string: its pattern; enum: word -> JSON; record: the set of its names */
  dm_limit min, max;
  bool no_control;     /* string: control characters are refused */
  bool any_string;     /* string: none is refused that stands in JSON */
  bool observed;       /* record: a function looks at the whole of it */
  dm_default absent;   /* default */
  int32_t height;      /* of nodes within one another; 1: nothing is in it */
  int32_t first;       /* record: its first field; others: their first node among the items */
  int32_t count;       /* of fields or items */
} dm_node;

/* Children come before their parents; the last node is the root. */
typedef struct dm_program {
  int32_t *items;      /* numbers of nodes */
  dm_field *fields;
  int32_t root;
  dm_node nodes[];
} dm_program;

/* Nodes that can lie within one another. */
#define DM_PROGRAM_DEPTH 100

/* Compiles the list of descriptions at 'nodes' with the list of helpers at 'helpers' and pushes the
** program and its constants. Raises when the descriptions make no sense.  [-0, +2, e] */
void dm_program_push (lua_State *L, int nodes, int helpers);

#endif
