-- Posts signed bodies in turn, each time with a delivery id of its own.
-- Arguments: the folder with `body-1`, `headers-1` ("Name: value" lines) and so on, how many there are,
-- and a prefix for the ids.
local requests, prefix = {}, nil
local count = 0

function init(args)
  for n = 1, tonumber(args[2]) do
    local body = assert(io.open(args[1] .. "/body-" .. n, "rb")):read("*a")
    local headers = { ["X-GitHub-Delivery"] = "@delivery@" }
    for line in io.lines(args[1] .. "/headers-" .. n) do
      local name, value = line:match("^([^:]+): (.*)$")
      headers[name] = value
    end
    -- Put together once: the load must cost as little as possible, and the same for every server.
    local whole = wrk.format("POST", nil, headers, body)
    local from, to = whole:find("@delivery@", 1, true)
    requests[n] = { before = whole:sub(1, from - 1), after = whole:sub(to + 1) }
  end
  prefix = args[3]
end

function request()
  count = count + 1
  local one = requests[count % #requests + 1]
  return one.before .. prefix .. string.format("-%08d", count) .. one.after
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n@result {"requests":%d,"durationUs":%d,"p50":%.0f,"p99":%.0f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
