/* SPDX-License-Identifier: MIT */
/* feed.h -- what librdkafka's callbacks have to say, kept until the calling thread reads it.
**
** No Lua is ever called from a librdkafka callback: a Lua error would jump across librdkafka's
** frames. Each callback appends a note here; after every librdkafka call the client takes the
** notes and calls the Lua handlers.
**
** Threads:   callbacks on any thread, also inside a task; dm_feed_take on the thread that owns L.
** Ownership: the feed outlives the rd_kafka_t it serves; notes taken belong to the taker.
** Order:     new, install on the conf, take any number of times, free after rk is destroyed.
*/
#ifndef DM_FEED_H
#define DM_FEED_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum dm_note_kind {
  DM_NOTE_ERROR,
  DM_NOTE_LOG,
  DM_NOTE_STATS,
  DM_NOTE_REBALANCE
} dm_note_kind;

typedef struct dm_note {
  struct dm_note *next;
  dm_note_kind kind;
  rd_kafka_resp_err_t code;                     /* ERROR, REBALANCE */
  bool fatal;                                   /* ERROR */
  int level;                                    /* LOG: syslog's */
  char *facility;                               /* LOG */
  char *text;                                   /* ERROR, LOG, STATS */
  rd_kafka_topic_partition_list_t *partitions;  /* REBALANCE */
} dm_note;

/* What last went wrong with a client's connections. */
typedef struct dm_trouble {
  rd_kafka_resp_err_t code; /* 0: no error has told yet, at most a log line */
  char text[512];           /* "": there was none */
} dm_trouble;

typedef struct dm_feed dm_feed;

/* A feed; 'ledger' is what the delivery report callback gets, see delivery.h. NULL when memory is
** short. */
dm_feed *dm_feed_new (void *ledger);

/* The ledger given to dm_feed_new; for callbacks, whose opaque is the feed. */
void *dm_feed_ledger (const dm_feed *feed);

/* Sets the callbacks for errors, logs and statistics, and with 'rebalance' that for rebalances. */
void dm_feed_install (dm_feed *feed, rd_kafka_conf_t *conf, bool rebalance);

/* Leaves a line among the log lines; 'level' is syslog's. */
void dm_feed_add (dm_feed *feed, int level, const char *text);

/* Leaves a client-wide error. */
void dm_feed_add_error (dm_feed *feed, rd_kafka_resp_err_t code, const char *text);

/* The last trouble, also when its note has not been taken, or the client was not polled. */
dm_trouble dm_feed_trouble (dm_feed *feed);

/* A broker has answered: the trouble is over. Cheap enough for the path of every message. */
void dm_feed_reached (dm_feed *feed);

/* The oldest note, or NULL. */
dm_note *dm_feed_take (dm_feed *feed);

/* Is there a note? Cheap enough for the path of every message. */
bool dm_feed_waiting (const dm_feed *feed);

void dm_note_free (dm_note *note);
void dm_feed_free (dm_feed *feed);

#endif
