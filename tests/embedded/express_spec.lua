-- SPDX-License-Identifier: MIT
-- The straight way of a record to its handler (csrc/runtime/express.c) against docmsg.dispatch: whatever
-- the record is and the handler does, all that can be seen is the same. A `where` leads past the straight
-- way.
local app = require "docmsg.app"
local application = require "support.application"
local embedded = require "support.embedded"
local json = require "docmsg.json"
local kafka = require "docmsg.kafka"
local s = require "docmsg.schema"

local ORDER <const> = { id = "o1", amount = 7 }

local EMITS <const> = { "done", "plain", "numbered", "made", "looked at" }

local function order(act, changes)
  local data = { id = act or "o1", amount = 7 }
  for name, value in pairs(changes or {}) do data[name] = value end
  return json.encode(data)
end

-- A record whose value, or what is emitted for it, has so many bytes.
local function sized(bytes, empty)
  return order(("x"):rep(bytes - #empty))
end

local function enveloped(...)
  return { { "ce_specversion", "1.0" }, { "ce_type", "order" }, { "ce_id", "e-1" }, { "ce_source", "test" }, ... }
end

-- Records, each with a key of its own.
local RECORDS <const> = {
  { value = order() },
  { value = order(), headers = enveloped() },
  { value = order(), headers = enveloped({ "docmsg-hops", "3" }, { "ce_correlationid", "first" }) },
  { value = order(), headers = { { "ce_type", "order" } } },
  { value = order(), headers = { { "ce_type", "order" }, { "ce_specversion", "2.0" } } },
  { value = order(), headers = { { "ce_type", "unknown" }, { "ce_specversion", "1.0" } } },
  { value = order(), headers = { { "ce_type", "" }, { "ce_specversion", "1.0" } } },
  { value = order(), headers = enveloped { "docmsg-hops", "-1" } },
  { value = order(), headers = enveloped { "docmsg-hops", "32" } },
  { value = order(), headers = enveloped { "docmsg-hops", "1234567" } },
  { value = order(), headers = enveloped { "docmsg-redrive-group", "somebody" } },
  { value = order(), headers = enveloped { "ce_id", ("x"):rep(300) } },
  { value = order(), headers = enveloped { "ce_id", ("x"):rep(2000) } },
  { value = order(), headers = { { "content-type", "application/json" } } },
  { value = order(), headers = { { "content-type", "application/cloudevents+xml" } } },
  { value = json.encode { type = "order", id = "s-1", data = ORDER },
    headers = { { "content-type", "application/cloudevents+json" } } },
  { headers = enveloped() },
  { value = "" },
  { value = "null" },
  { value = "{" },
  { value = "[]", headers = enveloped() },
  { value = order(nil, { amount = "much" }), headers = enveloped() },
  { value = order(nil, { amount = 7.0, more = { 1, 2 } }) },
  { value = '{"id":"\\u00e9","amount":9007199254740993}' },
  { value = order "raises" },
  { value = order "raises a table" },
  { value = order "rejects" },
  { value = order "rejects and raises" },
  { value = order "skips" },
  { value = order "retries" },
  { value = order "logs" },
  { value = order "logs twice" },
  { value = order "emits nonsense" },
  { value = order "emits nonsense, and goes on" },
  { value = order "emits no such type" },
  { value = order "reads a field that is none" },
  { value = order "changes the event" },
  { value = order "keeps" },
  { value = order "uses what it kept" },
  { value = order "ends its event" },
  { value = order "emits without a key" },
  { value = order "emits with a number for a key" },
  { value = order "emits without what is the key" },
  { value = order "emits what is looked at" },
  { value = order "emits what is refused once" },
  { value = order "emits with a key that is made" },
  { value = order "emits with a key that is none" },
  { value = order "emits with options" },
  { value = order "emits too much" },
  { value = order "hides its limit" },
  { value = order "hides its limit in a coroutine" },
  { value = order "emits within a check" },
  { value = '{"id":"\0","amount":7}' },
  { value = '{"id":"o1","amount":7}\0' },
  { value = '{"id":"o1","amount":7\0}' },
  { value = order(("é\n"):rep(700)) },
  { value = order(("é"):rep(3000)) },
  { value = order() },
}

-- Around the size from which a text is no longer lent from one function of C to the other.
for bytes = 2045, 2050 do
  table.insert(RECORDS, { value = sized(bytes, order "") })
  table.insert(RECORDS, { value = sized(bytes, json.encode { id = "", by = "k60" }) })
end

-- What the group's handler notes whose event is looked at.
local looking

-- A check that counts its calls, writes what is the key, and may refuse.
local function look(data)
  looking.looks, data.id = (looking.looks or 0) + 1, "inside"
  if looking.within then looking.within() end
  if looking.refuses and looking.refuses > 0 then
    looking.refuses = looking.refuses - 1
    return "refused once"
  end
end

local acts = {}

function acts.raises() error "it raised" end
acts["raises a table"] = function() error(setmetatable({}, { __tostring = function() return "a table" end })) end
function acts.rejects(_, ctx) ctx:reject "no" end
acts["rejects and raises"] = function(_, ctx)
  ctx:reject "no"
  error "and raised"
end
function acts.skips(_, ctx) ctx:skip "not now" end
function acts.retries(_, ctx)
  if ctx.attempt < 3 then ctx:retry("again", "1ms") end
end
function acts.logs(_, ctx) ctx.log:warn "a line" end
acts["logs twice"] = function(_, ctx)
  ctx.log:warn "one"
  ctx.log:warn "two"
end
acts["emits nonsense"] = function(_, ctx) ctx:emit("done", { id = 1 }) end
acts["emits nonsense, and goes on"] = function(_, ctx) pcall(ctx.emit, ctx, "done", { id = 1 }) end
acts["emits no such type"] = function(_, ctx) ctx:emit("order", ORDER) end
acts["reads a field that is none"] = function(event) return event.dat end
acts["changes the event"] = function(event) event.data = {} end
function acts.keeps(event, ctx, own) own.kept = { event, ctx } end
acts["uses what it kept"] = function(_, _, own)
  local event, ctx = table.unpack(own.kept)
  own.kept = { tostring(event), rawget(event, 2) }
  for i, use in ipairs {
    function() return event.data end, function() return event.id end, function() return event:header "x" end,
    function() return ctx.attempt end, function() ctx:reject() end, function() ctx:emit("done", ORDER) end,
  } do
    local ok, message = pcall(use)
    own.kept[i + 2] = { ok, tostring(message) }
  end
end

acts["ends its event"] = function(event) pcall(function() event[1] = nil end) end
acts["emits without a key"] = function(_, ctx) ctx:emit("plain", { 1, 2 }) end
acts["emits with a number for a key"] = function(_, ctx) ctx:emit("numbered", { n = 7 }) end
acts["emits without what is the key"] = function(_, ctx) ctx:emit("numbered", {}) end
acts["emits what is looked at"] = function(_, ctx, own)
  looking = own
  ctx:emit("looked at", { id = "outside" })
end
acts["emits within a check"] = function(_, ctx, own)
  looking, own.looks = own, own.looks - 1
  function own.within() ctx:emit("plain", { ("within"):rep(300) }) end
  ctx:emit("looked at", { id = "outside" })
  own.within = nil
end
acts["emits what is refused once"] = function(_, ctx, own)
  looking, own.refuses = own, 1
  ctx:emit("looked at", { id = "outside" })
end
acts["emits with a key that is made"] = function(_, ctx) ctx:emit("made", { n = 7 }) end
acts["emits with a key that is none"] = function(_, ctx) ctx:emit("made", {}) end
acts["emits with options"] = function(_, ctx) ctx:emit("done", ORDER, { key = "other", headers = { { "x", "1" } } }) end
acts["emits too much"] = function(_, ctx) ctx:emit("plain", { ("x"):rep(1000000) }) end

local function spin()
  while true do end
end

acts["hides its limit"] = function(_, ctx)
  ctx:emit("done", { id = "half" })
  return pcall(spin)
end
acts["hides its limit in a coroutine"] = function()
  return coroutine.resume(coroutine.create(spin))
end

-- What a handler sees of its event, and does.
local function handler(own)
  return function(event, ctx)
    own[("%d, attempt %d"):format(event.offset, ctx.attempt)] = { event.type, event.data, event.data, event.id, event.source, event.key,
      event.hops, event.causation, event.correlation, event.value, ctx.attempts, ctx.redriven }
    local act = acts[event.data.id]
    if act then return act(event, ctx, own) end -- as its last call: no instruction of Lua follows
    ctx:emit("done", { id = event.data.id, by = event.key })
  end
end

describe("the straight way and the way by docmsg.dispatch", function()
  local cluster, here
  local seen = { straight = {}, detour = {} }

  lazy_setup(function()
    cluster = embedded.start()
    local made = app.new { name = "express", events = {
      order = { topic = "orders", key = "id", data = s.record { id = s.string, amount = s.integer } },
      done = { topic = "done", key = "id", data = s.record { id = s.string, by = s.optional(s.string) } },
      plain = { topic = "done" },
      numbered = { topic = "done", key = "n", data = s.record { n = s.optional(s.integer) } },
      made = { topic = "done", key = function(data) return data.n and "made" .. data.n or false end },
      ["looked at"] = { topic = "done", key = "id", data = s.record({ id = s.string },
        { check = look }) },
    } }
    local options = { timeout = "500ms", retry = { attempts = 3, delay = "1ms", jitter = 0 }, kafka = application.quick() }
    made:consumer("straight", options):on("order", { emits = EMITS }, handler(seen.straight))
    made:consumer("detour", options):on("order", { emits = EMITS, where = function() return true end },
      handler(seen.detour))
    application.topics(cluster, { orders = 1, done = 1 }, { "straight", "detour" })
    local records = {}
    for i, record in ipairs(RECORDS) do
      records[i] = { key = "k" .. i, value = record.value, headers = record.headers }
    end
    application.produce(cluster, "orders", records)
    here = application.start(cluster, made)
    here:await(function()
      for group in pairs(seen) do
        local stats = here:stats(group)
        if stats.acked + stats.skipped + stats.dead < #RECORDS then return false end
      end
      return true
    end, "60s", "all records to be settled by both groups")
  end)

  lazy_teardown(function()
    assert.is_true(here:close())
    cluster:close()
    kafka.defaults { bootstrap_servers = "localhost:9092" }
  end)

  -- By the record that caused it.
  local function letters(group)
    local found = {}
    for _, letter in ipairs(application.read(cluster, ("orders.%s.dlq"):format(group))) do
      local about = { value = letter.value }
      for _, name in ipairs { "class", "message", "delivery.count" } do
        about[name] = application.header(letter, "__dlq.errors." .. name)
      end
      local stack = application.header(letter, "docmsg-error-stack") or ""
      for _, part in ipairs { "xpcall", "step", "runner.lua", "application.lua" } do
        assert.is_nil(stack:find(part, 1, true), stack)
      end
      about.lines = select(2, stack:gsub("express_spec", ""))
      found[application.header(letter, "__dlq.errors.offset")] = about
    end
    return found
  end

  -- What one group emitted, without what tells the groups apart.
  local function emitted()
    local found = { straight = {}, detour = {} }
    for _, message in ipairs(application.read(cluster, "done")) do
      local group = application.header(message, "ce_source"):match "[^/]+$"
      local about = { message.key, message.value }
      for _, name in ipairs { "x", "ce_type", "ce_causationid", "ce_correlationid", "docmsg-hops" } do
        about[name] = application.header(message, name)
      end
      table.insert(found[group], about)
    end
    return found
  end

  it("show a handler the same", function()
    for place, expected in pairs(seen.detour) do assert.same({ place, expected }, { place, seen.straight[place] }) end
    for place in pairs(seen.straight) do assert.is_truthy(seen.detour[place], place) end
    assert.equal(2, seen.straight.looks)
    assert.is_truthy(seen.straight["0, attempt 1"] and seen.straight["39, attempt 1"])
  end)

  it("do not take what is no event or context for one", function()
    local function misuse(event) return getmetatable(event).__index("text", "data") end
    assert.error_matches(function() misuse(setmetatable({}, require("docmsg.event").Live)) end, "table expected")
  end)

  it("count the same", function()
    local straight, detour = here:stats "straight", here:stats "detour"
    for _, name in ipairs { "acked", "skipped", "dead", "retries" } do
      assert.equal(detour[name], straight[name], name)
      assert.is_true(straight[name] > 0, name)
    end
  end)

  it("set the same aside, for the same reasons", function()
    local straight = letters "straight"
    assert.is_truthy(next(straight))
    assert.same(letters "detour", straight)
  end)

  it("emit the same", function()
    local found = emitted()
    assert.is_true(#found.straight > 5)
    assert.same(found.detour, found.straight)
  end)

  it("say the same in the log", function()
    local times, kinds = {}, 0
    for _, line in ipairs(here.lines) do
      local said = line:match "%u+ orders/0/%d+: .*"
      if said and not said:find "stack traceback" then times[said] = (times[said] or 0) + 1 end
    end
    for said, count in pairs(times) do
      assert.same({ said, 2 }, { said, count })
      kinds = kinds + 1
    end
    assert.is_true(kinds > 20)
  end)
end)
