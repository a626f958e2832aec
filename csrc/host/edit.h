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

/* NULL when there is no libedit or the terminal is not fit for editing. */
dm_edit *dm_edit_new (void);
void dm_edit_free (dm_edit *edit);

/* Returns a line with its newline, made by malloc; NULL at the end of the input or when a signal
** came. */
char *dm_edit_read (dm_edit *edit, const char *prompt, size_t *length);

/* Adds an entry to what the arrow keys go through. */
void dm_edit_remember (dm_edit *edit, const char *entry);

#endif
