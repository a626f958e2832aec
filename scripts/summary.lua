-- SPDX-License-Identifier: MIT
-- A step more, beside the pipeline: counts the words of each document that was ingested.
local docmsg, s = require "docmsg", require "docmsg.schema"

local events = require "events"
events["summary-complete"] = { topic = "summary-complete", key = "document_id",
  data = s.record { document_id = s.string { min = 1 }, word_count = s.integer { min = 0 } } }

local app = docmsg.app { name = "summary", events = events, services = { store = require("lib.store").open } }
app:consumer("summary_group"):on("ingestion-complete", { emits = { "summary-complete" } }, function(event, ctx)
  local id = event.data.document_id
  local _, words = assert(ctx.svc.store:text(id)):gsub("%S+", "")
  ctx:emit("summary-complete", { document_id = id, word_count = words })
  ctx.log:info("Summary complete: %s (%d words)", id, words)
end)
return app
