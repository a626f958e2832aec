/* SPDX-License-Identifier: MIT */
/* folder.h -- a folder whose sync serves all files that had their names before it began.
**
** Files that are named at about the same time need one sync, not one each: whoever finds that another's
** has begun after the own file had its name, and has ended well, is done.
**
** Threads:   any.
** Ownership: the descriptors are the caller's.
** Order:     open; for each file named and then sync; close.
*/
#ifndef DM_HTTP_FOLDER_H
#define DM_HTTP_FOLDER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct dm_folder {
  pthread_mutex_t lock;
  dev_t device;             /* the folder that was there last: another one may come in its place */
  ino_t inode;
  uint64_t named, synced;   /* the numbers of the last file, and of the last that was synced */
  uint64_t failed;          /* of the last file that had its name when a sync failed */
} dm_folder;

/* A file with its name. */
typedef struct dm_named {
  dev_t device;             /* of its folder */
  ino_t inode;
  uint64_t number;          /* from 1 on; 0: nothing is known of its folder */
} dm_named;

void dm_folder_open (dm_folder *folder);
void dm_folder_close (dm_folder *folder);

/* A file has got its name in the folder behind the descriptor. */
dm_named dm_folder_named (dm_folder *folder, int fd);

/* The name is on disk when this returns. False: errno says why it may not be. */
bool dm_folder_sync (dm_folder *folder, int fd, dm_named file);

#endif
