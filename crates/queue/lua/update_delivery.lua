-- Writes down an update of a message's delivery. Updates come several times and in any order: only a higher rank
-- overwrites. Where one says that nothing is to be sent to an address any more, it gets onto the list, whoever's message it was;
-- where one says that this is over, it comes off again.
--
-- KEYS  1 deliveries  2 delivery ages  3 data  4 records
--       5 map of suppressed addresses  6 event (that it is known)  7 timeline  8 notices  9 stats
-- ARGV  1 message ("" = the update names none)  2 job that the update names ("" = none)  3 state  4 rank  5 the provider's code ("" = none)
--       6 how long it is kept, in ms  7 how many bytes all of them may take
--       8 hash of the address that is suppressed ("" = none)  9 why  10 the event's id ("" = none: not known again)
--       11 the word for the state in notices (part/notices.lua)
--       12 "1" = why (9) is over: the address comes off the list, if it is there for that
-- Returns noted, stale (all of it is known, or something later), or unknown (it belongs to no job of ours)
-- Parts: now, write_or_replace, record, deliveries, notices
local messages, ages, data, records, suppressed, event = unpack(KEYS)
sound_deliveries(messages, ages)
local record = ARGV[1] ~= '' and delivery(messages, ARGV[1]) or nil
local named = ARGV[2] ~= '' and redis.call('HEXISTS', data, ARGV[2]) == 1

local function update()
  if ARGV[1] == '' then return 'unknown' end
  local first = not record
  if first then
    if not named then return 'unknown' end
    -- The answer to the request was lost, or its worker: this is the first that is heard of the message.
    record = { job = ARGV[2] }
    -- A job that was sent twice keeps the message that its worker noted.
    local job = record_of(records, ARGV[2])
    if not job.msg then
      job.msg = ARGV[1]
      write_record(records, ARGV[2], job)
    end
  end
  local later = tonumber(ARGV[4]) > (tonumber(record.rank) or 0)
  if not later and not first then return 'stale' end
  if later then
    record.state, record.rank, record.at = ARGV[3], tonumber(ARGV[4]), now
    record.code = ARGV[5] ~= '' and ARGV[5] or nil
    local notices = noticing(KEYS[8], KEYS[7], unpack(redis.call('HMGET', KEYS[7], 'notices', 'noticed')))
    notice(notices, ARGV[11], 'delivery.' .. ARGV[11], record.job, { code = record.code })
    write_notices(notices, KEYS[9])
  end
  note_delivery(messages, ages, ARGV[1], record, tonumber(ARGV[6]), tonumber(ARGV[7]))
  return later and 'noted' or 'stale'
end

local result = update()
if ARGV[8] == '' then return result end
if ARGV[10] ~= '' and not redis.call('SET', event, stamp, 'NX', 'PX', ARGV[6]) then return result end
if ARGV[12] == '1' then
  local entry = redis.call('HGET', suppressed, ARGV[8])
  -- What it is there for otherwise is not over.
  if entry and string.find(entry, '"reason":"' .. ARGV[9] .. '"', 1, true) then
    redis.call('HDEL', suppressed, ARGV[8])
    return 'noted'
  end
  return result
end
local entry = '{"reason":"' .. ARGV[9] .. '","at":' .. stamp
local job = record and record.job or (named and ARGV[2])
if job then entry = entry .. ',"job":"' .. job .. '"' end
-- What it is there for first is what it stays there for.
if redis.call('HSETNX', suppressed, ARGV[8], entry .. '}') == 1 then return 'noted' end
return result
