/* SPDX-License-Identifier: MIT */
/* walk.h -- one run of a program over one value: checks it in place, or checks it and writes it as
** JSON. Fields are a table's own: metatables are not asked.
**
** Threads:   the one of its lua_State.
** Ownership: all in Lua: whatever raises, or calls back into the same program, finds things in order.
** Order:     dm_walk_check and dm_walk_encode are the bodies of Lua functions with the upvalues
**            program and constants; the rest is what the kinds of nodes (leaf.c, container.c) share.
**
** Visiting a node: the value is at the top of the stack and stays there. In a check it may be
** replaced by what it becomes; then 'changed' is set, for whoever holds it. False: it does not fit,
** and why is in the slots; above them the stack is anyhow.
*/
#ifndef DM_WALK_H
#define DM_WALK_H

#include <lauxlib.h>

#include "schema/program.h"
#include "schema/text.h"

typedef struct dm_walk {
  lua_State *L;
  const dm_program *program;
  dm_text *text;  /* NULL: the value is checked in place */
  bool parsed;    /* it is as lua-cjson gave it, so its numbers may have lost digits */
  bool changed;
} dm_walk;

/* check(value [, parsed]) -> value | nil, reason
** With 'parsed', the reason is json.DOUBTFUL when the text must be read again. */
int dm_walk_check (lua_State *L);

/* encode(value [, lent]) -> text | lent | nil, reason
** A text that is lent is given back when the value was written there, and is small. */
int dm_walk_encode (lua_State *L);

/* Finds the program and makes room for what is told about refusals, above the argument. Returns the
** root.  [-?, +?, -] */
const dm_node *dm_walk_begin (dm_walk *w);

/* Visits the value at the top: the node's kind, then the user's own check.  [-0, +0, e] */
bool dm_walk_visit (dm_walk *w, const dm_node *node);

/* Pushes a constant.  [-0, +1, -] */
int dm_walk_push (const dm_walk *w, dm_constant number);

/* Pushes a copy of the value that stands for one that is absent in the record at idx. */
void dm_walk_push_default (const dm_walk *w, dm_default absent, int record);

/* Is there JSON's null at the top? */
bool dm_walk_is_null (const dm_walk *w);

/* -- Refusals: each returns false ------------------------------------------------------------- */

/* The value at the top is not what the node expects. */
bool dm_walk_expected (dm_walk *w, const dm_node *node);

/* The reason is what the helper says about the value at the top. */
bool dm_walk_refuse (dm_walk *w, dm_helper helper);

/* The reason is at the top. */
bool dm_walk_reason (dm_walk *w);

/* The reason is at the top, and on it the path from here to where it is. */
bool dm_walk_reason_at (dm_walk *w);

/* The digits of the value may be lost. */
bool dm_walk_doubt (dm_walk *w);

/* It was in the part whose name is at the top. */
bool dm_walk_within (dm_walk *w);

/* -- Kinds ------------------------------------------------------------------------------------ */

bool dm_visit_any (dm_walk *w, const dm_node *node);
bool dm_visit_boolean (dm_walk *w, const dm_node *node);
bool dm_visit_datetime (dm_walk *w, const dm_node *node);
bool dm_visit_enum (dm_walk *w, const dm_node *node);
bool dm_visit_integer (dm_walk *w, const dm_node *node);
bool dm_visit_number (dm_walk *w, const dm_node *node);
bool dm_visit_object (dm_walk *w, const dm_node *node);
bool dm_visit_string (dm_walk *w, const dm_node *node);

/* Writes the string at the top. */
bool dm_write_string (dm_walk *w);

bool dm_visit_list (dm_walk *w, const dm_node *node);
bool dm_visit_map (dm_walk *w, const dm_node *node);
bool dm_visit_record (dm_walk *w, const dm_node *node);

#endif
