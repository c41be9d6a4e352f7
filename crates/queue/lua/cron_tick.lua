-- Enqueues the ticks of one cron entry and moves its mark, unless somebody else has: then nothing is done. So a tick is
-- enqueued once, whoever sees it, and an answer that was lost is as good as somebody else's move.
--
-- KEYS  1 cron  2 data  3 active  4 signal  5 meta (prefix)  6 stats
-- ARGV  1 entry  2 schedule ("" = run by hand: no mark is looked at or moved)  3 its mark as it was seen, in ms ("" = none)
--       4 its new mark, in ms  5 beats; then 4 for each job, at most 100, oldest tick first:
--       tick in ms, id, payload, expires in ms ("" = never)
-- Returns {1 if the mark was as it was seen, else 0; ids of the jobs that were enqueued}
local cron, data, active, signal, meta, stats = unpack(KEYS)
local entry, schedule = ARGV[1], ARGV[2]
local by_hand = schedule == ''
local last = 0
if not by_hand then
  local field = entry .. ' ' .. schedule
  local mark = (redis.call('HGET', cron, field) or ''):match('^(%d+) %d+$') or ''
  if mark ~= ARGV[3] then return { 0, {} } end
  redis.call('HSET', cron, field, ARGV[4] .. ' ' .. ARGV[5])
  -- While a fleet is deployed with another schedule, the entry has two: what both have is one tick.
  last = tonumber((redis.call('HGET', cron, entry) or ''):match('^(%d+) ') or 0)
  -- From before the clock was set back.
  if last > ARGV[4] + 3600000 then last = 0 end
end
local ids = {}
for i = 6, #ARGV, 4 do
  local tick, id, expires = ARGV[i], ARGV[i + 1], ARGV[i + 3]
  if tonumber(tick) > last and redis.call('HSETNX', data, id, ARGV[i + 2]) == 1 then
    local record = { 'at', stamp, 'cron', entry .. ' ' .. tick .. (by_hand and ' by hand' or '') }
    if expires ~= '' then
      record[#record + 1] = 'exp'
      record[#record + 1] = now + expires
    end
    redis.call('HSET', meta .. ':' .. id, unpack(record))
    if not by_hand then redis.call('HSET', cron, entry, tick .. ' ' .. id) end
    ids[#ids + 1] = id
  end
end
if #ids > 0 then
  redis.call('HINCRBY', stats, 'enqueued', #ids)
  redis.call('RPUSH', active, unpack(ids))
  wake(signal)
end
return { 1, ids }
