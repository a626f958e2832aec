-- SPDX-License-Identifier: MIT
-- The settlement engine with a clock of its own: scenarios of consumers that lose nothing. Its laws
-- over random schedules are in tests/c/engine.
local engine = require "docmsg.engine"

local SECOND <const> = 1000

---@class Rig an engine, the time, and the log of what a broker and the handlers saw
local Rig = {}
Rig.__index = Rig

local function rig(options)
  return setmetatable({ engine = engine.new(options), now = 0, ran = {}, committed = {} }, Rig)
end

---Admits records 0, 1, … with these keys.
function Rig:admit(partition, keys, first)
  local entries = {}
  for i, key in ipairs(keys) do
    local record = { partition = partition, offset = (first or 0) + i - 1, key = key, bytes = 10 }
    entries[i] = assert(self.engine:admit(record, self.now))
  end
  return entries
end

---Everything that can be handed out now, by lane.
function Rig:take(lane)
  local entries = {}
  for entry in function() return self.engine:next(lane or 0, self.now) end do
    entries[#entries + 1] = entry
  end
  return entries
end

---Runs what can run now. The handler returns an outcome, or a delay for a retry; as a worker does,
---what follows a failure in the same batch and has the same key goes back unrun.
function Rig:run(handler, lane)
  local failed = {}
  for _, entry in ipairs(self:take(lane)) do
    if failed[entry.key] then
      self.engine:unrun(entry)
    else
      self:handle(entry, handler(entry), failed)
    end
  end
end

function Rig:handle(entry, result, failed)
  self.ran[#self.ran + 1] = ("%s@%d"):format(entry.key, entry.attempt)
  if math.type(result) == "integer" then
    failed[entry.key] = true
    self.engine:retry(entry, self.now + result, self.now)
  else
    self.engine:done(entry)
    self.engine:settle(entry, result, self.now)
  end
end

---Takes the commits, as once a second.
function Rig:commit()
  for partition, offset in function() return self.engine:commit() end do
    assert.is_true(offset > (self.committed[partition] or -1), "a commit went backwards")
    self.committed[partition] = offset
  end
  return self.committed
end

local function ack() return "ack" end

describe("a failed record", function()
  it("is not committed by its neighbour's success (scenario 1)", function()
    local r = rig()
    local p0, p1 = r.engine:assign(0), r.engine:assign(0)
    r:admit(p0, { "bad" })
    r:admit(p1, { "good" })
    r:run(function(entry) return entry.key == "bad" and 10 * SECOND or "ack" end)
    for _ = 1, 2 do
      r.now = r.now + SECOND
      assert.same({ [p1] = 1 }, r:commit())
    end
    assert.equal(0, r.engine:committable(p0))
    -- killed and restarted: it is read again
    local again = rig()
    p0 = again.engine:assign(0)
    again:admit(p0, { "bad" })
    again:run(ack)
    assert.same({ "bad@1" }, again.ran)
    assert.same({ [p0] = 1 }, again:commit())
  end)

  it("keeps the order of its key while others go on (scenario 10: retry keeps order)", function()
    local r = rig()
    r:admit(r.engine:assign(0), { "a", "a", "c" })
    local finished = {}
    local function handler(entry)
      if entry.offset == 0 and entry.attempt < 3 then return SECOND end
      finished[#finished + 1] = entry.offset
      return "ack"
    end
    repeat
      r:run(handler)
      r.now = r.engine:due() or r.now
    until #finished == 3
    assert.same({ 2, 0, 1 }, finished)
    assert.same({ "a@1", "c@1", "a@2", "a@3", "a@1" }, r.ran)
  end)

  it("does not stop the other keys, nor spin (scenario 9)", function()
    local r = rig()
    local p = r.engine:assign(0)
    local keys = { "A" }
    for byte in ("BCDEFGHIJKLMNOPQRSTUVWXYZ"):gmatch(".") do keys[#keys + 1] = byte end
    r:admit(p, keys)
    local function handler(entry)
      if entry.key ~= "A" then return "ack" end
      return entry.attempt < 4 and SECOND * 2 ^ (entry.attempt - 1) // 1 | 0 or "dead"
    end
    r:run(handler)
    assert.equal(25, r.engine:stats().acked)
    -- idle between the attempts: nothing is ready, and the next moment is known
    local moments = {}
    while r.engine:due() do
      assert.is_nil(r.engine:next(0, r.engine:due() - 1))
      assert.is_false(r.engine:ready(0))
      r.now = r.engine:due()
      moments[#moments + 1] = r.now
      r:run(handler)
    end
    assert.same({ 1000, 3000, 7000 }, moments)
    assert.equal(1, r.engine:stats().dead)
    assert.same({ [p] = 26 }, r:commit())
  end)
end)

describe("a commit", function()
  it("never passes a gap (scenario 3)", function()
    math.randomseed(20261125)
    for _ = 1, 200 do
      local r = rig { lanes = 8 }
      local p = r.engine:assign(0)
      local keys, running, settled = {}, {}, {}
      for i = 1, 50 do keys[i] = math.random(1 << 40) end
      r:admit(p, keys)
      for lane = 0, 7 do table.move(r:take(lane), 1, 50, #running + 1, running) end
      assert.equal(50, #running)
      while #running > 0 do
        local entry = table.remove(running, math.random(#running))
        r.engine:settle(entry, "ack", r.now)
        settled[entry.offset] = true
        local lowest = 0
        while settled[lowest] do lowest = lowest + 1 end
        assert.equal(lowest, r.engine:committable(p))
      end
      assert.same({ [p] = 50 }, r:commit())
    end
  end)

  it("passes offsets that the broker does not have", function()
    local r = rig()
    local p = r.engine:assign(10)
    for _, offset in ipairs { 12, 15, 90 } do
      assert(r.engine:admit({ partition = p, offset = offset, key = "k" }, 0))
    end
    assert.equal(10, r.engine:committable(p))
    r.engine:settle(r.engine:next(0, 0), "ack", 0)
    assert.equal(15, r.engine:committable(p))
    r:run(ack)
    assert.same({ [p] = 91 }, r:commit())
  end)

  it("never goes backwards (scenario 7)", function()
    local r = rig()
    local p = r.engine:assign(0)
    r:admit(p, { "a" }, 9)
    r:run(ack)
    local _, offset = r.engine:commit()
    assert.equal(10, offset)
    r.engine:recommit(p) -- the broker answered REBALANCE_IN_PROGRESS
    r:admit(p, { "a" }, 19)
    r:run(ack)
    assert.same({ p, 20 }, { r.engine:commit() })
    assert.is_nil(r.engine:commit())
    -- what comes after a revoke offers nothing, and what was is still known
    r:admit(p, { "a" }, 29)
    local late = r.engine:next(0, r.now)
    r.engine:revoke(p)
    assert.is_false(r.engine:settle(late, "ack", r.now))
    assert.is_nil(r.engine:commit())
    assert.equal(20, r.engine:committable(p))
  end)

  it("that failed is offered again", function()
    local r = rig()
    local p = r.engine:assign(0)
    r:admit(p, { "a" })
    r:run(ack)
    assert.same({ p, 1 }, { r.engine:commit() })
    assert.is_nil(r.engine:commit())
    r.engine:recommit(p)
    assert.same({ p, 1 }, { r.engine:commit() })
    r.engine:recommit(r.engine:assign()) -- nothing is known of it
    r.engine:revoke(p)
    r.engine:recommit(p)
    assert.is_nil(r.engine:commit())
  end)

  it("stays below a record that was cut off", function()
    local r = rig()
    local p = r.engine:assign(0)
    r:admit(p, { "a", "b", "c" })
    r:run(function(entry) return entry.key == "b" and "cancelled" or "ack" end)
    assert.same({ [p] = 1 }, r:commit())
    assert.equal(1, r.engine:stats().cancelled)
  end)
end)

describe("holding back", function()
  it("neither rewinds nor drops (scenario 5)", function()
    local r = rig { max_admitted = 100 }
    local p = r.engine:assign(0)
    local held, offset, seen, holds = false, 0, {}, 0
    while #seen < 2000 do
      while not held and offset < 2000 do
        assert(r.engine:admit({ partition = p, offset = offset, key = offset }, r.now))
        offset = offset + 1
        local _, hold = r.engine:flow()
        if hold ~= nil then held, holds = hold, holds + 1 end
      end
      r:run(function(entry)
        seen[#seen + 1] = entry.offset
        return "ack"
      end)
      local _, hold = r.engine:flow()
      if hold ~= nil then held = hold end
    end
    for i, found in ipairs(seen) do assert.equal(i - 1, found) end
    assert.equal(20, holds)
    assert.same({ [p] = 2000 }, r:commit())
  end)

  it("begins at the limit of records and ends when half is free", function()
    local r = rig { max_admitted = 4 }
    local p, other = r.engine:assign(0), r.engine:assign(0)
    local entries = r:admit(p, { "a", "b", "c", "d" })
    assert.same({ p, true }, { r.engine:flow() })
    assert.is_nil(r.engine:flow())
    assert.is_false(r.engine:held(other))
    assert.equal(1, r.engine:stats().held_admitted)
    r:take()
    r.engine:settle(entries[4], "ack", 0)
    assert.is_true(r.engine:held(p))
    r.engine:settle(entries[3], "ack", 0)
    assert.same({ p, false }, { r.engine:flow() })
  end)

  it("begins when the newest is too far from the lowest unsettled", function()
    local r = rig { max_span = 100 }
    local p = r.engine:assign(0)
    local stuck = r:admit(p, { "stuck" })[1]
    r:admit(p, { "far" }, 98)
    assert.is_false(r.engine:held(p))
    r:admit(p, { "farther" }, 99)
    assert.same({ p, true }, { r.engine:flow() })
    assert.equal(1, r.engine:stats().held_span)
    r:take()
    r.engine:settle(stuck, "ack", 0)
    assert.same({ p, false }, { r.engine:flow() })
  end)

  it("holds all partitions when there are too many bytes, new ones too", function()
    local r = rig { max_bytes = 30 }
    local p, other = r.engine:assign(0), r.engine:assign(0)
    r:admit(p, { "a", "b", "c" })
    local held = {}
    for partition, hold in function() return r.engine:flow() end do held[partition] = hold end
    assert.same({ [p] = true, [other] = true }, held)
    local late = r.engine:assign(0)
    assert.same({ late, true }, { r.engine:flow() })
    assert.equal(3, r.engine:stats().held_bytes)
    r:run(ack)
    assert.equal(0, r.engine:stats().held)
  end)
end)

describe("a revoked partition", function()
  it("starts no further attempt: work does not outlive its assignment (scenario 6)", function()
    local r = rig()
    local p = r.engine:assign(0)
    r:admit(p, { "a", "a", "b" })
    r:run(function(entry) return entry.key == "a" and SECOND or "ack" end)
    assert.equal(1, r.engine:stats().parked_keys)
    local dropped = r.engine:revoke(p)
    assert.equal(2, #dropped)
    assert.is_nil(r.engine:due())
    assert.is_nil(r.engine:next(0, 10 * SECOND))
    assert.is_true(r.engine:idle(p))
    assert.same({ "a@1", "b@1" }, r.ran)
    local stats = r.engine:stats()
    assert.same({ 3, 1, 2, 0 }, { stats.admitted, stats.acked, stats.cancelled, stats.in_flight })
  end)

  it("is changed by nothing that comes late", function()
    local r = rig()
    local p = r.engine:assign(0)
    r:admit(p, { "a", "b", "c", "d" })
    local a, b, c, d = table.unpack(r:take())
    r.engine:done(a)
    r.engine:revoke(p)
    r.engine:done(b)
    assert.is_false(r.engine:settle(a, "ack", 0))
    assert.is_false(r.engine:settle(b, "dead", 0))
    assert.is_false(r.engine:retry(c, 10, 0))
    assert.is_false(r.engine:idle(p))
    assert.not_equal(p, r.engine:assign(0))
    assert.is_false(r.engine:unrun(d))
    assert.is_true(r.engine:idle(p))
    assert.equal(p, r.engine:assign(0))
    assert.is_nil(r.engine:commit())
    assert.equal(4, r.engine:stats().cancelled)
  end)

  it("may be drained first: what was handed out still settles", function()
    local r = rig()
    local p = r.engine:assign(0)
    r:admit(p, { "a", "b", "c" })
    local a, b = r.engine:next(0, 0), r.engine:next(0, 0)
    assert.equal("c", r.engine:drain(p)[1].key)
    assert.same({ nil, "not_assigned" },
      { r.engine:admit({ partition = p, offset = 3, key = "d" }, 0) })
    assert.is_true(r.engine:settle(a, "ack", 0))
    assert.is_true(r.engine:settle(b, "ack", 0))
    assert.same({ [p] = 2 }, r:commit())
    assert.same({}, r.engine:revoke(p))
    assert.is_true(r.engine:idle(p))
  end)
end)

describe("a dead letter", function()
  it("that cannot be written holds its offset (scenario 11)", function()
    local r = rig()
    local p = r.engine:assign(0)
    local poison = r:admit(p, { "poison", "next" })[1]
    assert.equal(poison, r.engine:next(0, r.now))
    r.engine:done(poison) -- its key is free while the dead letter is on its way
    r:run(ack)
    for _ = 1, 5 do -- refused five times: the producer tries again, the engine is not asked
      r.now = r.now + SECOND
      assert.same({}, r:commit())
    end
    assert.is_true(r.engine:settle(poison, "dead", r.now))
    assert.same({ [p] = 2 }, r:commit())
    assert.equal(1, r.engine:stats().dead)
    assert.error_matches(function() r.engine:settle(poison, "dead", r.now) end, "free cannot be settled")
  end)

  it("is the outcome of an unknown type, which is not swallowed (scenario 14)", function()
    local r = rig()
    local p = r.engine:assign(0)
    r:admit(p, { "known", "renamed", "known" })
    r:run(function(entry) return entry.key == "known" and "ack" or "dead" end)
    local stats = r.engine:stats()
    assert.same({ 2, 1, 0 }, { stats.acked, stats.dead, stats.in_flight })
    assert.same({ [p] = 3 }, r:commit())
  end)
end)

describe("the order", function()
  it("by key hands the records of a key to one lane, in order", function()
    local r = rig { lanes = 4 }
    local p = r.engine:assign(0)
    local keys, lanes = {}, {}
    for i = 1, 400 do keys[i] = "key" .. i % 20 end
    r:admit(p, keys)
    for lane = 0, 3 do
      local last = {}
      for _, entry in ipairs(r:take(lane)) do
        assert.equal(lane, lanes[entry.key] or lane)
        assert.is_true(entry.offset > (last[entry.key] or -1))
        lanes[entry.key], last[entry.key] = lane, entry.offset
      end
    end
    assert.equal(0, r.engine:stats().queued)
    local used = {}
    for _, lane in pairs(lanes) do used[lane] = true end
    assert.equal(4, #used + 1)
  end)

  it("by partition parks all of it for a retry", function()
    local r = rig { order = "partition" }
    local p, other = r.engine:assign(0), r.engine:assign(0)
    r:admit(p, { "a", "b" })
    r:admit(other, { "c" })
    local a, b, c = table.unpack(r:take())
    r.engine:retry(a, SECOND, 0)
    r.engine:unrun(b)
    r.engine:settle(c, "ack", 0)
    assert.is_nil(r.engine:next(0, SECOND - 1))
    assert.equal(a, r.engine:next(0, SECOND))
    assert.is_nil(r.engine:next(0, SECOND))
    r.engine:settle(a, "ack", SECOND)
    assert.equal(b, r.engine:next(0, SECOND))
    assert.equal(1, b.attempt)
  end)

  it("none gives the oldest to any lane and parks only what failed", function()
    local r = rig { order = "none", lanes = 2 }
    local p = r.engine:assign(0)
    local entries = r:admit(p, { "a", "a", "a", "a" })
    assert.equal(entries[1], r.engine:next(1, 0))
    assert.equal(entries[2], r.engine:next(0, 0))
    r.engine:retry(entries[1], SECOND, 0)
    assert.equal(entries[3], r.engine:next(1, 0))
    assert.equal(entries[4], r.engine:next(1, SECOND - 1))
    assert.equal(entries[1], r.engine:next(0, SECOND))
  end)
end)

describe("a key that has waited", function()
  it("takes turns with the others when it goes on", function()
    local r = rig()
    r:admit(r.engine:assign(0), { "a", "a", "a", "a", "b", "c", "d", "e" })
    local first = r.engine:next(0, 0)
    r.engine:retry(first, SECOND, 0)
    assert.equal("b", r.engine:next(0, 0).key)
    local again = r.engine:next(0, SECOND)
    if again.key ~= "a" then again = r.engine:next(0, SECOND) end
    assert.equal(first, again)
    r.engine:done(first)
    local keys = {}
    for i, entry in ipairs(r:take()) do keys[i] = entry.key end
    assert.matches("a[de]a", table.concat(keys))
  end)
end)

describe("a record that was handed out", function()
  it("goes back to its place unrun, its attempt not counted", function()
    local r = rig()
    r:admit(r.engine:assign(0), { "a", "a", "b", "a", "a" })
    local handed = { r.engine:next(0, 0), r.engine:next(0, 0), r.engine:next(0, 0) }
    for _, entry in ipairs(handed) do assert.is_true(r.engine:unrun(entry)) end
    r:run(ack)
    table.sort(r.ran)
    assert.same({ "a@1", "a@1", "a@1", "a@1", "b@1" }, r.ran)
    assert.equal(5, r.engine:stats().acked)
  end)

  it("waits for its lane before it is handed out again", function()
    local r = rig()
    r:admit(r.engine:assign(0), { "a", "b", "a", "a" })
    local first, other, second = r.engine:next(0, 0), r.engine:next(0, 0), r.engine:next(0, 0)
    r.engine:unrun(first)
    -- the lane still has the second one, which it will give back, too
    assert.is_nil(r.engine:next(0, 0))
    r.engine:settle(other, "ack", 0)
    assert.is_nil(r.engine:next(0, 0))
    r.engine:unrun(second)
    local offsets = {}
    for i, entry in ipairs(r:take()) do offsets[i] = entry.offset end
    assert.same({ 0, 2, 3 }, offsets)
  end)

  it("waits for no more than what its lane had then", function()
    local r = rig()
    r:admit(r.engine:assign(0), { "a", "b", "c" })
    local a, b = r.engine:next(0, 0), r.engine:next(0, 0)
    r.engine:unrun(a)
    assert.equal("c", r.engine:next(0, 0).key)
    assert.is_nil(r.engine:next(0, 0))
    r.engine:settle(b, "ack", 0)
    assert.equal(a, r.engine:next(0, 0))
  end)
end)

describe("an engine that is misused", function()
  local r, p, entry
  before_each(function()
    r = rig { lanes = 2 }
    p = r.engine:assign(5)
    entry = r:admit(p, { "a" }, 5)[1]
  end)

  it("takes no record twice, none out of order, none below what is committed", function()
    local function try(offset) return { r.engine:admit({ partition = p, offset = offset }, 0) } end
    assert.same({ nil, "out_of_order" }, try(5))
    assert.same({ nil, "out_of_order" }, try(4))
    p = r.engine:assign(5)
    assert.same({ nil, "out_of_order" }, try(4))
    assert.same({ nil, "not_assigned" }, { r.engine:admit({ partition = 9, offset = 6 }, 0) })
    assert.equal(1, r.engine:stats().admitted)
  end)

  it("raises for a record that is not where it would have to be", function()
    assert.error_matches(function() r.engine:settle(entry, "ack", 0) end, "queued cannot be settled")
    assert.error_matches(function() r.engine:done(entry) end, "queued cannot be done")
    local handed = r.engine:next(entry.lane, 0)
    r.engine:done(handed)
    assert.error_matches(function() r.engine:done(handed) end, "done cannot be done")
    assert.error_matches(function() r.engine:retry(handed, 1, 0) end, "done cannot be retried")
    assert.error_matches(function() r.engine:unrun(handed) end, "done cannot be given back")
    assert.is_true(r.engine:settle(handed, "ack", 0))
    assert.error_matches(function() r.engine:settle(handed, "ack", 0) end, "free cannot be settled")
  end)

  it("raises for another engine's record", function()
    local other = rig()
    other:admit(other.engine:assign(0), { "a" })
    local foreign = other.engine:next(0, 0)
    assert.error_matches(function() r.engine:settle(foreign, "ack", 0) end, "another engine's")
    assert.is_true(other.engine:settle(foreign, "ack", 0))
  end)

  -- What is called, and what the error says.
  local mistakes = {
    { function() r.engine:next(2, 0) end, "there is no lane 2" },
    { function() r.engine:ready(-1) end, "there is no lane %-1" },
    { function() r.engine:revoke(1) end, "there is no partition 1" },
    { function() r.engine:committable(7) end, "there is no partition 7" },
    { function() r.engine:settle(entry) end, "queued" },
    { function() r.engine:settle({}, "ack", 0) end, "docmsg.Entry expected" },
    { function() r.engine:admit({ partition = p }, 0) end, "offset: integer expected, got nil" },
    { function() r.engine:admit({ partition = p, offset = "7" }, 0) end, "offset: integer expected, got string" },
    { function() r.engine:admit({ partition = p, offset = -1 }, 0) end, "offset: %-1 is not within" },
    { function() r.engine:admit({ partition = p, offset = 9, key = {} }, 0) end, "key: string or integer expected" },
    { function() r.engine:admit({ partition = p, offset = 9, bytes = -1 }, 0) end, "bytes: %-1 is not within" },
    { function() r.engine:admit({ partition = p, offset = 9 }) end, "number expected, got no value" },
    { function() engine.new { lanes = 0 } end, "lanes: integer within 1..1024 expected, got 0" },
    { function() engine.new { lanes = "2" } end, "lanes: integer within 1..1024 expected, got 2" },
    { function() engine.new { order = "keys" } end, "order: 'key', 'partition' or 'none' expected, got keys" },
    { function() engine.new { max_bites = 1 } end, "unknown option 'max_bites'" },
    { function() engine.new { 1 } end, "unknown option '1'" },
    { function() return entry.offsets end, "no field 'offsets'" },
  }
  for _, mistake in ipairs(mistakes) do
    it(("says: %s"):format(mistake[2]:gsub("%%", "")), function()
      assert.error_matches(mistake[1], mistake[2])
    end)
  end

  it("raises once it is closed", function()
    r.engine:close()
    r.engine:close()
    assert.error_matches(function() r.engine:stats() end, "the engine is closed")
    assert.equal("queued", entry.state)
  end)
end)
