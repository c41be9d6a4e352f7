-- Puts jobs into the queue. Idempotent by id: a job whose id is known is left as it is, so an enqueue whose
-- answer was lost can be repeated.
--
-- KEYS  1 data  2 active  3 scheduled  4 idle  5 records  6 stats  7 timeline  8 lanes
--       9 lane  10 tenants  11 turns; where some have an idempotency key then 12 completions, and these keys, in order; of carried
--       jobs then the ids that were carried before (part/carried.lua)
-- ARGV  1 "look": nothing is enqueued, only keys are looked at; "again": they were accepted before, however many wait;
--       "carried": they come from another store by a carrier, which may bring them more than once; else "".
--       Then 3 for each job, at most 500 jobs:
--       id; what differs from a job that may run at once and has no key and no end, or "": "<delay> <expires> <key>"
--         delay    "-" = now, "+<ms>" = from now, "<ms>" = at
--         expires  so many ms after it is due, "-" = never
--         key      "-" = none, else "<holds ms> <digest, or -> <for how long completed jobs are kept, in ms>" (part/key.lua)
--       what stands of it in data from the second flags of its header on (part/header.lua)
-- Returns {refused, answers}; where too many would wait (part/max_waiting.lua), both are empty, nothing was enqueued, and
--         then: how many wait, how many may
--         refused: of each job whose key stands for other args: its place, the job that has the key, since when in ms.
--                  Then nothing was enqueued
--         answers: for each job "" if it is in the queue under its own id, else the id that has its key; none at all where
--                  all of them are in the queue
-- Parts: now, write_or_replace, wake, record, header, key, lanes, max_waiting, carried
local data, active, scheduled, idle, records, stats, timeline = unpack(KEYS)
-- What a carrier has brought before is left as it is, also when nothing else is known of it any more.
local was_carried = ARGV[1] == 'carried' and carried_before(KEYS[#KEYS], ARGV) or {}

-- Who has which key: looked up once, before anything is written.
local key_of, has, refused = {}, {}, {}
local function look(place, id, holds, digest, keep)
  local name = KEYS[12 + #key_of + 1]
  key_of[#key_of + 1] = name
  if was_carried[id] then return nil end
  if has[name] == nil then
    local holder, at, _, of = key_at(name)
    -- A job that has ended leaves its key with a time limit. Without one, and without its job, it is a leftover.
    local lost = holder and redis.call('HEXISTS', data, holder) == 0 and redis.call('HEXISTS', records, holder) == 0
      and redis.call('PTTL', name) == -1
    has[name] = holder and not lost and { id = holder, at = at, digest = of } or false
  end
  local held = has[name]
  if not held then
    has[name] = { id = id, at = stamp, digest = digest, holds = holds, keep = keep }
  elseif held.id ~= id and held.digest ~= '-' and digest ~= '-' and held.digest ~= digest then
    refused[#refused + 1] = place
    refused[#refused + 1] = held.id
    refused[#refused + 1] = held.at
  end
  return name
end
local keys = {}
if #KEYS > 11 then
  for i = 2, #ARGV, 3 do
    local holds, digest, keep = ARGV[i + 1]:match('^%S+ %S+ (%d+) (%S+) (%d+)$')
    if holds then keys[i] = look((i - 2) / 3 + 1, ARGV[i], holds, digest, keep) end
  end
end
if #refused > 0 or ARGV[1] == 'look' then return { refused, {} } end

-- What is due at once and has no end begins with the same bytes.
local plain = begin_header(nil, nil)
local answers, same, pending, soonest = {}, true, {}, nil
local ids, values, due_at, has_lane, written, taken, own = {}, {}, {}, {}, {}, {}, {}
for i = 2, #ARGV, 3 do
  local id, differs, answer = ARGV[i], ARGV[i + 1], ''
  local key = keys[i]
  if key then
    local held = has[key]
    if held.id ~= id then
      answer, same = held.id, false
    elseif held.holds then
      taken[#ids + 1] = key
    else
      own[#ids + 1] = key
    end
  end
  answers[#answers + 1] = answer
  if answer == '' and not was_carried[id] then
    local begins, due = plain, nil
    if differs ~= '' then
      local delay, expires = differs:match('^(%S+) (%S+) ')
      if delay ~= '-' then
        due = delay:sub(1, 1) == '+' and now + delay:sub(2) or tonumber(delay)
        if due <= now then due = nil end
      end
      begins = begin_header(due, expires ~= '-' and (due or now) + expires or nil)
    end
    local n = #ids + 1
    ids[n], values[n], due_at[n] = id, begins .. ARGV[i + 2], due or false
    has_lane[n] = bit.band(ARGV[i + 2]:byte(1) or 0, 32) > 0
  end
end
-- A job whose id is known is left as it is.
local known = #ids > 0 and redis.call('HMGET', data, unpack(ids)) or {}
local limits = limits_of(timeline)
if limits[2] and ARGV[1] ~= 'again' then
  local new, counted = 0, {}
  for n, id in ipairs(ids) do
    if not known[n] and not counted[id] then new, counted[id] = new + 1, true end
  end
  local full = is_full({ active = active, scheduled = scheduled, lanes = KEYS[8] }, limits, new)
  if full then return { {}, {}, unpack(full) } end
end
for n, key in pairs(taken) do
  local held = has[key]
  -- One that was cancelled has given its key away.
  if not (known[n] and cancelled_at(record_of(records, ids[n]))) then
    redis.call('SET', key, table.concat({ held.id, held.at, held.holds, held.digest }, ' '))
    -- One that has completed, and whose key Redis forgot, is settled no more.
    if known[n] and tried('HEXISTS', KEYS[12], held.id) == 1 then end_key(key, held.id, held.keep) end
  end
end
-- One that was discarded, and whose producer enqueues it once more, has its key for as long as it waits.
for n, key in pairs(own) do
  if not known[n] then redis.call('PERSIST', key) end
end
-- Most jobs have no lane (part/lanes.lua). 32 in what their producer sent says that one has.
local seen, rows, laned, lanes, later = {}, {}, {}, {}, {}
for n, id in ipairs(ids) do
  if not known[n] and not seen[id] then
    seen[id] = true
    written[#written + 1] = id
    written[#written + 1] = values[n]
    local due = due_at[n]
    local before = has_lane[n] and header(values[n])
    local lane = before and before.lane
    if lane then
      rows[#rows + 1] = id
      rows[#rows + 1] = lane
    end
    if due then
      later[#later + 1] = seconds(due)
      later[#later + 1] = id
      soonest = soonest and math.min(soonest, due) or due
    elseif lane then
      laned[#laned + 1] = id
      lanes[#lanes + 1] = lane
    else
      pending[#pending + 1] = id
    end
  end
end
-- Each is asked before the first is written: a job whose payload is known counts as enqueued, so that none must be without
-- its place.
if #pending > 0 then redis.call('LLEN', active) end
if #later > 0 then redis.call('ZCARD', scheduled) end
local k = #rows > 0 and { active = active, lanes = KEYS[8], lane = KEYS[9], tenants = KEYS[10], turns = KEYS[11] }
if k then
  redis.call('ZCARD', k.lanes)
  redis.call('HSET', k.lane, unpack(rows))
end
if #written > 0 then
  redis.call('HSET', data, unpack(written))
  count(stats, 'enqueued', #written / 2)
end
if #later > 0 then redis.call('ZADD', scheduled, unpack(later)) end
if #pending > 0 then redis.call('RPUSH', active, unpack(pending)) end
local high = #laned > 0 and lanes_in(k).join(laned, lanes)
-- Once all are in their place: an id that is carried is not brought again.
if ARGV[1] == 'carried' then carry(KEYS[#KEYS], ARGV) end
-- A process that sleeps until the next due time learns of a sooner one.
if (soonest and soonest < now + 2000) or (#pending + #laned > 0 and not is_looked_for(limits[1])) then
  wake(idle, high)
end
return { refused, same and {} or answers }
