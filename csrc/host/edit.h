/* SPDX-License-Identifier: MIT */
/* edit.h -- a line editor on libedit, or none where the program was built without it.
**
** Threads:   the main thread.
** Ownership: the caller frees the editor and every line read.
** Order:     new, then read and remember, then free; signals reach interrupt.h meanwhile.
*/
#ifndef DM_HOST_EDIT_H
#define DM_HOST_EDIT_H

#include <stddef.h>

typedef struct dm_edit dm_edit;

/* What TAB does with the line up to the cursor: returns what to insert, or NULL; leaves in 'list'
** what to show above the line, or NULL. Both are made by malloc. */
typedef char *(*dm_edit_completer) (void *ud, const char *line, size_t length, char **list);

/* What goes on while nobody types: returns what to print above the line that is typed, made by
** malloc, or NULL. */
typedef char *(*dm_edit_idler) (void *ud, size_t *length);

/* NULL when there is no libedit or the terminal is not fit for editing. */
dm_edit *dm_edit_new (void);
void dm_edit_free (dm_edit *edit);

/* TAB asks 'complete' from now on. */
void dm_edit_complete (dm_edit *edit, dm_edit_completer complete, void *ud);

/* 'idle' is called about ten times a second from now on while a line is awaited. */
void dm_edit_idle (dm_edit *edit, dm_edit_idler idle, void *ud);

/* Returns a line with its newline, made by malloc; NULL at the end of the input or when a signal
** came. What stands between two \1 in the prompt takes no room on the screen. */
char *dm_edit_read (dm_edit *edit, const char *prompt, size_t *length);

/* Adds an entry to what the arrow keys go through. */
void dm_edit_remember (dm_edit *edit, const char *entry);

#endif
