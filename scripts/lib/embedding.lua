-- SPDX-License-Identifier: MIT
-- An embedding that needs no model: the words of a text are hashed into 256 features (the hashing
-- trick), so that texts with the same words are near each other. It knows nothing of meaning.
local M = {}

M.MODEL = "feature-hashing-256"
M.SIZE = 256

-- Numbers in JSON stay short, and exact, when they are multiples of this.
local STEP <const> = 1 / 1024

local STOP_WORDS <const> = {}
for word in ([[a an and are as at be by for from has have he in is it its of on or she that the their they this to
  was we were what when where which who will with you]]):gmatch "%S+" do STOP_WORDS[word] = true end

---The words of a text in lower case, those left out that every text has.
---@param text string
---@return table<string, integer> counts
function M.words(text)
  local counts = {}
  for word in text:lower():gmatch "[%w\x80-\xFF]+" do
    if not STOP_WORDS[word] then counts[word] = (counts[word] or 0) + 1 end
  end
  return counts
end

-- FNV-1a of 64 bits.
local function hash(word)
  local value = 0xCBF29CE484222325
  for i = 1, #word do value = (value ~ word:byte(i)) * 0x100000001B3 end
  return value ~ (value >> 32)
end

---@param text string
---@return number[] vector of length 1, or of zeros when the text has no words
function M.embed(text)
  local vector, sum = table.pack(("\0"):rep(M.SIZE):byte(1, -1)), 0
  vector.n = nil
  for word, count in pairs(M.words(text)) do
    local value = hash(word)
    local at = value % M.SIZE + 1
    local weight = 1 + math.log(count)
    vector[at] = vector[at] + (value >> 40 & 1 == 0 and weight or -weight)
  end
  for i = 1, M.SIZE do sum = sum + vector[i] * vector[i] end
  local scale = sum > 0 and 1 / (math.sqrt(sum) * STEP) or 0
  for i = 1, M.SIZE do vector[i] = math.floor(vector[i] * scale + 0.5) * STEP end
  return vector
end

---How near two vectors are: the cosine of their angle.
---@param a number[]
---@param b number[]
---@return number from -1 to 1; 0 when one of them is zero, or they are of different sizes
function M.similarity(a, b)
  local dot, of_a, of_b = 0, 0, 0
  if #a ~= #b then return 0 end
  for i = 1, #a do
    local x, y = a[i], b[i]
    dot, of_a, of_b = dot + x * y, of_a + x * x, of_b + y * y
  end
  if of_a == 0 or of_b == 0 then return 0 end
  return math.max(-1, math.min(1, dot / math.sqrt(of_a * of_b)))
end

---A vector as bytes: floats of 32 bits.
---@param vector number[]
---@return string
function M.pack(vector)
  return ("<" .. ("f"):rep(#vector)):pack(table.unpack(vector))
end

---@param bytes string
---@return number[]
function M.unpack(bytes)
  local vector = table.pack(("<" .. ("f"):rep(#bytes // 4)):unpack(bytes))
  vector[vector.n], vector.n = nil, nil -- where the reading ended
  return vector
end

return M
