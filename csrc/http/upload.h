/* SPDX-License-Identifier: MIT */
/* upload.h -- a form that is read while it comes: its one file goes to disk, its fields are kept.
**
** A file is written without a name or, where file systems have no such files, under one that begins
** with a dot, made for it; when all of it is there it gets its name, 32 hexadecimal digits of chance as a UUID and the extension of the client's name for it,
** and is synced with its folder. So what has a name is whole as long as the machine runs, and what was
** finished stays also when it does not.
**
** Whoever announces a file holds it until the announcement is known to be made: the file has its sticky
** bit meanwhile, which means nothing to the system. So a later run finds those of which nobody knows.
**
** Threads:   one at a time.
** Ownership: an upload owns its file until dm_upload_keep: dm_upload_free removes it.
** Order:     dm_upload_new; feed any number of times; finish; hold, keep, discard; free.
*/
#ifndef DM_HTTP_UPLOAD_H
#define DM_HTTP_UPLOAD_H

#include <dirent.h>
#include <openssl/evp.h>
#include <stdint.h>

#include "http/folder.h"
#include "http/refusal.h"

/* The most bytes of a form beside its file, and of each of its fields. */
#define DM_FORM_BYTES 65536
#define DM_FIELD_BYTES 4096
#define DM_FIELDS 16

/* Of a stored file, which others of its group may read. */
#define DM_UPLOAD_MODE 0640

/* Room for the name of a stored file, without its folder. */
#define DM_UPLOAD_NAME 64

/* What a route takes. */
typedef struct dm_upload_rules {
  char *folder;
  char *field;         /* that the file is in */
  char **extensions;   /* lower case, without dots; NULL ends them */
  uint64_t max;        /* bytes of the file */
  dm_folder synced;    /* the folder */
} dm_upload_rules;

typedef struct dm_form_field {
  struct dm_form_field *next;
  char *name;
  size_t length;
  char text[DM_FIELD_BYTES + 1];
} dm_form_field;

typedef struct dm_upload {
  dm_upload_rules *rules;
  struct MHD_PostProcessor *post;
  dm_refusal refusal;               /* what is wrong with it */
  int folder, fd;                   /* -1: not open */
  char part[DM_UPLOAD_NAME];        /* its name while it is written; "": it has none */
  char name[DM_UPLOAD_NAME];
  char *filename;                   /* the client's, without folders; NULL: no file came yet */
  uint64_t size;
  EVP_MD_CTX *hash;
  char sha256[65];
  dm_form_field *fields;
  int field_count;
  bool stored, kept, held;
} dm_upload;

/* Begins with a request whose head is there, and has announced so many bytes; 0: any number. NULL: no
** memory. */
dm_upload *dm_upload_new (dm_upload_rules *rules, struct MHD_Connection *connection,
                          uint64_t announced);

/* Takes a piece of the body. What is wrong is in upload->refusal. */
void dm_upload_feed (dm_upload *upload, const char *piece, size_t size);

/* All of the body has come: syncs the file and gives it its name. Waits for the disk. */
dm_refusal dm_upload_finish (dm_upload *upload);

/* The file stays when the upload is freed, and is held until it is kept or discarded. */
void dm_upload_hold (dm_upload *upload);

/* The file stays, and is not held. */
void dm_upload_keep (dm_upload *upload);

/* Removes the file; false, and errno, when that cannot be. */
bool dm_upload_discard (dm_upload *upload);

void dm_upload_free (dm_upload *upload);

/* Takes the mark of a held file from it; false: errno says why not. */
bool dm_upload_settle (int fd);

/* The name of the next file in the list that is held. NULL: there is none, or errno says why it cannot
** be read. The list's. */
const char *dm_upload_next_held (DIR *list);

/* Before the first upload: removes what earlier runs have left behind half-written, and finds out
** whether files can do without a name. */
void dm_upload_prepare (dm_upload_rules *rules);

#endif
