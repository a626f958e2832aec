/* SPDX-License-Identifier: MIT */
/* printer.h -- the printer object of docmsg.kafka: records to a file, without a Lua value for each.
**
** Threads:   the thread that owns L.
** Ownership: user value 1 is the Lua file, which stays its owner's: a printer never closes it.
*/
#ifndef DM_PRINTER_H
#define DM_PRINTER_H

#include <librdkafka/rdkafka.h>
#include <lua.h>
#include <stdbool.h>

typedef struct dm_printer dm_printer;

/* Makes the metatable docmsg.Printer.  [-0, +0, m] */
void dm_printer_open (lua_State *L);

/* kafka.printer{ format = | json = , file = } -> printer.  [-1, +1, e] */
int dm_printer_lua (lua_State *L);

/* The printer at arg; raises when it is none or its file was closed.  [-0, +0, e] */
dm_printer *dm_printer_check (lua_State *L, int arg);

void dm_printer_print (dm_printer *printer, const rd_kafka_message_t *record);

/* Has a write failed? */
bool dm_printer_failed (const dm_printer *printer);

/* Writes bytes as they are, and the end of a line. */
void dm_printer_write (dm_printer *printer, const char *bytes, size_t size);

/* Writes what the file has buffered. False when a write has failed. */
bool dm_printer_flush (dm_printer *printer);

/* Pushes nil and the error of the write that failed.  [-0, +2, m] */
int dm_printer_fail (lua_State *L, const dm_printer *printer);

#endif
