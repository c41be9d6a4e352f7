-- An idempotency key is a string: "<id> <at> <holds> <digest>".
--   id      the job that has it
--   at      when that was enqueued, ms since the epoch
--   holds   how long the key holds at least from then, in ms
--   digest  of its args as they were enqueued, "-" = not known: then all args count as equal

-- Its name is "<idempotency>:<kind>:<key>", and whoever calls a script that touches one passes it among the KEYS.

-- given_keys(first, at): where the keys are that were passed: KEYS from the first on; ARGV from `at` on is how many they are, and of each
-- "<kind>:<key>", as headers have it. Returns that, and the place behind them in ARGV.
local function given_keys(first, at)
  local given, n = {}, tonumber(ARGV[at])
  for i = 1, n do given[ARGV[at + i]] = KEYS[first + i - 1] end
  return given, at + n + 1
end

-- missing_keys(given, wanted): those of these, each once, that were not passed.
local function missing_keys(given, wanted)
  local missing, seen = {}, {}
  for _, key in ipairs(wanted) do
    if not given[key] and not seen[key] then
      seen[key] = true
      missing[#missing + 1] = key
    end
  end
  return missing
end

-- key_at(name): the job that has the key, and at, holds, digest; or nil. Anybody can write there: what is not of that form,
-- or of another type, stands for nothing.
local function key_at(name)
  local value = redis.pcall('GET', name)
  if type(value) == 'table' then
    redis.call('DEL', name)
    return nil
  end
  local id, at, holds, digest = (value or ''):match('^([0-7][0-9A-HJKMNP-TV-Z]+) (%d+) (%d+) (%S+)$')
  if id and #id == 26 then return id, at, holds, digest end
end

-- free_key(name, id): the key is free again, if this job has it.
local function free_key(name, id)
  if key_at(name) == id then redis.call('DEL', name) end
end

-- end_key(name, id, keep): the job has ended: the key holds for what is left of its time, or for as long as the job is kept,
-- whichever is longer.
local function end_key(name, id, keep)
  local holder, at, holds = key_at(name)
  if holder ~= id then return end
  redis.call('PEXPIREAT', name, string.format('%.0f', math.max(at + holds, now + keep)))
end
