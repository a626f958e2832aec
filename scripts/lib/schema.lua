-- SPDX-License-Identifier: MIT
-- The tables of the store.
return [[
CREATE TABLE IF NOT EXISTS documents (
  document_id TEXT PRIMARY KEY,
  user_id TEXT, filename TEXT, file_type TEXT, file_size INTEGER, page_count INTEGER,
  text TEXT,                            -- or, when it is large, the file that it is in
  text_ref TEXT,
  status TEXT NOT NULL,                 -- received, processing, completed, retrying, failed
  reason TEXT,
  failing TEXT,                         -- the consumer and the event that it concerns
  completed_times INTEGER NOT NULL DEFAULT 0,
  received_at TEXT, completed_at TEXT
);

-- The events of a document that were handled, each type once.
CREATE TABLE IF NOT EXISTS stages (
  document_id TEXT NOT NULL, stage TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (document_id, stage)
) WITHOUT ROWID;

-- What has to arrive before something goes on, and which part of it came last.
CREATE TABLE IF NOT EXISTS joins (
  owner TEXT NOT NULL, stage TEXT NOT NULL, expected INTEGER NOT NULL, completed_by TEXT,
  PRIMARY KEY (owner, stage)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS parts (
  owner TEXT NOT NULL, stage TEXT NOT NULL, part TEXT NOT NULL, payload TEXT,
  PRIMARY KEY (owner, stage, part)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chunks (
  document_id TEXT NOT NULL, chunk_id TEXT NOT NULL, page_number INTEGER NOT NULL, content TEXT NOT NULL,
  PRIMARY KEY (document_id, chunk_id)
);

CREATE TABLE IF NOT EXISTS vectors (
  document_id TEXT NOT NULL, chunk_id TEXT NOT NULL, model TEXT NOT NULL, vector BLOB NOT NULL,
  PRIMARY KEY (document_id, chunk_id)
);

CREATE TABLE IF NOT EXISTS fields (
  document_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, confidence REAL NOT NULL,
  PRIMARY KEY (document_id, name)
) WITHOUT ROWID;
]]
