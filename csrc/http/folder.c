/* SPDX-License-Identifier: MIT */
#include "http/folder.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

void dm_folder_open (dm_folder *folder) {
  *folder = (dm_folder){ .named = 0 };
  pthread_mutex_init(&folder->lock, NULL);
}

void dm_folder_close (dm_folder *folder) {
  pthread_mutex_destroy(&folder->lock);
}

/* Is it in the folder that was there last? The lock is held. */
static bool is_here (const dm_folder *folder, const dm_named *file) {
  return file->number > 0 && file->device == folder->device && file->inode == folder->inode;
}

/* A sync that went well later says nothing of the names before one that failed: the error is told once. */
static void note_failure (dm_folder *folder, const dm_named *file) {
  int error = errno;
  pthread_mutex_lock(&folder->lock);
  if (is_here(folder, file)) folder->failed = folder->named;
  pthread_mutex_unlock(&folder->lock);
  errno = error;
}

/* What was synced in another folder says nothing about this one. */
dm_named dm_folder_named (dm_folder *folder, int fd) {
  struct stat info;
  dm_named file = { .number = 0 };
  if (fstat(fd, &info) != 0) return file;
  file.device = info.st_dev;
  file.inode = info.st_ino;
  pthread_mutex_lock(&folder->lock);
  file.number = ++folder->named;
  if (!is_here(folder, &file)) {
    folder->device = file.device;
    folder->inode = file.inode;
    folder->synced = folder->failed = 0;
  }
  pthread_mutex_unlock(&folder->lock);
  return file;
}

bool dm_folder_sync (dm_folder *folder, int fd, dm_named file) {
  uint64_t last;
  bool done;
  pthread_mutex_lock(&folder->lock);
  done = is_here(folder, &file) && folder->synced >= file.number && folder->failed < file.number;
  last = folder->named;
  pthread_mutex_unlock(&folder->lock);
  if (done) return true;
  if (fsync(fd) != 0) {
    note_failure(folder, &file);
    return false;
  }
  pthread_mutex_lock(&folder->lock);
  if (is_here(folder, &file) && folder->synced < last) folder->synced = last;
  pthread_mutex_unlock(&folder->lock);
  return true;
}
