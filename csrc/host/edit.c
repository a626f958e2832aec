/* SPDX-License-Identifier: MIT */
#include "host/edit.h"

#ifndef DOCMSG_LIBEDIT

dm_edit *dm_edit_new (void) {
  return NULL;
}

void dm_edit_free (dm_edit *edit) {
  (void)edit;
}

void dm_edit_complete (dm_edit *edit, dm_edit_completer complete, void *ud) {
  (void)edit, (void)complete, (void)ud;
}

void dm_edit_idle (dm_edit *edit, dm_edit_idler idle, void *ud) {
  (void)edit, (void)idle, (void)ud;
}

char *dm_edit_read (dm_edit *edit, const char *prompt, size_t *length) {
  (void)edit, (void)prompt, (void)length;
  return NULL;
}

void dm_edit_remember (dm_edit *edit, const char *entry) {
  (void)edit, (void)entry;
}

#else

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "host/interrupt.h"

#define ENTRIES 1000 /* kept in memory */
#define IDLE_MS 100

struct dm_edit {
  EditLine *el;
  History *history;
  const char *prompt;
  dm_edit_completer complete; /* NULL: TAB does nothing */
  void *complete_ud;
  dm_edit_idler idle;         /* NULL: nothing goes on meanwhile */
  void *idle_ud;
};

static char *get_prompt (EditLine *el) {
  dm_edit *edit;
  el_get(el, EL_CLIENTDATA, &edit);
  return (char *)(size_t)edit->prompt; /* libedit wants it writable and does not write */
}

/* TAB: inserts what is sure, else shows what there is. */
static unsigned char complete_line (EditLine *el, int character) {
  const LineInfo *info = el_line(el);
  char *list = NULL, *insertion;
  unsigned char result = CC_ERROR;
  dm_edit *edit;
  (void)character;
  el_get(el, EL_CLIENTDATA, &edit);
  if (edit->complete == NULL) return CC_ERROR;
  size_t length = (size_t)(info->cursor - info->buffer);
  insertion = edit->complete(edit->complete_ud, info->buffer, length, &list);
  if (insertion != NULL && el_insertstr(el, insertion) == 0) result = CC_REFRESH;
  else if (list != NULL) {
    printf("\n%s\n", list);
    result = CC_REDISPLAY;
  }
  free(insertion);
  free(list);
  return result;
}

void dm_edit_complete (dm_edit *edit, dm_edit_completer complete, void *ud) {
  edit->complete = complete;
  edit->complete_ud = ud;
}

void dm_edit_idle (dm_edit *edit, dm_edit_idler idle, void *ud) {
  edit->idle = idle;
  edit->idle_ud = ud;
}

/* How many columns the text takes on the screen, without what stands between two \1. */
static int width_of (const char *text, const char *end) {
  mbstate_t state = { 0 };
  int width = 0, hidden = 0;
  while (text < end) {
    wchar_t character;
    size_t used = mbrtowc(&character, text, (size_t)(end - text), &state);
    if (used == 0 || used > (size_t)(end - text)) {
      used = 1, character = L'?';
      memset(&state, 0, sizeof state);
    }
    if (*text == '\1') hidden = !hidden;
    else if (!hidden) width += wcwidth(character) >= 0 ? wcwidth(character) : 2; /* ^X */
    text += used;
  }
  return width;
}

