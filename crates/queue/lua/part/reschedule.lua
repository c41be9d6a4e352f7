-- reschedule(k, id, home, record, due, pushed): a job that waits is due at another time, in ms; a time that is over means now. Its expiry counts
-- from then. home, record: as part/homes.lua says them. pushed: the key of what another program wrote of it (meta:<id>). Returns whether that
-- changed anything, and whether what is pending from now on has a high priority. The caller has asked for what must not fail half way.
local function reschedule(k, id, home, record, due, pushed)
  local later = home == 'scheduled' or home == 'retryable'
  local at_once = due <= now
  if at_once and not later then return false end
  if later and tonumber(redis.call('ZSCORE', k.scheduled, id)) == tonumber(seconds(due)) then return false end
  local value = value_of(k.data, id)
  local new = type(value) == 'string' and renewed(value, math.max(due, now))
  if new then
    redis.call('HSET', k.data, id, new)
  elseif value then
    -- It has no header until its first claim, which reads this.
    local due_before, expires = unpack(tried('HMGET', pushed, 'due', 'exp') or {})
    local made = tonumber(due_before or tried('HGET', pushed, 'at') or nil)
    redis.pcall('HSET', pushed, 'due', string.format('%.0f', math.max(due, now)))
    if tonumber(expires or nil) and made then
      redis.pcall('HSET', pushed, 'exp', string.format('%.0f', math.max(due, now) + expires - made))
    end
  end
  -- Since when it waits is what its header says from now on.
  if record.next then
    record.next = nil
    write_record(k.records, id, record)
  end
  if at_once then
    local high = line_up(k, { id })
    take_out(k, id, home, record)
    return true, high
  end
  redis.call('ZADD', k.scheduled, seconds(due), id)
  if not later then
    take_out(k, id, home, record)
    if home == 'parked' then write_record(k.records, id, record) end
  end
  return true, false
end
