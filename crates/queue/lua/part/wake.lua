-- wake(signal): lets one idle process know that there is work. One token is enough: whoever takes it and leaves
-- work behind puts it back (claim.lua).
local function wake(signal)
  if redis.call('LLEN', signal) == 0 then redis.call('RPUSH', signal, 1) end
end
