-- Notices: what the application is to be told of jobs. One ZSET in the queue's slot: "<sequence>\n<type>\n<kind>\n<reason>\n<code>\n<job>"
-- → the sequence. It is a number of the millisecond, and always greater than the one before, so a job's later notice has the greater
-- one. Each worker process takes them out again and puts a job for each into the queue that delivers them (notices.rs).
-- The timeline says which are wanted: `notices`, words with spaces around each; no field = none. `noticed` is the last sequence.

-- So many may wait. What does not fit is counted in the stats, as `notices_dropped`.
local MOST_NOTICES = 100000

-- noticing(key, timeline, wanted, last): begins a batch. wanted, last: what the timeline says, or false.
local function noticing(key, timeline, wanted, last)
  return { key = key, timeline = timeline, wanted = wanted or '', last = tonumber(last or nil) or 0, rows = {} }
end

-- notice(batch, word, type, job, about): adds one, if it is wanted. about: {kind, reason, code}, each of them nil = not known.
local function notice(batch, word, type, job, about)
  if not batch.wanted:find(' ' .. word .. ' ', 1, true) then return end
  batch.last = math.max(batch.last + 1, now * 1000)
  local sequence, rows = string.format('%.0f', batch.last), batch.rows
  local function line(text) return ((text or ''):gsub('\n', ' ')) end
  rows[#rows + 1] = sequence
  rows[#rows + 1] = table.concat({ sequence, type, line(about.kind), line(about.reason), line(about.code), job }, '\n')
end

-- write_notices(batch, stats): writes it. Whatever fails here is counted, and keeps no job's outcome from being written.
local function write_notices(batch, stats)
  local rows = batch.rows
  if #rows == 0 then return end
  local waiting = redis.pcall('ZCARD', batch.key)
  local room = math.max(0, MOST_NOTICES - (type(waiting) == 'number' and waiting or 0))
  local dropped = math.max(0, #rows / 2 - room)
  for _ = 1, 2 * dropped do rows[#rows] = nil end
  redis.call('HSET', batch.timeline, 'noticed', string.format('%.0f', batch.last))
  if #rows > 0 and not pcall(write_or_replace, 'ZADD', batch.key, unpack(rows)) then dropped = dropped + #rows / 2 end
  if dropped > 0 then count(stats, 'notices_dropped', dropped) end
end

-- forget_notices(key, stats, before): drops those of before this time, in ms, at most 5,000: nobody delivers them.
local function forget_notices(key, stats, before)
  if redis.call('EXISTS', key) == 0 then return end
  local old = redis.pcall('ZRANGEBYSCORE', key, '-inf', '(' .. string.format('%.0f', before * 1000), 'LIMIT', 0, 5000)
  if not old.err and #old > 0 then count(stats, 'notices_dropped', redis.call('ZREM', key, unpack(old))) end
end
