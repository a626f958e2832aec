/* SPDX-License-Identifier: MIT */
/* text.h -- a text in the making, which grows.
**
** Threads:   the one of its lua_State.
** Ownership: what does not fit in the struct is a userdata, kept by a stack slot of the caller's:
**            an error that is raised leaves nothing behind, and the memory is counted as Lua's.
** Order:     dm_text_open; any number of the others; the slot must stay while the text is in use.
**
** A text may be lent to a function of C, which reads it or writes it, until that returns: it need not
** become a string of Lua, which is garbage soon. Only what is in the struct can be lent.
*/
#ifndef DM_TEXT_H
#define DM_TEXT_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct dm_text {
  lua_State *L;
  int slot;
  char *at;
  size_t size, room;
  char small[2048];
} dm_text;

/* An empty text; 'slot' is an index of the stack that holds nothing else. */
void dm_text_open (dm_text *text, lua_State *L, int slot);

/* Is all of it in the struct, so that it can be lent? */
static inline bool dm_text_is_small (const dm_text *text) {
  return text->at == text->small;
}

/* Pushes the text, a light userdata, for the function that is called next on this thread.  [-0, +1, -] */
void dm_text_lend (lua_State *L, dm_text *text);

/* The text that was lent last, when it is what is at idx, or NULL. Once.  [-0, +0, -] */
dm_text *dm_text_lent (lua_State *L, int idx);

/* Makes room for so many bytes more.  [-0, +0, m] */
void dm_text_grow (dm_text *text, size_t more);

/* Where the next bytes go, with room for so many.  [-0, +0, m] */
static inline char *dm_text_room (dm_text *text, size_t size) {
  if (text->room - text->size < size) dm_text_grow(text, size);
  return text->at + text->size;
}

/* Each adds to the end. A float has up to 6 decimals, or 17 digits where it needs more, and must be
** finite.  [-0, +0, m] */
static inline void dm_text_put (dm_text *text, const char *bytes, size_t size) {
  memcpy(dm_text_room(text, size), bytes, size);
  text->size += size;
}
void dm_text_put_integer (dm_text *text, lua_Integer number);
void dm_text_put_float (dm_text *text, lua_Number number);

#endif
