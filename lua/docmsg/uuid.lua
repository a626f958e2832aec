-- SPDX-License-Identifier: MIT
-- UUIDs of RFC 9562 from the system's random source.
local M = {}

local SOURCE <const> = "/dev/urandom"

-- Bytes that are taken at once: opening the source costs more than what is read from it.
local AHEAD <const> = 1024

local drawn, next_byte = "", 1

local function draw(count)
  local file <close> = assert(io.open(SOURCE, "rb"))
  file:setvbuf("no")
  local bytes = file:read(count)
  if not bytes or #bytes < count then error(SOURCE .. " gave too few bytes") end
  return bytes
end

local function random_bytes(count)
  if next_byte + count - 1 > #drawn then drawn, next_byte = draw(AHEAD), 1 end
  local first = next_byte
  next_byte = first + count
  return drawn:sub(first, next_byte - 1)
end

-- Puts the version and the variant into 16 bytes and writes them as text.
local function format(bytes, version)
  local high, low = (">I8I8"):unpack(bytes)
  high = (high & ~0xF000) | (version << 12)
  low = (low & 0x3FFFFFFFFFFFFFFF) | (2 << 62)
  return ("%08x-%04x-%04x-%04x-%012x"):format(
    high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF, low >> 48, low & 0xFFFFFFFFFFFF)
end

---A random UUID (version 4).
---@return string uuid
function M.v4()
  return format(random_bytes(16), 4)
end

local last_ms, counter = 0, 0

---A UUID that begins with the time (version 7). Those made in one process sort in the order they
---were made: within a millisecond a counter says which came first.
---@param now_ms? integer milliseconds since 1970; default: the system's time in whole seconds
---@return string uuid
function M.v7(now_ms)
  now_ms = now_ms or os.time() * 1000
  if now_ms > last_ms then
    last_ms, counter = now_ms, 0
  else
    counter = counter + 1
    if counter > 0xFFF then last_ms, counter = last_ms + 1, 0 end
  end
  return format((">I6I2"):pack(last_ms, counter) .. random_bytes(8), 7)
end

return M
