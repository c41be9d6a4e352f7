-- tell(waiters, ids): those who wait for the end of these jobs, at most 1000, are told on their channels, and are in the table
-- no more, nor are their keys. It is only looked into while there is anybody.
local function tell(waiters, ids)
  if #ids == 0 or redis.call('EXISTS', waiters) == 0 then return end
  local gone, keys = {}, {}
  for n, channels in ipairs(tried('HMGET', waiters, unpack(ids)) or {}) do
    if channels then
      gone[#gone + 1] = ids[n]
      keys[#keys + 1] = 'k' .. ids[n]
      for channel in channels:gmatch('%S+') do redis.pcall('SPUBLISH', channel, ids[n]) end
    end
  end
  if #gone > 0 then
    redis.call('HDEL', waiters, unpack(gone))
    redis.call('HDEL', waiters, unpack(keys))
  end
end
