-- SPDX-License-Identifier: MIT
-- What the workflow keeps, in data/store.db: documents with their status, vectors, fields, and what
-- has arrived of things that come in parts. Everything written twice is there once.
--
-- One store for each Lua state; processes share the file.
local data = require "lib.data"
local database = require "docmsg.database"
local embedding = require "lib.embedding"
local json = require "docmsg.json"
local time = require "lib.time"

local M = {}

---@class Store
---@field private db docmsg.Database
local Store = { __name = "Store" }
Store.__index = Store

---Opens the store in the data folder.
---@param path? string another file
---@return Store
function M.open(path)
  local db = database.open(path or data.folder() .. "/store.db", require "lib.schema")
  return setmetatable({ db = db }, Store)
end

---Runs a function in a transaction.
---@param body fun(...): ...
---@param ... any
---@return any ...
function Store:transaction(body, ...)
  return self.db:transaction(body, ...)
end

-- == Documents ==

---Keeps a document and its text. One that is there already keeps its status.
---@param document ParsedDocument
---@param content string
---@param page_count integer
function Store:add_document(document, content, page_count)
  local metadata, ref = document.metadata, nil
  if #content > data.REFERENCE_FROM then ref = assert(json.encode(data.keep(content, "txt"))) end
  self.db:run([[
    INSERT INTO documents (document_id, user_id, filename, file_type, file_size, page_count, text, text_ref,
      status, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'received', ?)
    ON CONFLICT (document_id) DO UPDATE SET user_id = excluded.user_id, filename = excluded.filename,
      file_type = excluded.file_type, file_size = excluded.file_size, page_count = excluded.page_count,
      text = excluded.text, text_ref = excluded.text_ref, received_at = coalesce(received_at, excluded.received_at)]],
    document.document_id, metadata.user_id, metadata.filename, metadata.file_type, metadata.file_size, page_count,
    not ref and content or nil, ref, time.now())
end

---@param id string
---@return table? document without its text
function Store:document(id)
  return self.db:row([[
    SELECT document_id, user_id, filename, file_type, file_size, page_count, status, reason, completed_times,
      received_at, completed_at FROM documents WHERE document_id = ?]], id)
end

---@param id string
---@return string? content nil when the document is not there
---@return string? reason
function Store:text(id)
  local row = self.db:row("SELECT text, text_ref FROM documents WHERE document_id = ?", id)
  if row and row.text then return row.text end
  if not row or not row.text_ref then return nil, ("the store has no text of document %s"):format(id) end
  return data.read(assert(json.decode(row.text_ref)), 1 << 30)
end

---An event about a document was handled.
---@param id string
---@param stage string the event's type
---@param group string of the consumer
function Store:pass(id, stage, group)
  local fresh = self.db:run("INSERT OR IGNORE INTO stages VALUES (?, ?, ?)", id, stage, time.now()) > 0
  if fresh then
    self.db:run("UPDATE documents SET status = 'processing' WHERE document_id = ? AND status = 'received'", id)
  end
  self.db:run([[UPDATE documents SET status = 'processing', reason = NULL, failing = NULL
    WHERE document_id = ? AND status = 'retrying' AND failing = ?]], id, group .. "/" .. stage)
end

---The events that a document has passed, in their order.
---@param id string
---@return {stage: string, at: string}[]
function Store:stages(id)
  return self.db:rows("SELECT stage, at FROM stages WHERE document_id = ? ORDER BY at, stage", id)
end

