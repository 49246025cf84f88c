-- HMAC-SHA256 (FIPS 180-4, RFC 2104) whose state after a common beginning can be kept, so that signing
-- another end of a long body costs three blocks.
local bit = require("bit")
local band, bnot, bxor, ror, rshift, tobit = bit.band, bit.bnot, bit.bxor, bit.ror, bit.rshift, bit.tobit
local BLOCK = 64
local K = {}

-- The first 32 bits of the fractional parts of the roots of the first primes.
local function fraction(x)
  return tobit(math.floor((x - math.floor(x)) * 2 ^ 32))
end

local START = {}
do
  local candidate = 2
  while #K < 64 do
    local prime = true
    for divisor = 2, math.floor(math.sqrt(candidate)) do
      if candidate % divisor == 0 then prime = false end
    end
    if prime then
      K[#K + 1] = fraction(candidate ^ (1 / 3))
      if #START < 8 then START[#START + 1] = fraction(math.sqrt(candidate)) end
    end
    candidate = candidate + 1
  end
end

local w = {}
local function compress(state, text, at)
  for i = 1, 16 do
    local a, b, c, d = text:byte(at, at + 3)
    w[i] = tobit(a * 2 ^ 24 + b * 2 ^ 16 + c * 2 ^ 8 + d)
    at = at + 4
  end
  for i = 17, 64 do
    local x, y = w[i - 15], w[i - 2]
    local s0 = bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
    local s1 = bxor(ror(y, 17), ror(y, 19), rshift(y, 10))
    w[i] = tobit(w[i - 16] + s0 + w[i - 7] + s1)
  end
  local a, b, c, d, e, f, g, h = unpack(state)
  for i = 1, 64 do
    local t1 = tobit(h + bxor(ror(e, 6), ror(e, 11), ror(e, 25)) + bxor(band(e, f), band(bnot(e), g)) + K[i] + w[i])
    local t2 = tobit(bxor(ror(a, 2), ror(a, 13), ror(a, 22)) + bxor(band(a, b), band(a, c), band(b, c)))
    h, g, f, e, d, c, b, a = g, f, e, tobit(d + t1), c, b, a, tobit(t1 + t2)
  end
  local sums = { a, b, c, d, e, f, g, h }
  for i = 1, 8 do sums[i] = tobit(state[i] + sums[i]) end
  return sums
end

-- Takes in the whole blocks of a text, and returns the state and what is left.
local function absorb(state, text)
  local whole = #text - #text % BLOCK
  for at = 1, whole, BLOCK do state = compress(state, text, at) end
  return state, text:sub(whole + 1)
end

local function number(value)
  return string.char(band(rshift(value, 24), 255), band(rshift(value, 16), 255), band(rshift(value, 8), 255), band(value, 255))
end

local function padded(rest, length)
  local zeros = (BLOCK - (#rest + 9) % BLOCK) % BLOCK
  return rest .. "\128" .. ("\0"):rep(zeros + 4) .. number(length * 8)
end

local function hex(state)
  local words = {}
  for i = 1, 8 do words[i] = bit.tohex(state[i]) end
  return table.concat(words)
end

local function bytes(state)
  local words = {}
  for i = 1, 8 do words[i] = number(state[i]) end
  return table.concat(words)
end

local function keyed(key, mask)
  local block = {}
  for i = 1, BLOCK do block[i] = string.char(bxor(key:byte(i) or 0, mask)) end
  return absorb(START, table.concat(block))
end

-- Returns a function of the end of a message that begins with `beginning`: its HMAC in hexadecimal.
-- The key has at most 64 bytes.
return function(key, beginning)
  local inner, rest = absorb(keyed(key, 0x36), beginning)
  local outer = keyed(key, 0x5c)
  local length = BLOCK + #beginning
  return function(ending)
    local digest = absorb(inner, padded(rest .. ending, length + #ending))
    return hex((absorb(outer, padded(bytes(digest), BLOCK + 32))))
  end
end
