/* SPDX-License-Identifier: MIT */
/* folder_test.c -- one sync of a folder for many files. Where a sync is needed, it fails: its descriptor
** is none. */
#include "http/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

#define NONE (-1)
#define THREADS 8
#define FILES 200
#define ALL UINT64_C(1600)

static char place[] = "/tmp/docmsg-folder-XXXXXX", other_place[] = "/tmp/docmsg-folder-XXXXXX";
static int here, other;

static void a_file_needs_a_sync_that_began_after_it_had_its_name (void) {
  dm_folder folder;
  dm_named first, second, third, fourth, last;
  dm_folder_open(&folder);
  first = dm_folder_named(&folder, here);
  second = dm_folder_named(&folder, here);
  CHECK(!dm_folder_sync(&folder, NONE, first) && errno == EBADF);
  CHECK(!dm_folder_sync(&folder, NONE, second)); /* the one that failed serves nobody */
  third = dm_folder_named(&folder, here);
  fourth = dm_folder_named(&folder, here);
  CHECK(dm_folder_sync(&folder, here, third));
  CHECK(dm_folder_sync(&folder, NONE, fourth));
  last = dm_folder_named(&folder, here);
  CHECK(!dm_folder_sync(&folder, NONE, last));
  dm_folder_close(&folder);
}

static void a_sync_serves_no_file_from_before_one_that_failed (void) {
  dm_folder folder;
  dm_named first, second, third;
  dm_folder_open(&folder);
  first = dm_folder_named(&folder, here);
  second = dm_folder_named(&folder, here);
  CHECK(!dm_folder_sync(&folder, NONE, second));
  third = dm_folder_named(&folder, here);
  CHECK(dm_folder_sync(&folder, here, third));
  CHECK(!dm_folder_sync(&folder, NONE, first));
  CHECK(dm_folder_sync(&folder, here, first)); /* by its own descriptor, which would tell of an error */
  dm_folder_close(&folder);
}

static void a_sync_of_another_folder_in_its_place_serves_nobody_here (void) {
  dm_folder folder;
  dm_named first, moved, back;
  dm_folder_open(&folder);
  first = dm_folder_named(&folder, here);
  moved = dm_folder_named(&folder, other);
  CHECK(dm_folder_sync(&folder, other, moved));
  CHECK(!dm_folder_sync(&folder, NONE, first));
  back = dm_folder_named(&folder, here);
  CHECK(!dm_folder_sync(&folder, NONE, first));
  CHECK(!dm_folder_sync(&folder, NONE, moved));
  CHECK(dm_folder_sync(&folder, here, back));
  CHECK(dm_folder_sync(&folder, here, first));
  dm_folder_close(&folder);
}

static void a_folder_of_which_nothing_is_known_is_synced (void) {
  dm_folder folder;
  dm_named lost, known;
  dm_folder_open(&folder);
  lost = dm_folder_named(&folder, NONE);
  known = dm_folder_named(&folder, here);
  CHECK(dm_folder_sync(&folder, here, known));
  CHECK(!dm_folder_sync(&folder, NONE, lost));
  CHECK(dm_folder_sync(&folder, here, lost));
  dm_folder_close(&folder);
}

static void *store_files (void *arg) {
  for (int i = 0; i < FILES; i++) {
    dm_named file = dm_folder_named(arg, here);
    CHECK(dm_folder_sync(arg, here, file));
    CHECK(dm_folder_sync(arg, NONE, file));
  }
  return NULL;
}

static void threads_share_syncs (void) {
  dm_folder folder;
  pthread_t threads[THREADS];
  dm_folder_open(&folder);
  for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, store_files, &folder) == 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  CHECK(folder.named == ALL && folder.synced == ALL);
  dm_folder_close(&folder);
}

int main (void) {
  CHECK(mkdtemp(place) != NULL && mkdtemp(other_place) != NULL);
  here = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  other = open(other_place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  CHECK(here >= 0 && other >= 0);
  RUN(a_file_needs_a_sync_that_began_after_it_had_its_name);
  RUN(a_sync_serves_no_file_from_before_one_that_failed);
  RUN(a_sync_of_another_folder_in_its_place_serves_nobody_here);
  RUN(a_folder_of_which_nothing_is_known_is_synced);
  RUN(threads_share_syncs);
  close(here);
  close(other);
  CHECK(rmdir(place) == 0 && rmdir(other_place) == 0);
  return 0;
}
