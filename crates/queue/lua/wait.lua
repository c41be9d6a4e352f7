-- Notes that somebody wants to be told of the end of a job. At most eight may wait for one; later ones look by themselves.
--
-- KEYS  1 waiters
-- ARGV  1 job  2 channel  3 for how many ms the table stays when nobody is added  4 the public half of the key that private
--       results are encrypted to ("" = wants none)
local function note(field, entry)
  local before = redis.pcall('HGET', KEYS[1], field)
  if type(before) == 'table' then redis.call('DEL', KEYS[1]) end
  local known, n = { entry }, 1
  for one in (type(before) == 'string' and before or ''):gmatch('%S+') do
    if one:match('^[^=]*') ~= ARGV[2] and n < 8 then
      n = n + 1
      known[n] = one
    end
  end
  redis.call('HSET', KEYS[1], field, table.concat(known, ' '))
end
note(ARGV[1], ARGV[2])
if ARGV[4] ~= '' then note('k' .. ARGV[1], ARGV[2] .. '=' .. ARGV[4]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
