-- SPDX-License-Identifier: MIT
-- The document workflow: all of its consumers as one application.
--
--   docmsg-lua setup.lua
--   docmsg-lua run pipeline.lua
local docmsg = require "docmsg"

local app = docmsg.app {
  name = "docproc",
  topics = "topics.lua",
  events = "events.lua",
  services = { store = function() return require("lib.store").open() end },
}
app:use(require "lib.progress")

local common = { lazy = true } -- the data are checked where lib.progress sees it
require "document_consumer"(app, "document_consumer_group", common)
require "rag_consumer"(app, "rag_consumer_group", common)
require "extraction_consumer"(app, "extraction_consumer_group", common)
require "query_consumer"(app, "query_consumer_group", common)

return app
