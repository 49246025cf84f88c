-- Posts bodies in turn, each time with a delivery id, an end and a signature of their own: the same body
-- twice is one event.
-- Arguments: the folder with `body-1`, `headers-1` ("Name: value" lines) and so on, how many there are,
-- a prefix for the ids, the secret, and the folder of this script.
local COUNT_CHARS = 8
local SIGNATURE = ("s"):rep(64)
local requests, prefix, hmac = {}, nil, nil
local count = 0

local function idOf(n)
  return prefix .. string.format("-%0" .. COUNT_CHARS .. "d", n)
end

-- The request around its id, its signature and the end of its body, in the order they stand in.
local function partsOf(whole, placeholders)
  local found = {}
  for name, placeholder in pairs(placeholders) do
    local from, to = whole:find(placeholder, 1, true)
    found[#found + 1] = { name = name, from = from, to = to }
  end
  table.sort(found, function(a, b) return a.from < b.from end)
  local parts, at = {}, 1
  for _, one in ipairs(found) do
    parts[#parts + 1] = whole:sub(at, one.from - 1)
    parts[#parts + 1] = false
    at = one.to + 1
  end
  parts[#parts + 1] = whole:sub(at)
  return parts, { found[1].name, found[2].name, found[3].name }
end

function init(args)
  prefix = args[3]
  hmac = dofile(args[5] .. "/sha256.lua")
  local id = idOf(0)
  local placeholders = { delivery = ("d"):rep(#id), signature = SIGNATURE, ending = ("e"):rep(#id) }
  for n = 1, tonumber(args[2]) do
    local body = assert(io.open(args[1] .. "/body-" .. n, "rb")):read("*a")
    local beginning = body:sub(1, -2) .. ',"request":"'
    local headers = {}
    for line in io.lines(args[1] .. "/headers-" .. n) do
      local name, value = line:match("^([^:]+): (.*)$")
      headers[name] = value
    end
    headers["X-GitHub-Delivery"] = placeholders.delivery
    headers["X-Hub-Signature-256"] = "sha256=" .. placeholders.signature
    -- Put together once: the load must cost as little as possible, and the same for every server.
    local whole = wrk.format("POST", nil, headers, beginning .. placeholders.ending .. '"}')
    local parts, names = partsOf(whole, placeholders)
    requests[n] = { parts = parts, names = names, sign = hmac(args[4], beginning) }
  end
end

function request()
  count = count + 1
  local one = requests[count % #requests + 1]
  local id = idOf(count)
  local values = { delivery = id, ending = id, signature = one.sign(id .. '"}') }
  for i, name in ipairs(one.names) do one.parts[2 * i] = values[name] end
  return table.concat(one.parts)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n@result {"requests":%d,"durationUs":%d,"p50":%.0f,"p99":%.0f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
