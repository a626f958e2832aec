/* SPDX-License-Identifier: MIT */
/* utf8.h -- what kinds of bytes a text has.
**
** Threads: any; nothing is shared.
*/
#ifndef DM_UTF8_H
#define DM_UTF8_H

#include <stddef.h>

/* The offset of the first byte that begins no UTF-8 character; 'size' when there is none. As
** Lua's utf8.len: no surrogates, nothing over U+10FFFF, no character in more bytes than it needs. */
size_t dm_utf8_invalid (const char *text, size_t size);

enum {
  DM_BYTES_CONTROL = 1, /* under 0x20, or 0x7f */
  DM_BYTES_ESCAPE = 2,  /* do not stand in a JSON string as they are */
  DM_BYTES_HIGH = 4     /* over 0x7f */
};

/* The kinds of bytes that are in the text: 0 when all can stand in a JSON string as they are. */
unsigned dm_bytes_kinds (const char *text, size_t size);

/* How many bytes come before the first that does not stand in a JSON string as it is. */
size_t dm_bytes_plain (const char *text, size_t size);

#endif
