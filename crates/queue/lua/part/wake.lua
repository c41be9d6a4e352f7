-- wake(signal): lets one idle process know that there is work. One token is enough: whoever takes it and leaves
-- work behind puts it back (claim.lua).
local function wake(signal)
  local signals = redis.pcall('LLEN', signal)
  if type(signals) ~= 'number' or signals == 0 then write_or_replace('RPUSH', signal, 1) end
end
