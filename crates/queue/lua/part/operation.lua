-- An operation: an act on many jobs, which any process carries on. All of them are in one hash, `operations`, each field of one under
-- "<its id>:<field>".
--   act       cancel: what waits is cancelled, what runs is asked to stop; reschedule: what waits is due at another time; discard: dead letters
--             are removed for good; forget: what waits is cancelled, and what stands of one person is removed; absent = a replay of dead letters
--   by, why   who asked for it, and why
--   state     running; watching (of a replay: all are moved, first runs are still out); stopped, cancelled, done
--   begun, ended   when, in ms
--   total     how many jobs there were when it began
-- Of a replay:
--   what      the letters it is of: "all", "group:<group>", or "named": those of `letters`
--   only      which of those, in JSON (LetterFilter); "" = all. What it says of their deaths and of how many are in the cursor and `most`
--   words     which letters, in words, where not all of them are meant
--   most      how many are moved at the most; "" = all
--   letters   the named ones, at most 1000, in the order of their deaths: { id, … } in MessagePack
--   fresh     "fresh": each letter gets its time again
--   rate      letters a second, 0 = as fast as it goes
--   cutoff    what died later is not replayed, in seconds
--   score, id its cursor: the letter it moved last; of named ones, how many are through
--   stepped   up to when its rate is used up, ms
--   heard     when it was last heard of (a letter moved, a first run reported), in ms
--   moved     how many are moved
--   completed, again, otherwise   with a rate: how many first runs completed, failed of what the letter had died of, or of something else
--   late, dead_again   how many completed in a later run, or without a rate in any; died again (count_end)
--   cancelled   how many were cancelled while they ran; of those that waited it is the field of its id in `cancelled_replays`
--   last      the last 20 reports, a line each: s; f and the cause; o and the cause
--   cause     why it stopped itself
-- Of a cancel:
--   filter, words   which jobs, in JSON (JobFilter) and in words. What was enqueued after it began is not meant
--   force     "force": also what may have been sent
--   cursor    "<which place> <how far>" (cancel_many.rs)
--   busy      "<until ms> <who>": who looks for jobs for it now, so that others need not
--   done, asked, failed, looked   how many are cancelled, run and are asked to stop, could not be, and were looked at
-- Of a reschedule: filter, words, cursor, busy, done, failed and looked as a cancel has them, and
--   due       when they are due from then on, in ms
-- Of a discard: what, only, words, most, cutoff, score, id and busy as above, and
--   done      how many are discarded
-- Of a forget: words, cursor, busy, done, asked and looked as a cancel has them, and
--   person    who, and what is looked at, in JSON (PersonFilter): a hash. It goes when the operation is done
--   until     what was enqueued up to then is meant, in ms

-- So long one process has an operation to itself, from its last step.
local BUSY = 1000

-- All fields but the letters.
local OPERATION = {
  'act', 'by', 'why', 'state', 'begun', 'ended', 'total', 'what', 'only', 'most', 'fresh', 'rate', 'cutoff', 'score', 'id', 'stepped', 'heard',
  'moved', 'completed', 'again', 'otherwise', 'last', 'cause', 'filter', 'words', 'force', 'cursor', 'busy', 'done', 'asked', 'failed', 'looked',
  'person', 'until', 'late', 'dead_again', 'cancelled', 'due',
}

-- of_operation(operations, id, field, …): these fields of one, false for what it has not.
local function of_operation(operations, id, ...)
  local names = { ... }
  for n, name in ipairs(names) do names[n] = id .. ':' .. name end
  return unpack(redis.call('HMGET', operations, unpack(names)))
end

-- operation_of(operations, id): all that it has, by field.
local function operation_of(operations, id)
  local op = {}
  for n, value in ipairs({ of_operation(operations, id, unpack(OPERATION)) }) do op[OPERATION[n]] = value or nil end
  return op
end

-- note_operation(operations, id, field, value, …): writes these fields of one.
local function note_operation(operations, id, ...)
  local fields = { ... }
  for n = 1, #fields, 2 do fields[n] = id .. ':' .. fields[n] end
  redis.call('HSET', operations, unpack(fields))
end

-- count_operation(operations, id, field, n): counts.
local function count_operation(operations, id, field, n) redis.call('HINCRBY', operations, id .. ':' .. field, n) end

-- forget_operation(operations, id, field, …): removes these fields of one.
local function forget_operation(operations, id, ...)
  local names = { ... }
  for n, name in ipairs(names) do names[n] = id .. ':' .. name end
  redis.call('HDEL', operations, unpack(names))
end

-- count_end(operations, op, name, n): so many jobs that an operation replayed have ended so. op: what the record of such a job says of it,
-- "<operation> …". One that is forgotten is not begun anew.
local function count_end(operations, op, name, n)
  local id = op:match('^%S+')
  if id and redis.call('HEXISTS', operations, id .. ':state') == 1 then count_operation(operations, id, name, n) end
end

-- finish(operations, id, open, log, state, more): ends an operation, and tells the audit. more: {by =, reason =, result =}
local function finish(operations, id, open, log, state, more)
  local what, moved, act, words, done, failed, asked = of_operation(operations, id, 'what', 'moved', 'act', 'words', 'done', 'failed', 'asked')
  local rate, completed, again, otherwise = of_operation(operations, id, 'rate', 'completed', 'again', 'otherwise')
  note_operation(operations, id, 'state', state, 'ended', stamp)
  if state == 'done' then forget_operation(operations, id, 'letters', 'person') end
  redis.call('SREM', open, id)
  local actions = { stopped = 'replay_stopped', cancelled = 'replay_cancel', done = 'replay_done' }
  local result = (moved or '0') .. ' replayed'
  -- When it stops, or is cancelled, first runs are still out: their numbers are not the last ones.
  if state == 'done' and (tonumber(rate or 0) or 0) > 0 then
    local other = (tonumber(again or 0) or 0) + (tonumber(otherwise or 0) or 0)
    result = result .. string.format(': %s completed, %.0f failed', completed or '0', other)
  end
  if more.result then result = result .. '; ' .. more.result end
  if act then
    actions = { cancelled = act .. '_cancel', done = act .. '_done' }
    local function and_so(count, what) return count and count ~= '0' and ', ' .. count .. what or '' end
    result = (done or '0') .. (({ forget = ' forgotten', reschedule = ' rescheduled', discard = ' discarded' })[act] or ' cancelled')
    result = result .. (asked and ', ' .. asked .. ' asked to stop' or '') .. and_so(failed, ' not')
  end
  if words == '' then words = false end
  audit(log, {
    act = id, by = more.by or 'longshore', action = actions[state], target = words or what or '', reason = more.reason, result = result,
  })
end

-- remember(known, open, operations, id): notes one that begins. The last hundred are remembered.
local function remember(known, open, operations, id)
  redis.call('ZADD', known, now, id)
  redis.call('SADD', open, id)
  for _, old in ipairs(redis.call('ZRANGE', known, 0, -101)) do
    if redis.call('SISMEMBER', open, old) == 0 then
      redis.call('ZREM', known, old)
      forget_operation(operations, old, 'letters', unpack(OPERATION))
    end
  end
end
