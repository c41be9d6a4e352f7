-- Enqueues the ticks of one cron entry and moves its mark, unless somebody else has: then nothing is done. So a tick is
-- enqueued once, whoever sees it, and an answer that was lost is as good as somebody else's move.
-- The last hundred ticks of an entry are known by name, so that a clock that was set back makes none of them again. What is
-- older than those is not made again either, where the clock was set back by an hour at the most.
--
-- KEYS  1 cron  2 data  3 active  4 idle  5 stats  6 cron ticks  7 lanes  8 lane  9 tenants
--       10 turns  11 timeline  12 scheduled  13 cron paused
-- ARGV  1 entry  2 schedule ("" = run by hand: no mark is looked at or moved)  3 its mark as it was seen, in ms ("" = none)
--       4 its new mark, in ms  5 rounds; then 5 for each job, at most 100, oldest tick first:
--       tick in ms, id, payload, expires in ms ("" = never), lane ("" = none, part/header.lua)
-- Returns {1 if the mark was as it was seen, else 0; ids of the jobs that were enqueued: none of a paused entry, whose mark
--         is moved}; where too many would wait
--         (part/max_waiting.lua), nothing was done, and then: how many wait, how many may. A tick comes again at the next look
local cron, data, active, idle, stats, ticks = unpack(KEYS)
local k = { active = active, lanes = KEYS[7], lane = KEYS[8], tenants = KEYS[9], turns = KEYS[10] }
local entry, schedule = ARGV[1], ARGV[2]
local by_hand = schedule == ''
-- Each is asked before the first is written: a tick whose mark is moved, or whose payload is known, is not made again.
local function sound()
  redis.call('HLEN', data)
  redis.call('LLEN', active)
  redis.call('HLEN', ticks)
  redis.call('HLEN', k.lane)
  redis.call('ZCARD', k.lanes)
end
-- Of the jobs of a call.
local function too_many()
  return is_full({ active = active, scheduled = KEYS[12], lanes = k.lanes }, limits_of(KEYS[11]), (#ARGV - 5) / 5)
end
if by_hand then
  sound()
  -- One that is repeated is there already.
  local full = redis.call('HEXISTS', data, ARGV[7]) == 0 and too_many()
  if full then return { 0, {}, unpack(full) } end
end
local last, ahead, latest = 0, 0, ''
local names, known = {}, {}
if not by_hand then
  local field = entry .. ' ' .. schedule
  local mark = (redis.call('HGET', cron, field) or ''):match('^(%d+) %d+$') or ''
  if mark ~= ARGV[3] then return { 0, {} } end
  sound()
  local paused = redis.call('HEXISTS', KEYS[13], entry) == 1
  local full = not paused and too_many()
  if full then return { 0, {}, unpack(full) } end
  redis.call('HSET', cron, field, ARGV[4] .. ' ' .. ARGV[5])
  -- What it would have ticked meanwhile is not made up for.
  if paused then return { 1, {} } end
  -- While a fleet is deployed with another schedule, the entry has two: what both have is one tick.
  latest = redis.call('HGET', cron, entry) or ''
  last = tonumber(latest:match('^(%d+) ') or 0)
  -- From before the clock was set back.
  if last > ARGV[4] + 5000 then last, ahead = 0, last - ARGV[4] end
  for tick in (redis.call('HGET', ticks, entry) or ''):gmatch('%d+') do
    names[#names + 1] = tonumber(tick)
    known[tick] = true
  end
end

local function is_new(tick)
  if by_hand then return true end
  if tonumber(tick) <= last or known[tick] then return false end
  return ahead == 0 or ahead > 3600000 or #names < 100 or tonumber(tick) > names[1]
end

local ids, made = {}, {}
for i = 6, #ARGV, 5 do
  local tick, id, expires, lane = ARGV[i], ARGV[i + 1], ARGV[i + 3], ARGV[i + 4]
  local begins = begin_header(nil, expires ~= '' and now + expires or nil)
  -- 16: where it comes from, 32: its lane, and nothing else of its producer.
  local from = with_text(entry .. ' ' .. tick .. (by_hand and ' by hand' or ''))
  from = lane == '' and '\16' .. from or '\48' .. from .. with_text(lane)
  if is_new(tick) and redis.call('HSETNX', data, id, begins .. from .. ARGV[i + 2]) == 1 then
    if not by_hand then
      latest = tick .. ' ' .. id .. ' ' .. latest
      made[#made + 1] = tonumber(tick)
    end
    ids[#ids + 1] = id
    if lane ~= '' then redis.call('HSET', k.lane, id, lane) end
  end
end
if #made > 0 then
  -- What became of the last few is asked after by their jobs.
  local few = {}
  for tick, id in latest:gmatch('(%d+) (%S+)') do
    if #few < 5 then few[#few + 1] = tick .. ' ' .. id end
  end
  redis.call('HSET', cron, entry, table.concat(few, ' '))
  for _, tick in ipairs(made) do names[#names + 1] = tick end
  table.sort(names)
  local newest = {}
  for i = math.max(1, #names - 99), #names do newest[#newest + 1] = string.format('%.0f', names[i]) end
  redis.call('HSET', ticks, entry, table.concat(newest, ' '))
end
if #ids > 0 then
  count(stats, 'enqueued', #ids)
  wake(idle, line_up(k, ids))
end
return { 1, ids }