---An event about a document could not be handled.
---@param id string
---@param status "retrying"|"failed"
---@param stage string the event's type
---@param group string of the consumer
---@param reason string
function Store:fail(id, status, stage, group, reason)
  self.db:run([[
    INSERT INTO documents (document_id, status, reason, failing, received_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (document_id) DO UPDATE SET status = excluded.status, reason = excluded.reason,
      failing = excluded.failing WHERE documents.status <> 'completed']],
    id, status, stage .. ": " .. reason, group .. "/" .. stage, time.now())
end

---All of a document's workflows are done.
---@param id string
function Store:complete(id)
  self.db:run([[
    UPDATE documents SET status = 'completed', reason = NULL, failing = NULL,
      completed_times = completed_times + 1, completed_at = ?
    WHERE document_id = ? AND status <> 'completed']], time.now(), id)
end

-- == Things that come in parts ==

-- Which part completes it, once all are there.
local function completer(self, owner, stage, part)
  local join = self.db:row("SELECT expected, completed_by FROM joins WHERE owner = ? AND stage = ?", owner, stage)
  if not join or join.completed_by then return join and join.completed_by end
  local parts = self.db:row("SELECT count(*) AS count FROM parts WHERE owner = ? AND stage = ?", owner, stage)
  if parts.count < join.expected then return nil end
  self.db:run("UPDATE joins SET completed_by = ? WHERE owner = ? AND stage = ?", part, owner, stage)
  return part
end

---Says how many parts there will be. Another number than before begins anew.
---@param owner string
---@param stage string
---@param expected integer at least 1
function Store:expect(owner, stage, expected)
  self.db:transaction(function()
    local known = self.db:row("SELECT expected FROM joins WHERE owner = ? AND stage = ?", owner, stage)
    if known and known.expected == expected then return end
    self.db:run("DELETE FROM parts WHERE owner = ? AND stage = ?", owner, stage)
    self.db:run("INSERT OR REPLACE INTO joins VALUES (?, ?, ?, NULL)", owner, stage, expected)
  end)
end

---Is anything expected there?
---@param owner string
---@param stage string
---@return boolean
function Store:expects(owner, stage)
  return self.db:row("SELECT 1 FROM joins WHERE owner = ? AND stage = ?", owner, stage) ~= nil
end

---A part has arrived. For the one that came last it is true, each time that this one comes: what follows
---may have been lost.
---@param owner string
---@param stage string
---@param part string
---@param payload? any kept as JSON
---@return boolean last
function Store:arrive(owner, stage, part, payload)
  local text = payload ~= nil and assert(json.encode(payload)) or nil
  return self.db:transaction(function()
    self.db:run("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)", owner, stage, part, text)
    return completer(self, owner, stage, part) == part
  end)
end

---What the parts brought along.
---@param owner string
---@param stage string
---@return table<string, any> payloads by part
function Store:parts(owner, stage)
  local payloads = {}
  for row in self.db:each("SELECT part, payload FROM parts WHERE owner = ? AND stage = ?", owner, stage) do
    payloads[row.part] = row.payload and assert(json.decode(row.payload)) or true
  end
  return payloads
end

-- == Chunks and vectors ==

---Keeps the chunks of a document, in place of those before.
---@param id string
---@param chunks TextChunk[]
function Store:set_chunks(id, chunks)
  self.db:transaction(function()
    self.db:run("DELETE FROM chunks WHERE document_id = ?", id)
    for _, chunk in ipairs(chunks) do
      self.db:run("INSERT INTO chunks VALUES (?, ?, ?, ?)", id, chunk.chunk_id, chunk.page_number, chunk.content)
    end
  end)
end

---Keeps the vector of a chunk.
---@param embedded ValidatedEmbedding
---@return boolean known false: the document has no such chunk
function Store:add_vector(embedded)
  return self.db:run([[
    INSERT OR REPLACE INTO vectors
    SELECT document_id, chunk_id, ?, ? FROM chunks WHERE document_id = ? AND chunk_id = ?]],
    embedded.embedding_model, database.blob(embedding.pack(embedded.embedding_vector)), embedded.document_id,
    embedded.chunk_id) == 1
end

-- The columns of a document that a query can ask for.
local FILTERS <const> = { document_id = true, user_id = true, filename = true, file_type = true }

---Why the filters of a query cannot be kept.
---@param filters table<string, any>
---@return string?
function M.refuse_filters(filters)
  for name, value in pairs(filters) do
    if not FILTERS[name] then
      return ("a query cannot be filtered by %q; there are document_id, file_type, filename, user_id"):format(name)
    elseif type(value) ~= "string" then
      return ("the filter %s must be a string"):format(name)
    end
  end
end

-- The end of a query on documents, and its values.
local function conditions(filters)
  local sql, values = {}, {}
  for name, value in pairs(filters) do
    sql[#sql + 1], values[#values + 1] = (" AND documents.%s = ?"):format(name), value
  end
  return table.concat(sql), values
end

---Iterates over the vectors of a model.
---@param model string
---@param filters table<string, string>
---@return fun(): table?
function Store:vectors(model, filters)
  local where, values = conditions(filters)
  return self.db:each([[
    SELECT documents.document_id, filename, chunk_id, page_number, content, vector
    FROM vectors JOIN chunks USING (document_id, chunk_id) JOIN documents USING (document_id)
    WHERE model = ?]] .. where .. " ORDER BY document_id, chunk_id",
    model, table.unpack(values))
end

---@param id string
---@return integer
function Store:vector_count(id)
  return self.db:row("SELECT count(*) AS count FROM vectors WHERE document_id = ?", id).count
end

-- == Fields ==

---Keeps the fields of a document, in place of those before.
---@param id string
---@param fields table<string, any>
---@param confidence table<string, number>
function Store:set_fields(id, fields, confidence)
  self.db:transaction(function()
    self.db:run("DELETE FROM fields WHERE document_id = ?", id)
    for name, value in pairs(fields) do
      self.db:run("INSERT INTO fields VALUES (?, ?, ?, ?)", id, name, tostring(value), confidence[name] or 0)
    end
  end)
end

---The fields of all documents.
---@param filters table<string, string>
---@return {document_id: string, filename: string, name: string, value: string, confidence: number}[]
function Store:fields(filters)
  local where, values = conditions(filters)
  return self.db:rows([[
    SELECT documents.document_id, filename, name, value, confidence
    FROM fields JOIN documents USING (document_id) WHERE 1]] .. where .. " ORDER BY document_id, name",
    table.unpack(values))
end

function Store:close()
  self.db:close()
end

Store.__close = Store.close

return M
