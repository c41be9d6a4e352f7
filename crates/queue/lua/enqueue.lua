-- Puts jobs into the queue. Idempotent by id: a job whose id is known is left as it is, so an enqueue whose
-- answer was lost can be repeated.
--
-- KEYS  1 data  2 active  3 scheduled  4 signal  5 meta (prefix)  6 idempotency (prefix)  7 stats
-- ARGV  1 how long an idempotency key holds, in ms; then 7 for each job, at most 500 jobs:
--       id, payload, delay ("" = now, "+<ms>" = from now, "<ms>" = at), idempotency key ("" = none),
--       expires in ms ("" = never), traceparent ("" = none), tracestate ("" = none)
-- Returns for each job "" if it is in the queue under its own id, else the id that holds its key.
local data, active, scheduled, signal, meta, idempotency, stats = unpack(KEYS)
local answers, pending, added, soonest = {}, {}, 0, nil
for i = 2, #ARGV, 7 do
  local id, payload, delay, key, expires = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local answer = ''
  if key ~= '' then
    local holder = redis.call('SET', idempotency .. ':' .. key, id, 'NX', 'GET', 'PX', ARGV[1])
    if holder and holder ~= id then answer = holder end
  end
  if answer == '' and redis.call('HSETNX', data, id, payload) == 1 then
    added = added + 1
    local record = { 'at', stamp }
    if expires ~= '' then
      record[#record + 1] = 'exp'
      record[#record + 1] = now + expires
    end
    if key ~= '' then
      record[#record + 1] = 'idempotency_key'
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
    redis.call('HSET', meta .. ':' .. id, unpack(record))
    local due = now
    if delay ~= '' then due = delay:sub(1, 1) == '+' and now + delay:sub(2) or tonumber(delay) end
    if due > now then
      redis.call('ZADD', scheduled, seconds(due), id)
      soonest = soonest and math.min(soonest, due) or due
    else
      pending[#pending + 1] = id
    end
  end
  answers[#answers + 1] = answer
end
if added > 0 then redis.call('HINCRBY', stats, 'enqueued', added) end
if #pending > 0 then redis.call('RPUSH', active, unpack(pending)) end
-- A process that sleeps until the next due time learns of a sooner one.
if #pending > 0 or (soonest and soonest < now + 2000) then wake(signal) end
return answers
