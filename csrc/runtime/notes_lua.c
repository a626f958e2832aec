/* SPDX-License-Identifier: MIT */
#include "runtime/notes_lua.h"

#include "kafka/job.h"

static const char *level_of (const dm_note *note) {
  if (note->kind == DM_NOTE_ERROR || note->level <= 3) return "error";
  return note->level <= 4 ? "warn" : note->level <= 6 ? "info" : "debug";
}

static void cleanup (void *block) {
  dm_note_free(*(dm_note **)block);
}

void dm_notes_push (lua_State *L, dm_feed *feed) {
  dm_note **note;
  lua_newtable(L);
  if (!dm_feed_waiting(feed)) return;
  note = dm_job_push(L, sizeof *note, cleanup);
  for (lua_Integer i = 1; (*note = dm_feed_take(feed)) != NULL; i++) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, level_of(*note));
    lua_setfield(L, -2, "level");
    lua_pushstring(L, (*note)->text);
    lua_setfield(L, -2, "message");
    lua_rawseti(L, -3, i);
    dm_note_free(*note);
    *note = NULL;
  }
  dm_job_end(L, -1);
  lua_pop(L, 1);
}
