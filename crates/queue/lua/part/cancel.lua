-- Cancelled jobs: kept and shown as long as completed ones, and bounded by bytes of their own. A record's `end` says it:
-- "x<ms>", with " sent" behind it where a request of the job may have been carried out.

-- cancelled_by(attempt, by, reason): the entry of its history.
local function cancelled_by(attempt, by, reason)
  local line = cjson.encode({ worker = by, outcome = 'cancelled', reason = reason ~= '' and reason or nil })
  return '{"attempt":' .. attempt .. ',' .. line:sub(2)
end

-- add_cancelled(batch, id, record, whole, sent, name, keep): one more job that is cancelled in this call, as write_cancelled writes it.
-- batch: begins as {gone = {}, packed = {}, marks = {}, bytes = 0, notices = as part/notices.lua begins them, or nil}; whole: what stands of it in data, or nil; sent: as run_of
-- says it; name: of its idempotency key, or nil.
local function add_cancelled(batch, id, record, whole, sent, name, keep)
  if name and sent == 0 then
    free_key(name, id)
  elseif name then
    end_key(name, id, keep)
  end
  record['end'] = 'x' .. stamp .. (sent ~= 0 and ' sent' or '')
  if record.op then
    batch.replayed = batch.replayed or {}
    batch.replayed[record.op] = (batch.replayed[record.op] or 0) + 1
  end
  record.op = nil
  local text = cmsgpack.pack(record)
  batch.packed[#batch.packed + 1] = id
  batch.packed[#batch.packed + 1] = text
  batch.bytes = batch.bytes + #text + (whole and #whole or 0)
  local mark = marked(whole)
  if mark then
    batch.marks[#batch.marks + 1] = id
    batch.marks[#batch.marks + 1] = mark
  end
  batch.gone[#batch.gone + 1] = id
  if batch.notices then
    notice(batch.notices, 'cancelled', 'job.cancelled', id, { reason = sent ~= 0 and 'may_have_been_sent' or nil })
  end
end

-- So many operations have a count: more than are remembered.
local MOST_COUNTED = 200

-- count_cancelled_replay(key, op, n): counts jobs that this replay operation had replayed. The oldest count gives way; ids go by time.
local function count_cancelled_replay(key, op, n)
  redis.call('HINCRBY', key, op, n)
  if redis.call('HLEN', key) <= MOST_COUNTED then return end
  local counts, oldest = redis.call('HGETALL', key), op
  for at = 1, #counts, 2 do
    if counts[at] < oldest then oldest = counts[at] end
  end
  redis.call('HDEL', key, oldest)
end

-- write_cancelled(k, batch): k: {records, data, lane, cancelled, stats, waiters, minutes, operations or cancelled_replays}.
local function write_cancelled(k, batch)
  if #batch.gone == 0 then return end
  redis.call('HSET', k.records, unpack(batch.packed))
  redis.pcall('HDEL', k.lane, unpack(batch.gone))
  -- From now on its record is missed if it is lost.
  if #batch.marks > 0 then redis.call('HSET', k.data, unpack(batch.marks)) end
  write_or_replace('RPUSH', k.cancelled, stamp .. ' ' .. batch.bytes .. ' ' .. table.concat(batch.gone, ' '))
  count(k.stats, 'cancelled', #batch.gone)
  count(k.stats, 'cancelled_bytes', batch.bytes)
  for op, n in pairs(batch.replayed or {}) do
    if k.operations then
      pcall(count_end, k.operations, op, 'cancelled', n)
    else
      -- Producers cancel, too, and may not write operations.
      pcall(count_cancelled_replay, k.cancelled_replays, op:match('^%S*'), n)
    end
  end
  pcall(tell, k.waiters, batch.gone)
  pcall(count_minute, k.minutes, k.stats, { [MINUTE.cancelled] = #batch.gone })
end

-- cancel(k, ids, how): cancels those of these jobs, at most 250, that wait, and asks those that run to stop. how: {by, reason,
-- force = also what may have been sent, keep = for how long ended jobs are kept, in ms, bytes = up to how many bytes, keys = the
-- idempotency keys that were passed}. k is as part/homes.lua has it, with cancelled, stats, minutes, waiters, lane, idle and notices. Returns for
-- each a word, the ids of those that it has cancelled, and of those that it has asked; or nil and the keys that were not passed: then
-- nothing was done.
-- word: cancelled; pushed, that is cancelled, and another program wrote something beside its payload; sent: a request may have been
-- carried out, and it was not forced; asked: it runs, and its worker is asked to stop it; asking: it was asked before; already: it was
-- cancelled before; or where it is: completed, dead, unknown
local function cancel(k, ids, how)
  local words, batch, asked = {}, { gone = {}, packed = {}, marks = {}, bytes = 0 }, {}
  if #ids == 0 then return words, {}, {} end
  -- Asked before any is taken out.
  redis.call('HLEN', k.data)
  local known = redis.call('HMGET', k.timeline, 'left', 'notices', 'noticed')
  batch.notices = known[2] and noticing(k.notices, k.timeline, known[2], known[3]) or nil
  local seen, meant, run_on, tokens, wanted = {}, {}, {}, {}, {}
  for n, found in ipairs(homes(k, ids)) do
    local id, home, record = ids[n], found[1], found[2]
    local waits = home == 'pending' or home == 'parked' or home == 'scheduled' or home == 'retryable'
    if seen[id] or home == 'cancelled' then
      words[n] = seen[id] or 'already'
    elseif not waits and home ~= 'running' then
      words[n] = home
    else
      local value = value_of(k.data, id)
      local whole = type(value) == 'string' and value or nil
      local run = { run_of(record) }
      if not tells_runs(record) and whole and whole:byte(1) == 2 then run[4] = 1 end
      if run[4] ~= 0 and not how.force then
        words[n] = 'sent'
      elseif home == 'running' then
        words[n], seen[id] = 'asking', 'asking'
        run_on[#run_on + 1] = { n = n, record = record, token = found[4] }
      else
        seen[id] = 'already'
        local before = header(whole)
        meant[#meant + 1] = { id = id, home = home, record = record, run = run, whole = whole, key = before and before.key }
        wanted[#wanted + 1] = before and before.key
        words[n] = before and 'cancelled' or 'pushed'
      end
    end
  end
  local missing = missing_keys(how.keys, wanted)
  if #missing > 0 then return nil, missing end
  for _, job in ipairs(meant) do
    local used, lost, generation, sent, entries = unpack(job.run)
    take_out(k, job.id, job.home, job.record)
    set_run(job.record, used, lost, generation, sent, entries + 1)
    add_history(job.record, entries + 1, cancelled_by(used, how.by, how.reason))
    add_cancelled(batch, job.id, job.record, job.whole, sent, job.key and how.keys[job.key], how.keep)
  end
  for _, job in ipairs(run_on) do
    if ask_to_stop(k.records, ids[job.n], job.record, how) then
      words[job.n] = 'asked'
      asked[#asked + 1] = ids[job.n]
      tokens[#tokens + 1] = job.token
    end
  end
  if batch.notices then write_notices(batch.notices, k.stats) end
  write_cancelled(k, batch)
  if #batch.gone > 0 then pcall(prune_cancelled, k, how.keep, how.bytes, 2) end
  if #asked > 0 then tell_workers(k.timeline, k.idle, tokens) end
  return words, batch.gone, asked
end

-- audit_cancel(log, how, entry, gone, asked): what an operator did. entry: {act, target}; without a target the ids are named.
local function audit_cancel(log, how, entry, gone, asked)
  for _, done in ipairs({ { 'cancel', gone }, { 'stop', asked } }) do
    local action, ids = unpack(done)
    if #ids > 0 then
      audit(log, {
        act = entry.act, by = how.by, action = action, target = entry.target or list(ids), reason = how.reason, count = #ids,
        result = how.force and 'also what may have been sent' or '',
      })
    end
  end
end
