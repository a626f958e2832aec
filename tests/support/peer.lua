-- SPDX-License-Identifier: MIT
-- Other clients of Kafka: kcat, and the Java client in Kafka's own console programs.
local cjson = require "cjson"
local process = require "support.process"

local M = {}

---@class support.PeerRecord
---@field key? string
---@field value? string
---@field headers docmsg.Header[]
---@field timestamp integer
---@field partition? integer
---@field offset? integer

---@param command support.Command
---@return string stdout
local function output(command)
  local result = process.run(command)
  if not result.ok then
    error(("%s ended with %s:\n%s"):format(table.concat(command, " "), result.code or result.signal,
      result.stderr), 3)
  end
  return result.stdout
end

---Runs kcat to its end.
---@param servers string
---@param command support.Command without "kcat" and its -b
---@return string stdout
function M.kcat(servers, command)
  local whole = { "kcat", "-b", servers, "-q", table.unpack(command) }
  whole.stdin = command.stdin
  return output(whole)
end

---JSON's null is Lua's nil here; the bytes of strings stay as they are.
local function value(field)
  if field ~= cjson.null then
    return field
  end
end

---@param list string[]? name, value, name, value, ...
---@return docmsg.Header[]
local function headers(list)
  local pairs_of = {}
  for i = 1, #(list or {}), 2 do
    pairs_of[#pairs_of + 1] = { list[i], value(list[i + 1]) }
  end
  return pairs_of
end

---What kcat reads from a partition, or from all of them, up to its end.
---@param servers string
---@param topic string
---@param partition? integer
---@return support.PeerRecord[]
function M.kcat_read(servers, topic, partition)
  local command = { "-C", "-t", topic, "-o", "beginning", "-e", "-J" }
  if partition then
    table.move({ "-p", tostring(partition) }, 1, 2, #command + 1, command)
  end
  local records = {}
  for line in M.kcat(servers, command):gmatch("[^\n]+") do
    local json = cjson.decode(line)
    records[#records + 1] = {
      key = value(json.key), value = value(json.payload), headers = headers(json.headers),
      timestamp = json.ts, partition = json.partition, offset = json.offset,
    }
  end
  return records
end

---Runs one of Kafka's own programs to its end.
---@param command support.Command class and arguments
---@return string stdout
function M.java(command)
  local whole = { "tools/kafka", "java", table.unpack(command) }
  whole.stdin, whole.limit = command.stdin, 120
  return output(whole)
end

-- Marks that no record of a test contains.
local FIELD, RECORD, HEADER, NULL = "<|>", "<;>", "<,>", "<null>"

---@param text string
---@param mark string what ends each part
local function parts(text, mark)
  local position = 1
  return function()
    local from, to = text:find(mark, position, true)
    if from then
      local part = text:sub(position, from - 1)
      position = to + 1
      return part
    end
  end
end

---@param text string
---@return string?
local function java_value(text)
  if text ~= NULL then
    return text
  end
end

---@param text string
---@return docmsg.Header[]
local function java_headers(text)
  local list = {}
  if text == "NO_HEADERS" then
    return list
  end
  for part in parts(text .. HEADER, HEADER) do
    local name, content = part:match("^(.-):(.*)$")
    list[#list + 1] = { name, java_value(content) }
  end
  return list
end

---What Kafka's console consumer reads from the beginning of a partition.
---@param servers string
---@param topic string
---@param partition integer
---@param count integer
---@return support.PeerRecord[]
function M.java_read(servers, topic, partition, count)
  local command = { "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", servers,
    "--topic", topic, "--partition", tostring(partition), "--from-beginning",
    "--max-messages", tostring(count), "--timeout-ms", "60000" }
  for name, setting in pairs {
    ["print.timestamp"] = "true", ["print.headers"] = "true", ["print.key"] = "true",
    ["key.separator"] = FIELD, ["line.separator"] = RECORD, ["headers.separator"] = HEADER,
    ["null.literal"] = NULL,
  } do
    table.move({ "--property", name .. "=" .. setting }, 1, 2, #command + 1, command)
  end
  local records = {}
  for record in parts(M.java(command), RECORD) do
    local fields = {}
    for field in parts(record .. FIELD, FIELD) do
      fields[#fields + 1] = field
    end
    records[#records + 1] = {
      timestamp = math.tointeger(fields[1]:match("^CreateTime:(%d+)$")), headers = java_headers(fields[2]),
      key = java_value(fields[3]), value = java_value(fields[4]),
    }
  end
  return records
end

---Has Kafka's console producer send records; texts without tabs, newlines, ":" and ",".
---@param servers string
---@param topic string
---@param records docmsg.Record[]
function M.java_write(servers, topic, records)
  local lines = {}
  for i, record in ipairs(records) do
    local list = {}
    for j, header in ipairs(record.headers or {}) do
      list[j] = header[1] .. ":" .. (header[2] or NULL)
    end
    lines[i] = table.concat({ list[1] and table.concat(list, ",") or NULL, record.key or NULL,
      record.value or NULL }, "\t") .. "\n"
  end
  M.java { "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", servers, "--topic", topic,
    "--property", "parse.key=true", "--property", "parse.headers=true",
    "--property", "null.marker=" .. NULL, stdin = table.concat(lines) }
end

return M
