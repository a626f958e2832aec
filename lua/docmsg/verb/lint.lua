-- SPDX-License-Identifier: MIT
-- docmsg-lua lint
local exit = require "docmsg.exit"

-- "file:line: text" of each line, as records.
local function findings(text, severity, records)
  for line in text:gmatch("[^\n]+") do
    local file, number, message = line:match("^(.-):(%d+): (.*)$")
    if not file then file, message = line:match("^(.-): (.*)$") end
    records[#records + 1] = { file = file, line = math.tointeger(number), severity = severity,
      message = message or line }
  end
end

local function show(records, output)
  if output.format ~= "table" then return output:rows({}, records) end
  for _, record in ipairs(records) do
    local place = record.file and record.file .. (record.line and ":" .. record.line or "") .. ": " or ""
    local style = record.severity == "error" and "red" or "yellow"
    output:line("%s%s: %s", place, output:paint(style, record.severity), record.message)
  end
end

return {
  usage = "FILE [options]",
  about = [[
Checks a topic table without a broker: everything that is wrong at once, by file and line.

Exit code: 0 nothing, or warnings alone · 2 something is wrong]],
  examples = {
    { "docmsg-lua lint topics.lua", "before it meets a broker" },
    { "docmsg-lua lint topics.lua -F jsonl", "for an editor" },
  },
  prints = true,
  { "FILE", required = true, help = "a topic table" },
  run = function(options, output)
    local declared, reason = require("docmsg.topic.find").load(options.FILE)
    local records = {}
    if not declared then findings(reason, "error", records) end
    findings(table.concat(declared and declared.warnings or {}, "\n"), "warning", records)
    show(records, output)
    if declared then
      output:note("%s: %s, nothing wrong", declared.path,
        require("docmsg.output").count(#declared.topics, "topic"))
    end
    return declared and exit.DONE or exit.USAGE
  end,
}
