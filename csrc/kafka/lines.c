/* SPDX-License-Identifier: MIT */
#include "kafka/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a regular file is read by, at least. */
#define BLOCK_SIZE ((size_t)256 * 1024)

/* What was written to the FILE must be in the file that is read here. */
static bool is_regular (FILE *file) {
  struct stat status;
  return fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) && fflush(file) == 0;
}

void dm_lines_start (dm_lines *lines, FILE *file) {
  lines->file = file;
  lines->begin = lines->end = 0;
  lines->ended = false;
  lines->regular = is_regular(file);
  lines->next = lines->regular ? ftello(file) : 0;
}

static bool grow (dm_lines *lines) {
  size_t room = lines->room > 0 ? lines->room * 2 : BLOCK_SIZE;
  char *text = realloc(lines->text, room);
  if (text == NULL) return false;
  lines->text = text;
  lines->room = room;
  return true;
}

/* Reads more behind what is there. False: errno says why not. */
static bool read_more (dm_lines *lines) {
  ssize_t size;
  if (lines->begin > 0) {
    lines->end -= lines->begin;
    memmove(lines->text, lines->text + lines->begin, lines->end);
    lines->begin = 0;
  }
  if (lines->end == lines->room && !grow(lines)) return false;
  size = pread(fileno(lines->file), lines->text + lines->end, lines->room - lines->end,
               lines->next);
  if (size < 0) return false;
  lines->ended = size == 0;
  lines->end += (size_t)size;
  lines->next += size;
  return true;
}

static const char *find_end (const dm_lines *lines, size_t from) {
  return lines->end > from ? memchr(lines->text + from, '\n', lines->end - from) : NULL;
}

/* A line that never ends is looked through once, however often its buffer grows. */
static int load_block (dm_lines *lines) {
  size_t from = lines->begin;
  while (find_end(lines, from) == NULL) {
    from = lines->end - lines->begin;
    if (!read_more(lines)) return -1;
    if (lines->ended) return lines->end > 0;
  }
  return 1;
}

static int load_line (dm_lines *lines) {
  ssize_t size;
  if (lines->begin < lines->end) return 1;
  errno = 0;
  size = getdelim(&lines->text, &lines->room, '\n', lines->file);
  if (size < 0) return feof(lines->file) && !ferror(lines->file) ? 0 : -1;
  lines->begin = 0;
  lines->end = (size_t)size;
  return 1;
}

int dm_lines_load (dm_lines *lines) {
  return lines->regular ? load_block(lines) : load_line(lines);
}

/* The last line may have no end. */
bool dm_lines_take (dm_lines *lines, const char **line, size_t *size) {
  const char *end = find_end(lines, lines->begin);
  if (end == NULL) {
    if (lines->begin == lines->end || (lines->regular && !lines->ended)) return false;
    end = lines->text + lines->end;
  }
  *line = lines->text + lines->begin;
  *size = (size_t)(end - *line);
  lines->begin += *size + (end < lines->text + lines->end);
  return true;
}

void dm_lines_leave (dm_lines *lines) {
  off_t left = (off_t)(lines->end - lines->begin);
  if (lines->regular) fseeko(lines->file, lines->next - left, SEEK_SET);
  lines->regular = false;
  lines->begin = lines->end;
}

void dm_lines_free (dm_lines *lines) {
  free(lines->text);
  lines->text = NULL;
}
