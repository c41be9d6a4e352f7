-- Writes down news of a message's delivery. News come several times and in any order: only a higher rank overwrites.
-- Where they say that nothing is to be sent to an address any more, it gets onto the list, whoever's message it was.
--
-- KEYS  1 delivery (of the message)  2 record (of the job that the news names; "" if none)
--       3 map of suppressed addresses  4 event (that it is known)
-- ARGV  1 message ("" = the news name none)  2 job that the news names ("" = none)  3 state  4 rank  5 the provider's code ("" = none)
--       6 how long it is kept, in ms
--       7 hash of the address that is suppressed ("" = none)  8 why  9 the event's id ("" = none: not known again)
-- Returns noted, stale (all of it is known, or something later), or unknown (it belongs to no job of ours)
local owner = ARGV[1] ~= '' and redis.call('HGET', KEYS[1], 'job')
local named = ARGV[2] ~= '' and redis.call('EXISTS', KEYS[2]) == 1

local function hear()
  if ARGV[1] == '' then return 'unknown' end
  if not owner then
    if not named then return 'unknown' end
    -- The answer to the request was lost, or its worker: this is the first that is heard of the message.
    redis.call('HSET', KEYS[1], 'job', ARGV[2])
    -- A job that was sent twice keeps the message that its worker noted.
    redis.pcall('HSETNX', KEYS[2], 'msg', ARGV[1])
  end
  local known = tonumber(redis.call('HGET', KEYS[1], 'rank') or 0)
  if tonumber(ARGV[4]) <= known then return 'stale' end
  redis.call('HSET', KEYS[1], 'state', ARGV[3], 'rank', ARGV[4], 'at', stamp)
  if ARGV[5] ~= '' then
    redis.call('HSET', KEYS[1], 'code', ARGV[5])
  else
    redis.call('HDEL', KEYS[1], 'code')
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
  return 'noted'
end

local heard = hear()
if ARGV[7] == '' then return heard end
if ARGV[9] ~= '' and not redis.call('SET', KEYS[4], stamp, 'NX', 'PX', ARGV[6]) then return heard end
local entry = '{"reason":"' .. ARGV[8] .. '","at":' .. stamp
local job = owner or (named and ARGV[2])
if job then entry = entry .. ',"job":"' .. job .. '"' end
-- What it is there for first is what it stays there for.
if redis.call('HSETNX', KEYS[3], ARGV[7], entry .. '}') == 1 then return 'noted' end
return heard
