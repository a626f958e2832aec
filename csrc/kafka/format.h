/* SPDX-License-Identifier: MIT */
/* format.h -- how a record is printed: in a format of kcat's letters, or as a line of JSON.
**
**   %s value   %S its size, -1 for null   %R the size as 4 bytes, big endian
**   %k key     %K its size, -1 for null   %T timestamp in ms   %h headers: name=value,name=NULL
**   %t topic   %p partition   %o offset   %% a percent sign    \n \r \t \\ \xHH
**
** The JSON has topic, partition, offset, timestamp, key, value and headers. Bytes that are no UTF-8
** are {"base64": "..."}, so that nothing is lost.
**
** Threads:   any; a format is not changed after it was compiled.
** Ownership: a compiled format points into memory of its caller's.
** Order:     dm_format_size, dm_format_compile; then print any number of records.
*/
#ifndef DM_FORMAT_H
#define DM_FORMAT_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdio.h>

/* A letter, or literal text. */
typedef struct dm_piece {
  const char *text; /* of the literal */
  size_t size;
  char letter;      /* 0: literal */
} dm_piece;

typedef struct dm_format {
  dm_piece *pieces;
  size_t count;
} dm_format;

/* How many bytes dm_format_compile needs for a format of 'size' bytes. */
size_t dm_format_size (size_t size);

/* Compiles a format into 'memory', which the result points into. Returns where the format is wrong,
** NULL when it is not. */
const char *dm_format_compile (dm_format *format, const char *text, size_t size, void *memory);

/* Each writes a record. Errors are the file's: see ferror. No lock of the file is taken. */
void dm_format_print (const dm_format *format, FILE *file, const rd_kafka_message_t *record);
void dm_format_print_json (FILE *file, const rd_kafka_message_t *record);

#endif
