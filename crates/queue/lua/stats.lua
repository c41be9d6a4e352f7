-- Counts the queue.
--
-- KEYS  1 active  2 scheduled  3 retryable  4 inflight  5 dead  6 stats  7 gate  8 data  9 workers
--       10 breakers  11 limits  12 timeline  13 parked  14 kinds  15 records  16 completions  17 lanes  18 minutes
--       19 parked kinds  20 notices  21 lost
-- ARGV  1 after how many ms without a beat a worker counts as gone  2 for how many ms a lost worker is told of
-- Returns {now, pending, due or later, retryable of these, running, dead, counters as {name, value, …}, what holds
--          claims back as {field, value, …} (keys.rs), id of the oldest pending job or false, since when it waits for this run or false,
--          workers that have beaten lately, breakers as {provider, state, …}, all that holds calls back now as {cause,
--          provider ("" = the queue's own), until in ms or 0, …}, how many stand in the waiting list although they are
--          elsewhere (part/elsewhere.lua), or false, names of keys that are of another type, how many are parked,
--          since when the one that was parked first waits or false, {kind, how many of it are parked, since when in ms, …} of at
--          most a hundred kinds or so, the record of the last whole minute (part/minutes.lua) or false,
--          limits as {limiter, what stands there, …}, how many notices wait, the one that has waited longest (part/notices.lua) or false,
--          how many jobs' workers were lost in that time, when the last one was found in ms or false}
-- Parts: now, record, header, value, hold, breaker, limiter, holds, parked, elsewhere, lanes, minutes
-- One key of another type hides nothing but itself.
local broken = {}
local function read(command, key, ...)
  local answer = tried(command, key, ...)
  if answer or redis.call('EXISTS', key) == 0 then return answer end
  -- A list has no such element, or a command was refused.
  if command ~= 'LINDEX' then broken[#broken + 1] = key end
  return false
end
local sound, found = pcall(holds, KEYS[7], KEYS[10], KEYS[11], KEYS[12])
local held = {}
for _, hold in ipairs(sound and found or {}) do
  held[#held + 1] = hold[1]
  held[#held + 1] = hold[2]
  held[#held + 1] = string.format('%.0f', hold[3])
end
local head = read('LINDEX', KEYS[1], 0)
local in_lanes = read('ZCARD', KEYS[17]) or 0
local left = tonumber(tried('HGET', KEYS[12], 'left') or nil) or 0
if head and left > 0 then
  -- The first one that waits there. Behind hundreds that do not, it is not looked for.
  local sound, ids = pcall(waiting_ids, {
    active = KEYS[1], inflight = KEYS[4], records = KEYS[15], scheduled = KEYS[2], parked = KEYS[13], completions = KEYS[16],
    data = KEYS[8],
  }, left, 1)
  if sound then head = ids[1] or false end
end
-- Since when that waits for its next run. What was retried or replayed began to wait anew; what has not run yet waits since it was due.
local function waits_since(id)
  if not id then return false end
  local again = tonumber(unpacked(tried('HGET', KEYS[15], id)).next or nil)
  local before = not again and header(header_of(KEYS[8], id) or nil)
  local since = again or before and (before.due or before.at)
  return since and string.format('%.0f', since) or false
end
-- Of those in lanes, the one that is next in each band.
local oldest = waits_since(head)
for _, of in pairs(in_lanes > 0 and lanes_in({}).limits or {}) do
  local id = (redis.call('ZRANGEBYSCORE', KEYS[17], of[1], of[2], 'LIMIT', 0, 1))[1]
  local at = waits_since(id)
  if at and (not head or (oldest and tonumber(at) < tonumber(oldest))) then head, oldest = id, at end
end
local parked = read('ZCARD', KEYS[13]) or 0
local first, kinds = nil, {}
if parked > 0 then
  first = redis.call('ZRANGE', KEYS[13], 0, 0)[1]
  local listed = read('HSCAN', KEYS[14], 0, 'MATCH', 'parked *', 'COUNT', 100)
  for i = 1, listed and #listed[2] or 0, 2 do
    local kind = listed[2][i]:sub(8)
    local digest = digest_of(kind)
    local first = of_kind({ of_kinds = KEYS[19] }, digest, nil, 1)[1]
    local since = first and first:match('^[%d.]+', #digest + 2)
    if since then
      local n = redis.call('ZLEXCOUNT', KEYS[19], '[' .. digest .. ' ', '(' .. digest .. '!')
      for _, part in ipairs({ kind, n, since }) do kinds[#kinds + 1] = part end
    end
  end
end
local last_minute = (math.floor(now / 60000) - 1) % MINUTE.ring * MINUTE.bytes
return {
  now,
  (read('LLEN', KEYS[1]) or 0) + in_lanes,
  read('ZCARD', KEYS[2]) or 0,
  read('SCARD', KEYS[3]) or 0,
  read('HLEN', KEYS[4]) or 0,
  read('ZCARD', KEYS[5]) or 0,
  read('HGETALL', KEYS[6]) or {},
  read('HGETALL', KEYS[7]) or {},
  head,
  oldest,
  read('ZCOUNT', KEYS[9], string.format('%.0f', now - ARGV[1]), '+inf') or 0,
  read('HGETALL', KEYS[10]) or {},
  held,
  string.format('%.0f', left),
  broken,
  parked,
  waits_since(first),
  kinds,
  read('GETRANGE', KEYS[18], last_minute, last_minute + MINUTE.bytes - 1),
  read('HGETALL', KEYS[11]) or {},
  read('ZCARD', KEYS[20]) or 0,
  (tried('ZRANGE', KEYS[20], 0, 0) or {})[1] or false,
  read('ZCOUNT', KEYS[21], string.format('%.0f', now - ARGV[2]), '+inf') or 0,
  (tried('ZRANGE', KEYS[21], -1, -1, 'WITHSCORES') or {})[2] or false,
}