static int columns (void) {
  struct winsize size;
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Takes the line off the screen, prints, and lets libedit draw the line again. */
static void print_above (dm_edit *edit, const char *text, size_t length) {
  const LineInfo *info = el_line(edit->el);
  int before = width_of(edit->prompt, edit->prompt + strlen(edit->prompt))
             + width_of(info->buffer, info->cursor);
  for (int row = before / columns(); row > 0; row--) fputs("\33[A", stdout);
  fputs("\r\33[J", stdout);
  fwrite(text, 1, length, stdout);
  if (length > 0 && text[length - 1] != '\n') putchar('\n');
  el_set(edit->el, EL_REFRESH);
  fflush(stdout);
}

static void idle (dm_edit *edit) {
  size_t length;
  char *text = edit->idle(edit->idle_ud, &length);
  if (text != NULL) print_above(edit, text, length);
  free(text);
}

/* Waits for a byte, or for a while: 0. Less than 0: a signal came. The signals are open only while
** it waits, so none is missed. */
static int wait_for_input (void) {
  static const struct timespec patience = { .tv_nsec = IDLE_MS * 1000000L };
  static const int heard[] = { SIGINT, SIGTERM };
  sigset_t blocked, before;
  sigemptyset(&blocked);
  for (size_t i = 0; i < sizeof(heard) / sizeof(*heard); i++) sigaddset(&blocked, heard[i]);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
  int ready = -1;
  while (ready < 0 && dm_interrupt_pending() == 0) ready = ppoll(&input, 1, &patience, &before);
  sigprocmask(SIG_SETMASK, &before, NULL);
  return ready;
}

/* Waits for a byte and lets go on what goes on meanwhile; false: a signal came. */
static int await_input (dm_edit *edit) {
  int ready;
  while ((ready = wait_for_input()) == 0)
    if (edit->idle != NULL) idle(edit);
  return ready > 0;
}

/* libedit's source of characters: 1 and a character, or 0 at the end or when a signal came. */
static int get_character (EditLine *el, wchar_t *character) {
  mbstate_t state = { 0 };
  dm_edit *edit;
  el_get(el, EL_CLIENTDATA, &edit);
  for (;;) {
    char byte;
    if (!await_input(edit) || read(STDIN_FILENO, &byte, 1) != 1) return 0;
    size_t used = mbrtowc(character, &byte, 1, &state);
    if (used == (size_t)-1) {
      *character = (unsigned char)byte;
      return 1;
    }
    if (used != (size_t)-2) return 1;
  }
}

/* Characters beyond ASCII need a locale that knows them; the rest stays as in the C locale. */
static void choose_locale (void) {
  if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1) setlocale(LC_CTYPE, "C.UTF-8");
}

static int is_terminal_fit (void) {
  const char *term = getenv("TERM");
  return term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

static void configure (dm_edit *edit) {
  HistEvent event;
  history(edit->history, &event, H_SETSIZE, ENTRIES);
  history(edit->history, &event, H_SETUNIQUE, 1);
  el_set(edit->el, EL_CLIENTDATA, edit);
  el_set(edit->el, EL_PROMPT_ESC, get_prompt, '\1');
  el_set(edit->el, EL_EDITOR, "emacs");
  el_set(edit->el, EL_SIGNAL, 0);
  el_set(edit->el, EL_GETCFN, get_character);
  el_set(edit->el, EL_HIST, history, edit->history);
  el_set(edit->el, EL_ADDFN, "docmsg-complete", "completes Lua, topics, groups", complete_line);
  el_set(edit->el, EL_BIND, "^I", "docmsg-complete", NULL);
  el_source(edit->el, NULL);
}

dm_edit *dm_edit_new (void) {
  if (!is_terminal_fit()) return NULL;
  dm_edit *edit = calloc(1, sizeof(*edit));
  if (edit == NULL) return NULL;
  choose_locale();
  edit->el = el_init("docmsg-lua", stdin, stdout, stderr);
  edit->history = history_init();
  if (edit->el == NULL || edit->history == NULL) {
    dm_edit_free(edit);
    return NULL;
  }
  configure(edit);
  return edit;
}

void dm_edit_free (dm_edit *edit) {
  if (edit->el != NULL) el_end(edit->el);
  if (edit->history != NULL) history_end(edit->history);
  free(edit);
}

char *dm_edit_read (dm_edit *edit, const char *prompt, size_t *length) {
  int count = 0;
  edit->prompt = prompt;
  el_resize(edit->el);
  el_set(edit->el, EL_PREP_TERM, 1);  /* before the prompt: what is typed then is not shown twice */
  const char *line = el_gets(edit->el, &count);
  if (line == NULL || count <= 0 || dm_interrupt_pending() != 0) return NULL;
  char *copy = malloc((size_t)count);
  if (copy == NULL) return NULL;
  *length = (size_t)count;
  return memcpy(copy, line, *length);
}

void dm_edit_remember (dm_edit *edit, const char *entry) {
  HistEvent event;
  history(edit->history, &event, H_ENTER, entry);
}

#endif
