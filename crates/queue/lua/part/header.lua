-- What stands of a job in `data`: a header of some forty bytes, then its payload. Numbers are big-endian.
--   1 byte    1, or 2 once the job has a record, so that a record which is lost is missed. No JSON begins with them: a payload
--             that another program pushed is told apart
--   6 bytes   when it was enqueued, ms since the epoch
--   1 byte    which times follow, of 6 bytes each: 1 when it was first due, if that was later; retries do not move it, a
--             fresh expiry does   2 when it expires
--   1 byte    what follows then   1 the idempotency key that it was enqueued with, "<kind>:<key>"   2 the producer's W3C
--             trace context, its three numbers in 25 bytes   4 the same as text, where it is of another form   8 the trace
--             state   16 the cron entry and tick that it comes from, "<entry> <ms>"; " by hand" after it if it was asked for
--             32 its lane, "<h, n or l for its priority><tenant>": none where it is normal and has no tenant   64 its tags,
--             with "\n" between them  128 who enqueued it, "<c, o or j><name>": a client, an operator, the run of a job
--             texts are a length of 2 bytes and so many bytes, in this order
-- Producers send everything from the second flags on (header.rs); the times are Redis's.

-- So much may stand in `data` of one job: the largest payload, and more than any header.
local MOST_VALUE = 262144 + 4096

-- begin_header(due, expires): up to and with the times, for a job that is enqueued now. In ms, nil = none.
local function begin_header(due, expires)
  local flags = (due and 1 or 0) + (expires and 2 or 0)
  -- Six bytes hold eight thousand years.
  local function at(ms) return struct.pack('>I6', math.min(ms, 281474976710655)) end
  return '\1' .. at(now) .. string.char(flags) .. (due and at(due) or '') .. (expires and at(expires) or '')
end

-- marked(value): what stands of a job in data, saying that it has a record; nil where it says so, or has no header.
local function marked(value)
  return type(value) == 'string' and value:byte(1) == 1 and '\2' .. value:sub(2) or nil
end

-- with_text(text): as a header has it.
local function with_text(text) return struct.pack('>I2', #text) .. text end

-- header(value): {at, due, expires, key, lane, tags, rest: the place of what the producer wrote, payload: the place of the payload}, or
-- nil where there is none, or not a whole one.
local function header(value)
  local first = type(value) == 'string' and value:byte(1)
  if first ~= 1 and first ~= 2 then return nil end
  local sound, read = pcall(function()
    local h, flags, place = {}, value:byte(8), 9
    h.at = struct.unpack('>I6', value, 2)
    if bit.band(flags, 1) > 0 then h.due, place = struct.unpack('>I6', value, place) end
    if bit.band(flags, 2) > 0 then h.expires, place = struct.unpack('>I6', value, place) end
    h.rest = place
    local has = value:byte(place)
    place = place + 1
    local function text()
      local from = place + 2
      place = from + struct.unpack('>I2', value, place)
      return value:sub(from, place - 1)
    end
    if bit.band(has, 1) > 0 then h.key = text() end
    if bit.band(has, 2) > 0 then place = place + 25 end
    for _, flag in ipairs({ 4, 8, 16, 32, 64, 128 }) do
      local found = bit.band(has, flag) > 0 and text()
      if flag == 32 and found then h.lane = found end
      if flag == 64 and found then h.tags = found end
    end
    h.payload = place
    return h
  end)
  if sound and read.payload <= #value + 1 then return read end
end
