/* SPDX-License-Identifier: MIT */
#include "http/upload.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PART_PREFIX ".upload-"
#define OWN_FILES "/proc/self/fd"

/* A file that is half-written for so long has nobody any more. */
#define ABANDONED_S (24L * 60 * 60)

/* Of the parser, which clears them first; hold a boundary and the head of a part, or all of a form. */
#define PARSER_BYTES 16384
#define PARSER_BYTES_MIN 1024

static dm_refusal refusal_of (int error) {
  if (error == EMFILE || error == ENFILE) return DM_CROWDED;
  return error == ENOSPC || error == EDQUOT || error == EFBIG ? DM_DISK_FULL : DM_NOT_STORED;
}

/* Notes what is wrong first; parsing ends. */
static enum MHD_Result refuse (dm_upload *upload, dm_refusal refusal) {
  if (upload->refusal == DM_NOT_REFUSED) upload->refusal = refusal;
  return MHD_NO;
}

/* -- Names ------------------------------------------------------------------------------------- */

/* The name without folders of any system. */
static const char *base_of (const char *filename) {
  const char *base = filename;
  for (const char *at = filename; *at != '\0'; at++)
    if (*at == '/' || *at == '\\') base = at + 1;
  return base;
}

/* A control character, also one of UTF-8: of C1, a separator of lines or paragraphs, or one that turns
** the direction of what follows, so that a name reads as another one. */
static bool is_control (const unsigned char *at) {
  if (at[0] == 0xC2) return at[1] >= 0x80 && at[1] <= 0x9F;
  if (at[0] == 0xE2 && at[1] == 0x80) return at[2] >= 0xA8 && at[2] <= 0xAE;
  if (at[0] == 0xE2 && at[1] == 0x81) return at[2] >= 0xA6 && at[2] <= 0xA9;
  return iscntrl(at[0]);
}

/* Copies the name without folders; false: it is none. */
static bool take_filename (dm_upload *upload, const char *filename) {
  const char *base = base_of(filename);
  for (const char *at = filename; *at != '\0'; at++)
    if (is_control((const unsigned char *)at)) return false;
  if (base[0] == '\0' || strlen(base) > 255) return false;
  upload->filename = strdup(base);
  return upload->filename != NULL;
}

/* The extension among those that are taken, or NULL. */
static const char *find_extension (const dm_upload *upload) {
  const char *dot = strrchr(upload->filename, '.');
  if (dot == NULL) return NULL;
  for (char **it = upload->rules->extensions; *it != NULL; it++)
    if (strcasecmp(dot + 1, *it) == 0) return *it;
  return NULL;
}

/* A UUID of version 4, and the names that are made of it. */
static bool make_names (dm_upload *upload, const char *extension) {
  unsigned char b[16];
  char id[37];
  if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) return false;
  b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
  b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
  snprintf(id, sizeof id, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
           b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
           b[14], b[15]);
  snprintf(upload->part, sizeof upload->part, PART_PREFIX "%s", id);
  return snprintf(upload->name, sizeof upload->name, "%s.%s", id, extension) <
         (int)sizeof upload->name;
}

/* -- The file ---------------------------------------------------------------------------------- */

/* Files cannot get their names later, or one was refused it: each has one from the start. */
static atomic_bool must_name;

/* A file that has no name yet, so that nothing of it stays when this process ends. It gets its name
** by its descriptor or, where the kernel does not let us, by way of /proc; false: that, or the folder's
** file system, does not let us either. */
static bool open_unnamed (dm_upload *upload) {
  if (atomic_load(&must_name)) return false;
  upload->fd = openat(upload->folder, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC,
                      DM_UPLOAD_MODE | S_ISVTX);
  if (upload->fd >= 0) upload->part[0] = '\0';
  return upload->fd >= 0;
}

