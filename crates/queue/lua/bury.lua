-- Looks through the kinds that have parked jobs, a chunk a call. Buries jobs whose kind no worker of the queue knew for too
-- long, counted from when it was known last and from when the job was parked; at most 200 a call. Notes which kinds are sought.
--
-- KEYS  1 parked  2 kinds  3 sought  4 inflight  5 records  6 dead  7 groups  8 stats  9 idle
--       10 letters  11 parked kinds  12 active  13 lanes  14 lane  15 tenants  16 turns  17 timeline  18 notices  19 operations  20 data
-- ARGV  1 cursor ("0" starts)  2 after how many ms  3 group  4 its description (part/growth.lua)
--       5 history entry in JSON, from the comma behind the number of the attempt on  6 "on" while the caller goes on with its look
--       7 the word for why they are dead, for notices (part/notices.lua)
-- Returns {next cursor ("0" = through, or somebody else has looked within the last second), 1 if the same chunk has more to bury,
--          {id, attempt, …} of those that are dead now}
-- Parts: now, write_or_replace, wake, record, groups, growth, parked, lanes, relist, notices, audit, operation
local p = { parked = KEYS[1], of_kinds = KEYS[11], kinds = KEYS[2], sought = KEYS[3] }
local inflight, records, dead, groups, stats, idle, letters = unpack(KEYS, 4)
if ARGV[6] ~= 'on' then
  local looked = tonumber(tried('HGET', p.kinds, 'looked') or nil)
  if looked and looked <= now and now - looked < 1000 then return { '0', 0, {} } end
  write_or_replace('HSET', p.kinds, 'looked', stamp)
end
local after, group = tonumber(ARGV[2]), ARGV[3]
-- Asked before anything is written.
redis.call('HLEN', records)
redis.call('HLEN', KEYS[20])
local waiting = { active = KEYS[12], lanes = KEYS[13], lane = KEYS[14], tenants = KEYS[15], turns = KEYS[16] }
local woken = relist(p, waiting, records)
local chunk = redis.call('HSCAN', p.kinds, ARGV[1], 'MATCH', 'parked *', 'COUNT', 100)
local buried, room, notices = {}, 200, nil

local function bury(id)
  local record = record_of(records, id)
  local used, lost, generation, _, entries = run_of(record)
  local sent = sent_of(record, KEYS[20], id)
  local attempt = used + 1
  note_letter(dead, letters, group, id)
  set_run(record, used, lost, generation, sent, entries + 1)
  add_history(record, entries + 1, '{"attempt":' .. attempt .. ARGV[5])
  record['end'], record.parked = 'd' .. group, nil
  if record.op then pcall(count_end, KEYS[19], record.op, 'dead_again', 1) end
  record.op = nil
  write_record(records, id, record)
  buried[#buried + 1] = id
  buried[#buried + 1] = attempt
  notices = notices or noticing(KEYS[18], KEYS[17], unpack(redis.call('HMGET', KEYS[17], 'notices', 'noticed')))
  notice(notices, 'dead', 'job.dead', id, { reason = ARGV[7] })
end

for i = 1, #chunk[2], 2 do
  local kind = chunk[2][i]:sub(8)
  local digest = digest_of(kind)
  if #of_kind(p, digest, nil, 1) == 0 then
    redis.call('HDEL', p.kinds, 'parked ' .. kind)
    redis.pcall('SREM', p.sought, kind)
  else
    -- From before the clock was set back: as if they had been parked now.
    local from, till = '[' .. digest .. ' ' .. since_of(now + 1), '(' .. digest .. '!'
    for _, member in ipairs(redis.call('ZRANGE', p.of_kinds, from, till, 'BYLEX', 'LIMIT', 0, 200)) do
      local id = member:match('^[%d.]+ (.*)$', #digest + 2) or ''
      redis.call('ZREM', p.of_kinds, member)
      if redis.call('ZSCORE', p.parked, id) then
        redis.call('ZADD', p.parked, stamp, id)
        redis.call('ZADD', p.of_kinds, 0, parked_as(digest, stamp, id))
      end
    end
    if known_lately(p, kind) then
      if write_or_replace('SADD', p.sought, kind) == 1 then woken = true end
    else
      redis.pcall('SREM', p.sought, kind)
      local members, over = {}, {}
      if room > 0 and now - (last_known(p, kind) or 0) >= after then members, over = of_kind(p, digest, now - after, room) end
      if #over > 0 then
        local owners = redis.call('HMGET', inflight, unpack(over))
        for n, id in ipairs(over) do
          -- Where Redis forgot, a worker may have taken it back since.
          if not owners[n] and redis.call('ZSCORE', p.parked, id) then bury(id) end
        end
        redis.call('ZREM', p.parked, unpack(over))
        leave_kind(p, digest, kind, members)
        room = room - #over
      end
    end
  end
end
if #buried > 0 then
  grow(groups, { [group] = { #buried / 2, ARGV[4] } })
  count(stats, 'died', #buried / 2)
  write_notices(notices, stats)
end
if woken then wake(idle) end
return { chunk[1], room <= 0 and 1 or 0, buried }
