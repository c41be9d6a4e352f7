-- Puts jobs into the queue. Idempotent by id: a job whose id is known is left as it is, so an enqueue whose
-- answer was lost can be repeated.
--
-- KEYS  1 data  2 active  3 scheduled  4 signal  5 meta (prefix)  6 idempotency (prefix)  7 stats
-- ARGV  1 how many of the jobs have an idempotency key, or "look": nothing is enqueued, only keys are looked at; then 7 for each job, at most 500 jobs:
--       id, payload, delay ("" = now, "+<ms>" = from now, "<ms>" = at),
--       idempotency key ("" = none, else "<holds ms> <digest, or -> <kind>:<name>"; part/key.lua),
--       expires so many ms after it is due ("" = never), traceparent ("" = none), tracestate ("" = none)
-- Returns {refused, answers}
--         refused: of each job whose key stands for other args: its place, the job that has the key, since when in ms.
--                  Then nothing was enqueued
--         answers: for each job "" if it is in the queue under its own id, else the id that has its key
-- Parts: now, ours, wake, write, key
local data, active, scheduled, signal, meta, idempotency, stats = unpack(KEYS)

-- Who has which key: looked up once, before anything is written.
local has, refused = {}, {}
if ARGV[1] ~= '0' then
  for i = 2, #ARGV, 7 do
    local id, holds, digest, name = ARGV[i], ARGV[i + 3]:match('^(%d+) (%S+) (.*)$')
    if name then
      if has[name] == nil then
        local holder, at, _, of = key_at(idempotency .. ':' .. name)
        -- A job that has ended leaves its key with a time limit. Without one, and without its job, it is a leftover.
        local lost = holder and redis.call('HEXISTS', data, holder) == 0
          and redis.call('EXISTS', meta .. ':' .. holder) == 0
          and redis.call('PTTL', idempotency .. ':' .. name) == -1
        has[name] = holder and not lost and { id = holder, at = at, digest = of } or false
      end
      local held = has[name]
      if not held then
        has[name] = { id = id, at = stamp, digest = digest, holds = holds }
      elseif held.id ~= id and held.digest ~= '-' and digest ~= '-' and held.digest ~= digest and #refused < 300 then
        refused[#refused + 1] = (i - 2) / 7 + 1
        refused[#refused + 1] = held.id
        refused[#refused + 1] = held.at
      end
    end
  end
  if #refused > 0 or ARGV[1] == 'look' then return { refused, {} } end
end

-- Each is asked before the first is written: a job whose payload is known counts as enqueued, so that none must be without
-- its place.
redis.call('HLEN', data)
redis.call('LLEN', active)
redis.call('ZCARD', scheduled)
local answers, pending, added, soonest = {}, {}, 0, nil
for i = 2, #ARGV, 7 do
  local id, payload, delay, key, expires = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local answer = ''
  if key ~= '' then
    key = key:match('^%d+ %S+ (.*)$')
    local held = has[key]
    if held.id ~= id then
      answer = held.id
    elseif held.holds then
      redis.call('SET', idempotency .. ':' .. key, table.concat({ id, held.at, held.holds, held.digest }, ' '))
    end
  end
  if answer == '' and redis.call('HSETNX', data, id, payload) == 1 then
    added = added + 1
    local record = { 'at', stamp }
    local due = now
    if delay ~= '' then due = math.max(now, delay:sub(1, 1) == '+' and now + delay:sub(2) or tonumber(delay)) end
    if due > now then
      record[#record + 1] = 'due'
      record[#record + 1] = string.format('%.0f', due)
    end
    if expires ~= '' then
      record[#record + 1] = 'exp'
      record[#record + 1] = string.format('%.0f', due + expires)
    end
    if key ~= '' then
      record[#record + 1] = 'key'
      record[#record + 1] = key
    end
    if ARGV[i + 5] ~= '' then
      record[#record + 1] = 'traceparent'
      record[#record + 1] = ARGV[i + 5]
    end
    if ARGV[i + 6] ~= '' then
      record[#record + 1] = 'tracestate'
      record[#record + 1] = ARGV[i + 6]
    end
    write(meta .. ':' .. id, record)
    if due > now then
      redis.call('ZADD', scheduled, seconds(due), id)
      soonest = soonest and math.min(soonest, due) or due
    else
      pending[#pending + 1] = id
    end
  end
  answers[#answers + 1] = answer
end
if added > 0 then count(stats, 'enqueued', added) end
if #pending > 0 then redis.call('RPUSH', active, unpack(pending)) end
-- A process that sleeps until the next due time learns of a sooner one.
if #pending > 0 or (soonest and soonest < now + 2000) then wake(signal) end
return { refused, answers }
