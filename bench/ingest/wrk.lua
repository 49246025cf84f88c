-- Posts one signed body again and again, each time with a delivery id of its own.
-- Arguments: the file with the body, the file with the headers ("Name: value" lines), a seed for the ids.
local before, after, seed
local count = 0

function init(args)
  local body = assert(io.open(args[1], "rb")):read("*a")
  local headers = { ["X-GitHub-Delivery"] = "@delivery@" }
  for line in io.lines(args[2]) do
    local name, value = line:match("^([^:]+): (.*)$")
    headers[name] = value
  end
  seed = args[3]
  -- Put together once: the load must cost as little as possible, and the same for every server.
  local whole = wrk.format("POST", nil, headers, body)
  local from, to = whole:find("@delivery@", 1, true)
  before, after = whole:sub(1, from - 1), whole:sub(to + 1)
end

function request()
  count = count + 1
  return before .. seed .. string.format("-%08d", count) .. after
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n@result {"requests":%d,"durationUs":%d,"p50":%.0f,"p99":%.0f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
