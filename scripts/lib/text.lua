-- SPDX-License-Identifier: MIT
-- Text in pieces: pages and chunks. Both are places in the text, first and last byte, and never cut
-- a character of UTF-8.
local M = {}

---@class Place
---@field first integer
---@field last integer

-- A page of plain text, which has none, is about as much as a sheet of paper takes.
local PAGE <const> = 3000

local NEWLINE <const>, SPACE <const> = ("\n "):byte(1, 2)

-- The last byte, at or before `at`, that ends a character; not before `from`.
local function character_end(text, at, from)
  if at >= #text then return #text end
  while at >= from and text:byte(at + 1) & 0xC0 == 0x80 do at = at - 1 end
  return at
end

-- Where a piece that begins at `first` ends: at most `size` bytes, better at the end of a line, or of
-- a word, in its second half.
local function piece_end(text, first, size)
  local last = first + size - 1
  if last >= #text then return #text end
  local half = first + size // 2
  for _, blank in ipairs { NEWLINE, SPACE } do
    for at = last, half, -1 do
      if text:byte(at) == blank then return at end
    end
  end
  local whole = character_end(text, last, first)
  return whole >= first and whole or character_end(text, first + 3, first)
end

-- Where the text goes on so that some of what ended at `last` comes again: at the beginning of a word.
local function overlap_start(text, first, last, overlap)
  local start = last - overlap + 1
  if overlap == 0 or start <= first then return last + 1 end
  local blank = text:sub(start - 1, last):find "%s%f[%S]"
  if blank then return start - 1 + blank end
  while text:byte(start) & 0xC0 == 0x80 do start = start + 1 end
  return start
end

---Cuts a text into pieces that overlap.
---@param text string UTF-8
---@param size integer bytes of a piece, at least 8
---@param overlap integer bytes that come again in the next one, at most half of size
---@return Place[] places empty for an empty text
function M.chunks(text, size, overlap)
  local places, first = {}, 1
  while first <= #text do
    local last = piece_end(text, first, size)
    places[#places + 1] = { first = first, last = last }
    if last == #text then break end
    first = overlap_start(text, first, last, overlap)
  end
  return places
end

---The pages of a text: between form feeds when there are any, else about 3,000 bytes each.
---@param text string
---@return Place[] places at least one
function M.pages(text)
  if not text:find("\f", 1, true) then
    local places = M.chunks(text, PAGE, 0)
    return #places > 0 and places or { { first = 1, last = 0 } }
  end
  local places, first = {}, 1
  for feed in text:gmatch "()\f" do
    places[#places + 1] = { first = first, last = feed - 1 }
    first = feed + 1
  end
  if first <= #text then places[#places + 1] = { first = first, last = #text } end
  return places
end

---Finds the page of each of some places, which rise.
---@param pages Place[]
---@param places Place[]
---@return integer[] numbers from 1
function M.page_numbers(pages, places)
  local numbers, page = {}, 1
  for i, place in ipairs(places) do
    while page < #pages and pages[page + 1].first <= place.first do page = page + 1 end
    numbers[i] = page
  end
  return numbers
end

---The beginning of a text.
---@param text string UTF-8
---@param size integer bytes
---@return string
function M.cut(text, size)
  return text:sub(1, character_end(text, size, 1))
end

---Is it text that people can read: UTF-8, without NUL?
---@param text string
---@return string? reason nil when it is
function M.invalid(text)
  local valid, at = utf8.len(text)
  at = at or text:find("\0", 1, true)
  if not valid or at then return ("not a text in UTF-8 (byte %d)"):format(at) end
end

return M
