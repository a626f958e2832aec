-- SPDX-License-Identifier: MIT
-- docmsg-lua version, and -v.
local exit = require "docmsg.exit"
local host = require "docmsg.host"

local versions = require("docmsg.bare").version()

local function text()
  return ("docmsg-lua %s  %s  librdkafka %s"):format(host.version, host.lua, versions.librdkafka)
end

return {
  usage = "[options]",
  about = "Shows the versions at work; as JSON also which of librdkafka's newer calls are there.",
  examples = {
    { "docmsg-lua version" },
    { "docmsg-lua version -F json", "for a report of a defect" },
  },
  prints = true,
  text = text,
  run = function(_, output)
    if output.format == "table" then
      output:line("%s", text())
    else
      output:document(versions)
    end
    return exit.DONE
  end,
}
