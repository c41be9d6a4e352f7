-- A running job that is asked to stop. Its record says so: `stop` is "<ms> <1 by force, else 0> <by whom and why, JSON>". Every verdict on its
-- claim but "completed" takes that away, so it is never about a later claim. It is kept to be shown: of a job that completed all the
-- same where it stands, of one that goes on or died as `stop_was`. The worker looks when the timeline's `asks` has gone up (asked.lua): a message says so, and each heartbeat.

-- stop_of(record): {force, by, reason}, or nil.
local function stop_of(record)
  local force, json = (record.stop or ''):match('^%d+ ([01]) (.*)$')
  if not force then return nil end
  local sound, who = pcall(cjson.decode, json)
  who = sound and type(who) == 'table' and who or {}
  local function text(value) return type(value) == 'string' and value or '' end
  return { force = force == '1', by = text(who.by), reason = text(who.reason) }
end

-- ask_to_stop(records, id, record, how): writes that it is asked. how: {force, by, reason}. Returns whether it was not before.
local function ask_to_stop(records, id, record, how)
  local before = stop_of(record)
  if before and (before.force or not how.force) then return false end
  record.stop = stamp .. (how.force and ' 1 ' or ' 0 ') .. cjson.encode({ by = how.by, reason = how.reason })
  write_record(records, id, record)
  return true
end

-- tell_workers(timeline, idle, tokens): has those look that have the jobs with these claim tokens.
local function tell_workers(timeline, idle, tokens)
  redis.call('HINCRBY', timeline, 'asks', 1)
  local told = {}
  for _, token in ipairs(tokens) do
    local process = token:match('^(.*)%-[^-:]*:r?%d+f?$')
    if process and not told[process] then
      told[process] = true
      redis.pcall('SPUBLISH', idle .. ':stop:' .. process, 'stop')
    end
  end
end
