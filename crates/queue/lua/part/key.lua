-- An idempotency key is a string: "<id> <at> <holds> <digest>".
--   id      the job that has it
--   at      when that was enqueued, ms since the epoch
--   holds   how long the key holds at least from then, in ms
--   digest  of its args as they were enqueued, "-" = not known: then all args count as equal

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
