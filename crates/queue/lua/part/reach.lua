-- Which processes reach which providers, in one hash: `<word> <provider> <process>`.
--   away  "<since ms> <last ms>": the process did not reach it, since when, and when it found so last
--   here  "<ms>": when the process reached it last, as far as it has said
-- A process has the same name in all queues; its workers' ids have `-` and six characters behind it. Who found a provider
-- away tests it at least every 30 s, so that what is older than a minute says nothing any more.

local function process_of(worker)
  return worker:match('^(.*)%-[^-]*$') or worker
end

-- reached(reach, provider, process): notes that it reached it, and is away no more.
local function reached(reach, provider, process)
  redis.call('HDEL', reach, 'away ' .. provider .. ' ' .. process)
  redis.call('HSET', reach, 'here ' .. provider .. ' ' .. process, stamp)
end

-- lately(reach, provider): {process = since when it is away}, {process = when it reached it last}. Forgets what is old.
local function lately(reach, provider)
  local away, here, old = {}, {}, {}
  local rows = redis.call('HGETALL', reach)
  for i = 1, #rows, 2 do
    local word, name, process = rows[i]:match('^(%a+) (%S+) (.*)$')
    local first, last = rows[i + 1]:match('^(%d+) ?(%d*)$')
    local at = tonumber(last ~= '' and last or first) or 0
    if not process or now - at > (word == 'here' and 600000 or 60000) or at > now + 60000 then
      if #old < 1000 then old[#old + 1] = rows[i] end
    elseif name == provider and word == 'away' then
      away[process] = tonumber(first)
    elseif name == provider then
      here[process] = at
    end
  end
  if #old > 0 then redis.call('HDEL', reach, unpack(old)) end
  return away, here
end

-- others(workers, process): the other processes that have a lease here, at most 1000.
local function others(workers, process)
  local found = {}
  for _, worker in ipairs(redis.call('ZRANGE', workers, -1000, -1)) do
    if process_of(worker) ~= process then found[#found + 1] = process_of(worker) end
  end
  return found
end

-- not_reached(reach, workers, provider, process): notes that it did not reach it. Returns whether that is the provider's
-- trouble, as far as can be told: when another process found so lately, too, or nobody else is there; and not when one
-- that is not away has reached it since.
local function not_reached(reach, workers, provider, process)
  local away, here = lately(reach, provider)
  local since = away[process] or now
  redis.call('HSET', reach, 'away ' .. provider .. ' ' .. process, string.format('%.0f', since) .. ' ' .. stamp)
  away[process] = nil
  local another, first = false, since
  for _, at in pairs(away) do
    another, first = true, math.min(first, at)
  end
  for who, at in pairs(here) do
    if who ~= process and not away[who] and at >= first then return false end
  end
  return another or #others(workers, process) == 0
end

-- somebody_is_well(reach, workers, provider, process): whether another process that has a lease here is not away.
local function somebody_is_well(reach, workers, provider, process)
  local away = lately(reach, provider)
  for _, other in ipairs(others(workers, process)) do
    if not away[other] then return true end
  end
  return false
end