static dm_refusal open_file (dm_upload *upload) {
  upload->folder = open(upload->rules->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (upload->folder < 0) return refusal_of(errno);
  if (open_unnamed(upload)) return DM_NOT_REFUSED;
  upload->fd = openat(upload->folder, upload->part,
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                      DM_UPLOAD_MODE | S_ISVTX);
  return upload->fd < 0 ? refusal_of(errno) : DM_NOT_REFUSED;
}

static enum MHD_Result begin_file (dm_upload *upload, const char *filename) {
  const char *extension;
  dm_refusal refusal;
  if (filename[0] == '\0') return refuse(upload, DM_NO_FILE);
  if (!take_filename(upload, filename)) return refuse(upload, DM_BAD_FILENAME);
  extension = find_extension(upload);
  if (extension == NULL) return refuse(upload, DM_UNSUPPORTED_TYPE);
  upload->hash = EVP_MD_CTX_new();
  if (upload->hash == NULL || EVP_DigestInit_ex(upload->hash, EVP_sha256(), NULL) != 1 ||
      !make_names(upload, extension))
    return refuse(upload, DM_FAILED);
  refusal = open_file(upload);
  return refusal == DM_NOT_REFUSED ? MHD_YES : refuse(upload, refusal);
}

static enum MHD_Result write_file (dm_upload *upload, const char *data, size_t size) {
  if (size > upload->rules->max - upload->size) return refuse(upload, DM_TOO_LARGE);
  upload->size += size;
  if (EVP_DigestUpdate(upload->hash, data, size) != 1) return refuse(upload, DM_FAILED);
  while (size > 0) {
    ssize_t written = write(upload->fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return refuse(upload, refusal_of(errno));
    data += written;
    size -= (size_t)written;
  }
  return MHD_YES;
}

/* Does this piece begin another file? The parser may tell of a beginning twice, first without bytes. */
static bool is_another (const dm_upload *upload, const char *filename, uint64_t offset) {
  return upload->filename != NULL && offset == 0 &&
         (upload->size > 0 || strcmp(upload->filename, base_of(filename)) != 0);
}

static enum MHD_Result take_file (dm_upload *upload, const char *key, const char *filename,
                                  const char *data, uint64_t offset, size_t size) {
  if (strcmp(key, upload->rules->field) != 0) return refuse(upload, DM_NO_FILE);
  if (is_another(upload, filename, offset)) return refuse(upload, DM_TWO_FILES);
  if (upload->filename == NULL && begin_file(upload, filename) != MHD_YES) return MHD_NO;
  return write_file(upload, data, size);
}

/* -- Fields ------------------------------------------------------------------------------------ */

static dm_form_field *add_field (dm_upload *upload, const char *key) {
  dm_form_field *field;
  if (upload->field_count == DM_FIELDS) return NULL;
  field = calloc(1, sizeof *field);
  if (field == NULL) return NULL;
  field->name = strdup(key);
  field->next = upload->fields;
  upload->fields = field;
  upload->field_count++;
  return field->name != NULL ? field : NULL;
}

/* A field may come in pieces, with increasing offsets. */
static enum MHD_Result take_field (dm_upload *upload, const char *key, const char *data,
                                   uint64_t offset, size_t size) {
  dm_form_field *field = upload->fields;
  if (offset == 0 || field == NULL) field = add_field(upload, key);
  if (field == NULL || size > DM_FIELD_BYTES - field->length) return refuse(upload, DM_BAD_FORM);
  memcpy(field->text + field->length, data, size);
  field->length += size;
  return MHD_YES;
}

/* -- The form ---------------------------------------------------------------------------------- */

/* What the parser has found. */
static enum MHD_Result take (void *arg, enum MHD_ValueKind kind, const char *key,
                             const char *filename, const char *type, const char *encoding,
                             const char *data, uint64_t offset, size_t size) {
  dm_upload *upload = arg;
  (void)kind;
  (void)type;
  if (upload->refusal != DM_NOT_REFUSED || key == NULL) return refuse(upload, DM_BAD_FORM);
  if (encoding != NULL && strcasecmp(encoding, "binary") != 0 && strcasecmp(encoding, "8bit") != 0 &&
      strcasecmp(encoding, "7bit") != 0)
    return refuse(upload, DM_BAD_FORM);
  if (filename != NULL) return take_file(upload, key, filename, data, offset, size);
  return take_field(upload, key, data, offset, size);
}

static size_t parser_bytes (uint64_t announced) {
  if (announced == 0 || announced > PARSER_BYTES) return PARSER_BYTES;
  return announced < PARSER_BYTES_MIN ? PARSER_BYTES_MIN : (size_t)announced;
}

dm_upload *dm_upload_new (dm_upload_rules *rules, struct MHD_Connection *connection,
                          uint64_t announced) {
  dm_upload *upload = calloc(1, sizeof *upload);
  if (upload == NULL) return NULL;
  upload->rules = rules;
  upload->folder = upload->fd = -1;
  upload->post = MHD_create_post_processor(connection, parser_bytes(announced), take, upload);
  if (upload->post == NULL) upload->refusal = DM_BAD_FORM;
  return upload;
}

void dm_upload_feed (dm_upload *upload, const char *piece, size_t size) {
  if (upload->refusal != DM_NOT_REFUSED) return;
  if (MHD_post_process(upload->post, piece, size) != MHD_YES) refuse(upload, DM_BAD_FORM);
}

/* Ends the parser; false: the form was not complete. */
static bool end_form (dm_upload *upload) {
  bool complete = upload->post != NULL && MHD_destroy_post_processor(upload->post) == MHD_YES;
  upload->post = NULL;
  return complete;
}

static bool end_hash (dm_upload *upload) {
  static const char digits[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length;
  char *at = upload->sha256;
  if (EVP_DigestFinal_ex(upload->hash, digest, &length) != 1) return false;
  for (unsigned i = 0; i < length; i++) {
    *at++ = digits[digest[i] >> 4];
    *at++ = digits[digest[i] & 15];
  }
  *at = '\0';
  return true;
}

static bool give_name (dm_upload *upload) {
  char own[sizeof OWN_FILES + 16];
  if (upload->part[0] != '\0')
    return renameat(upload->folder, upload->part, upload->folder, upload->name) == 0;
  if (linkat(upload->fd, "", upload->folder, upload->name, AT_EMPTY_PATH) == 0) return true;
  snprintf(own, sizeof own, OWN_FILES "/%d", upload->fd);
  if (linkat(AT_FDCWD, own, upload->folder, upload->name, AT_SYMLINK_FOLLOW) == 0) return true;
  atomic_store(&must_name, true);
  return false;
}

/* Order matters: 1. what is written whole gets its name, 2. its bytes are on disk, 3. so is what the
** folder knows. With the name first, file systems put both on disk in one go, so that 3. finds little
** to do. */
static dm_refusal store (dm_upload *upload) {
  dm_named named;
  if (!give_name(upload)) return refusal_of(errno);
  upload->stored = true;
  named = dm_folder_named(&upload->rules->synced, upload->folder);
  if (fsync(upload->fd) != 0) return refusal_of(errno);
  return dm_folder_sync(&upload->rules->synced, upload->folder, named) ? DM_NOT_REFUSED
                                                                       : refusal_of(errno);
}

dm_refusal dm_upload_finish (dm_upload *upload) {
  if (!end_form(upload) && upload->refusal == DM_NOT_REFUSED) upload->refusal = DM_BAD_FORM;
  if (upload->refusal == DM_NOT_REFUSED && upload->filename == NULL) upload->refusal = DM_NO_FILE;
  if (upload->refusal == DM_NOT_REFUSED && upload->size == 0) upload->refusal = DM_EMPTY_FILE;
  if (upload->refusal == DM_NOT_REFUSED && !end_hash(upload)) upload->refusal = DM_FAILED;
  if (upload->refusal == DM_NOT_REFUSED) upload->refusal = store(upload);
  return upload->refusal;
}

/* -- The end ----------------------------------------------------------------------------------- */

void dm_upload_hold (dm_upload *upload) {
  upload->kept = upload->held = true;
}

void dm_upload_keep (dm_upload *upload) {
  upload->kept = true;
  upload->held = false;
}

bool dm_upload_discard (dm_upload *upload) {
  const char *name = upload->stored ? upload->name : upload->part;
  upload->kept = false;
  if (name[0] != '\0' && unlinkat(upload->folder, name, 0) != 0) return false;
  upload->kept = upload->held = true; /* there is nothing more to remove, or to mark */
  return dm_folder_sync(&upload->rules->synced, upload->folder,
                        dm_folder_named(&upload->rules->synced, upload->folder));
}

bool dm_upload_settle (int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && fchmod(fd, info.st_mode & 0777) == 0;
}

void dm_upload_free (dm_upload *upload) {
  if (upload->post != NULL) MHD_destroy_post_processor(upload->post);
  if (upload->fd >= 0 && !upload->kept) dm_upload_discard(upload);
  if (upload->fd >= 0 && upload->kept && !upload->held) dm_upload_settle(upload->fd);
  if (upload->fd >= 0) close(upload->fd);
  if (upload->folder >= 0) close(upload->folder);
  EVP_MD_CTX_free(upload->hash);
  for (dm_form_field *field = upload->fields, *next; field != NULL; field = next) {
    next = field->next;
    free(field->name);
    free(field);
  }
  free(upload->filename);
  free(upload);
}

const char *dm_upload_next_held (DIR *list) {
  const struct dirent *entry;
  struct stat info;
  while (errno = 0, (entry = readdir(list)) != NULL)
    if (entry->d_name[0] != '.' &&
        fstatat(dirfd(list), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(info.st_mode) && (info.st_mode & S_ISVTX) != 0)
      return entry->d_name;
  return NULL;
}

static bool is_abandoned (int folder, const char *name) {
  struct stat info;
  return strncmp(name, PART_PREFIX, strlen(PART_PREFIX)) == 0 &&
         fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
         time(NULL) - info.st_mtime > ABANDONED_S;
}

/* Removes what earlier runs have left behind half-written. */
static void sweep (const char *folder) {
  DIR *list = opendir(folder);
  const struct dirent *entry;
  if (list == NULL) return; /* whoever uploads is told */
  while ((entry = readdir(list)) != NULL)
    if (is_abandoned(dirfd(list), entry->d_name)) unlinkat(dirfd(list), entry->d_name, 0);
  closedir(list);
}

void dm_upload_prepare (dm_upload_rules *rules) {
  dm_folder_open(&rules->synced);
  if (access(OWN_FILES, X_OK) != 0) atomic_store(&must_name, true);
  sweep(rules->folder);
}
