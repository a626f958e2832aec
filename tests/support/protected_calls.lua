-- SPDX-License-Identifier: MIT
-- Says what pcall, xpcall and the coroutine functions do at their edges; the same under plain lua.
local function say(...)
  local words = table.pack(...)
  for index = 1, words.n do
    words[index] = tostring(words[index]):gsub("0x%x+", "")
  end
  print(table.concat(words, "\t"))
end

local function closing(message)
  return setmetatable({}, { __close = function()
    say "closing"
    if message then error(message, 0) end
  end })
end

say(pcall(error))
say(pcall(error, nil))
say(pcall(pcall))
say(pcall(xpcall))
say(pcall(xpcall, print))
say(pcall(function() local t = {} return t .. 1 end))
say(select("#", pcall(table.unpack, {}, 1, 100)))
say(xpcall(error, function(message) return message, 1 end, "x"))
say(xpcall(function(...) return select("#", ...), ... end, print, 1, 2, nil))
say(xpcall(error, function() error "again" end, "x"))
say(select(2, xpcall(function() error "where" end, debug.traceback)):match "^[^\n]*")

local across = coroutine.create(function()
  say(pcall(function()
    say(coroutine.yield(1))
    error "after a yield"
  end))
  say(xpcall(function() coroutine.yield(2) error {} end, function() return "handled" end))
  say(pcall(coroutine.yield, 3))
  return "end"
end)
for _, value in ipairs { "a", "b", "c", "d", "e" } do
  say(coroutine.resume(across, value))
end
say(coroutine.status(across))

say(coroutine.resume(coroutine.create(function(...) return ... end), 1, nil, 3))
say(coroutine.resume(coroutine.running()))
say(pcall(coroutine.resume))
say(pcall(coroutine.wrap, 1))
say(pcall(coroutine.wrap(function() error "in a wrap" end)))
say(pcall(coroutine.wrap(function() error {} end)))
say(pcall(coroutine.wrap(function() local _ <close> = closing() error "closes" end)))
local once = coroutine.wrap(function() return 1 end)
say(once())
say(pcall(once))

say(pcall(coroutine.close, 1))
say(pcall(coroutine.close, coroutine.running()))
for _, message in ipairs { false, "from close" } do
  local co = coroutine.create(function() local _ <close> = closing(message) coroutine.yield() end)
  coroutine.resume(co)
  say(coroutine.close(co))
  say(coroutine.status(co))
end
local failed = coroutine.create(error)
coroutine.resume(failed, "failed")
say(coroutine.close(failed))

local outer
outer = coroutine.create(function()
  say(coroutine.resume(outer))
  say(coroutine.resume(coroutine.create(function()
    say(pcall(coroutine.close, outer))
    say(coroutine.resume(outer))
  end)))
end)
say(coroutine.resume(outer))

local function nest(depth)
  if depth == 0 then return "bottom" end
  local _, result = coroutine.resume(coroutine.create(nest), depth - 1)
  return result
end
say(nest(150))
say(nest(250))
