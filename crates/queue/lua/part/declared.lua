-- Only in tests (feature `seed`): a script that touches a key which it was not given fails, and so does all that it does after
-- that. So none makes up a name: in a cluster, a call goes where the keys are that it is given.
local redis = (function(given)
  local real, ours, known, failed = redis, {}, {}, nil
  for name, value in pairs(real) do ours[name] = value end
  for _, key in ipairs(given) do known[key] = true end
  local keyless = { TIME = true, SPUBLISH = true }
  local all_are_keys = { DEL = true, UNLINK = true, EXISTS = true }
  local function check(command, ...)
    local keys = keyless[command] and 0 or all_are_keys[command] and select('#', ...) or 1
    for n = 1, keys do
      local key = select(n, ...)
      if not known[key] then failed = failed or command .. ' of a key that the script was not given: ' .. tostring(key) end
    end
    if failed then error(failed) end
  end
  for _, name in ipairs({ 'call', 'pcall' }) do
    ours[name] = function(...)
      check(...)
      return real[name](...)
    end
  end
  return ours
end)(KEYS)
