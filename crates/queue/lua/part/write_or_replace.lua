-- Keys that only hold what can be missed: counters, descriptions, signals, lists of what is in order elsewhere. One of another
-- type is not ours: ours takes its place, so that what another program wrote there keeps no job's outcome from being written.

local function of_another_type(answer)
  return type(answer) == 'table' and answer.err and answer.err:find('WRONGTYPE', 1, true)
end

-- write_or_replace(command, key, …): writes into such a key.
local function write_or_replace(command, key, ...)
  local answer = redis.pcall(command, key, ...)
  if not of_another_type(answer) then
    if type(answer) == 'table' and answer.err then error(answer) end
    return answer
  end
  redis.call('DEL', key)
  return redis.call(command, key, ...)
end

-- count(stats, name, n): counts. What is no number there begins anew.
local function count(stats, name, n)
  local counted = redis.pcall('HINCRBY', stats, name, n)
  if type(counted) == 'table' and counted.err and not counted.err:find('NOPERM', 1, true) then write_or_replace('HSET', stats, name, math.max(0, n)) end
end
