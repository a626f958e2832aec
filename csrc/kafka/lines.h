/* SPDX-License-Identifier: MIT */
/* lines.h -- the lines of a FILE. A regular file is read in large blocks, so that many lines are there
** at once; of a pipe or a terminal a line is taken as soon as it comes.
**
** Threads:   the thread that owns the FILE.
** Ownership: the FILE is borrowed. Lines point into the buffer until the next dm_lines_load.
** Order:     dm_lines_start, then load and take; dm_lines_leave before anyone else uses the FILE;
**            dm_lines_free.
*/
#ifndef DM_LINES_H
#define DM_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

typedef struct dm_lines {
  FILE *file;
  char *text;        /* the buffer */
  size_t room;       /* of the buffer */
  size_t begin, end; /* what is read and not taken yet */
  off_t next;        /* of a regular file: where what comes after 'end' is in it */
  bool regular;
  bool ended;        /* of a regular file: there was nothing after 'end' */
} dm_lines;

/* Begins where the FILE is; keeps the buffer, which is zeroed at first. */
void dm_lines_start (dm_lines *lines, FILE *file);

/* Makes the next line be there, reading when it is not. 1: it is; 0: there is none; -1: errno says
** why it cannot be read. */
int dm_lines_load (dm_lines *lines);

/* Takes the next line, without its end, if it is there. */
bool dm_lines_take (dm_lines *lines, const char **line, size_t *size);

/* The FILE goes on after the lines that were taken; it is not used again before dm_lines_start. */
void dm_lines_leave (dm_lines *lines);

void dm_lines_free (dm_lines *lines);

#endif
