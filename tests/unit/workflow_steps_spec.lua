-- SPDX-License-Identifier: MIT
-- The steps of the document workflow one by one.
local random = require "support.random"
local script = require "support.script"

package.path = script.root .. "scripts/?.lua;" .. package.path
local embedding = require "lib.embedding"
local fields = require "lib.fields"
local result = require "lib.result"
local scaling = require "lib.scaling"
local text = require "lib.text"

local PIECES <const> = { "a", "goose ", " ", "\n", "ä", "€uro ", "😀", "\f", "longerthananychunkofthesizeofeight", "." }

local function random_text(rng)
  local parts = {}
  for i = 1, rng:below(60) do parts[i] = rng:pick(PIECES) end
  return table.concat(parts)
end

describe("chunks", function()
  it("have every byte, are small enough, and cut no character", function()
    local seed = os.time()
    local rng = random.new(seed)
    for round = 1, 2000 do
      local content, size = random_text(rng), 8 + rng:below(40)
      local overlap = rng:below(size // 2 + 1)
      local where = ("seed %d, round %d"):format(seed, round)
      local places, covered, before = text.chunks(content, size, overlap), 0, 0
      for _, place in ipairs(places) do
        assert(place.first <= covered + 1 and place.first > before and place.last > covered, where)
        assert(place.last - place.first < size, where)
        assert(covered - place.first + 1 <= overlap, where)
        assert(utf8.len(content, place.first, place.last), where)
        covered, before = place.last, place.first
      end
      assert(covered == #content, where)
    end
  end)

  it("end with a line or a word where they can", function()
    local content = "one two three\nfour five six seven"
    local parts = {}
    for i, place in ipairs(text.chunks(content, 16, 4)) do parts[i] = content:sub(place.first, place.last) end
    assert.same({ "one two three\n", "four five six ", "six seven" }, parts)
  end)

  it("take a long text without blanks in no time", function()
    local before = os.clock()
    assert(#text.chunks(("x"):rep(4 << 20), 2000, 200) > 2000)
    assert(os.clock() - before < 5)
  end)
end)

describe("pages", function()
  it("have every byte but the form feeds, in order", function()
    local seed = os.time()
    local rng = random.new(seed)
    for _ = 1, 500 do
      local content, at = random_text(rng), 1
      local pages = text.pages(content)
      for _, page in ipairs(pages) do
        assert(page.first == at or content:sub(at, page.first - 1) == "\f", "seed " .. seed)
        at = page.last + 1
      end
      assert(at > #content or content:sub(at) == "\f", "seed " .. seed)
      assert(#pages >= 1)
    end
  end)

  it("are counted for chunks", function()
    local pages = { { first = 1, last = 10 }, { first = 12, last = 20 }, { first = 22, last = 30 } }
    local places = { { first = 1 }, { first = 10 }, { first = 12 }, { first = 25 } }
    assert.same({ 1, 1, 2, 3 }, text.page_numbers(pages, places))
  end)
end)

describe("agents", function()
  it("are as many as the pages need", function()
    local expected = { [1] = 2, [19] = 2, [20] = 5, [100] = 5, [101] = 10, [5000] = 10 }
    for pages, agents in pairs(expected) do assert.equal(agents, scaling.agents(pages)) end
  end)

  it("take every page once", function()
    for pages = 1, 250 do
      local config, next_page = scaling.config("d", pages, {}), 1
      for _, range in ipairs(config.page_ranges) do
        assert.equal(next_page, range[1])
        assert(range[2] >= range[1])
        next_page = range[2] + 1
      end
      assert.equal(pages + 1, next_page)
      assert.equal(math.min(pages, config.agent_count), #config.page_ranges)
    end
  end)
end)

describe("an embedding", function()
  it("is the same each time, of length 1, and survives its bytes", function()
    local vector = embedding.embed "The gander lives at the pond."
    assert.same(vector, embedding.embed "The gander lives at the pond.")
    assert.equal(embedding.SIZE, #vector)
    local sum = 0
    for _, x in ipairs(vector) do sum = sum + x * x end
    assert(math.abs(sum - 1) < 0.01)
    assert.same(vector, embedding.unpack(embedding.pack(vector)))
  end)

  it("is nearer to texts with the same words", function()
    local wanted = embedding.embed "gander pond"
    local near = embedding.similarity(wanted, embedding.embed "The gander lives at the pond.")
    local far = embedding.similarity(wanted, embedding.embed "Cows stand in the meadow.")
    assert(near > 0.5 and math.abs(far) < 0.3, near .. " " .. far)
    assert.equal(1, math.floor(embedding.similarity(wanted, wanted) + 0.5))
  end)

  it("of nothing is near to nothing", function()
    assert.equal(0, embedding.similarity(embedding.embed "", embedding.embed "gander"))
    assert.equal(0, embedding.similarity({ 1, 2 }, { 1 }))
  end)
end)

describe("fields", function()
  local TEXT <const> = "# Invoice\nInvoice no: 4711\nDate: 2026-01-31\nPay 12.50 EUR to anna@example.org or bert@example.org\n"

  it("are discovered, each once", function()
    local names = {}
    for i, spec in ipairs(fields.discover(TEXT .. TEXT)) do names[i] = spec.field_name end
    assert.same({ "title", "invoice_no", "date", "email", "amount" }, names)
    assert.same({}, fields.discover "nothing here")
  end)

  it("are read with how sure they are", function()
    local values, confidence = fields.extract(TEXT, fields.discover(TEXT))
    assert.same({ title = "Invoice", invoice_no = "4711", date = "2026-01-31", email = "anna@example.org",
      amount = "12.50 EUR" }, values)
    assert.equal(0.6, confidence.email, "there are two")
    assert(confidence.invoice_no > confidence.amount)
  end)
end)

describe("results", function()
  local function make(changes)
    local one = { document_id = "d", page_range = { 1, 2 }, extracted_fields = { a = 1, b = 2 },
      confidence_scores = { a = 0.9, b = 0.5 }, agent_id = "x" }
    for name, value in pairs(changes or {}) do one[name] = value end
    return one
  end

  it("are as sure as their fields on average", function()
    assert.equal(0.7, result.confidence(make()))
    assert.equal(0, result.confidence(make { confidence_scores = {} }))
  end)

  it("count when they have fields that are sure enough", function()
    assert.is_true(result.is_valid(make()))
    assert.is_false(result.is_valid(make { document_id = "" }))
    assert.is_false(result.is_valid(make { extracted_fields = {} }))
    assert.is_false(result.is_valid(make { confidence_scores = { a = 0.5 } }))
  end)

  it("are merged: the right one wins, pages and agents add up", function()
    local merged = result.merge(make(), make { page_range = { 7, 9 }, extracted_fields = { b = 3, c = 4 },
      confidence_scores = { b = 1, c = 0.8 }, agent_id = "y" })
    assert.same(make { page_range = { 1, 9 }, extracted_fields = { a = 1, b = 3, c = 4 },
      confidence_scores = { a = 0.9, b = 1, c = 0.8 }, agent_id = "x+y" }, merged)
  end)

  it("of different documents are not merged", function()
    assert.error_matches(function() result.merge(make(), make { document_id = "e" }) end, "different documents")
  end)
end)
