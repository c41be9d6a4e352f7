-- Cancelled jobs: kept and shown as long as completed ones, and bounded by bytes of their own. A record's `end` says it:
-- "x<ms>", with " sent" behind it where a request of the job may have been carried out.

-- cancel(k, ids, how): cancels those of these jobs, at most 250, that wait. how: {by, reason, force = also what may have been sent,
-- keep = for how long ended jobs are kept, in ms, bytes = up to how many bytes, keys = the idempotency keys that were passed}. k is as
-- part/homes.lua has it, with cancelled, stats, minutes, waiters and lane. Returns for each a word, and the ids of those that it has
-- cancelled; or nil and the keys that were not passed: then nothing was done.
-- word: cancelled; pushed, that is cancelled, and another program wrote something beside its payload; sent: a request may have been
-- carried out, and it was not forced; already: it was cancelled before; or where it is: running, completed, dead, unknown
local function cancel(k, ids, how)
  local words, gone, packed, marks, bytes = {}, {}, {}, {}, 0
  if #ids == 0 then return words, gone end
  -- Asked before any is taken out.
  redis.call('HLEN', k.data)
  redis.call('HGET', k.timeline, 'left')
  local line = cjson.encode({
    worker = how.by, outcome = 'cancelled', reason = how.reason ~= '' and how.reason or nil,
  }):sub(2)
  local seen, meant, wanted = {}, {}, {}
  for n, found in ipairs(homes(k, ids)) do
    local id, home, record = ids[n], found[1], found[2]
    local waits = home == 'pending' or home == 'parked' or home == 'scheduled' or home == 'retryable'
    if seen[id] or home == 'cancelled' then
      words[n] = 'already'
    elseif not waits then
      words[n] = home
    else
      seen[id] = true
      local value = value_of(k.data, id)
      local whole = type(value) == 'string' and value or nil
      local run = { run_of(record) }
      if not record.run and whole and whole:byte(1) == 2 then run[4] = 1 end
      if run[4] ~= 0 and not how.force then
        words[n] = 'sent'
      else
        local before = header(whole)
        meant[#meant + 1] = { id = id, home = home, record = record, run = run, whole = whole, key = before and before.key }
        wanted[#wanted + 1] = before and before.key
        words[n] = before and 'cancelled' or 'pushed'
      end
    end
  end
  local missing = missing_keys(how.keys, wanted)
  if #missing > 0 then return nil, missing end
  for n, job in ipairs(meant) do
    local id, record, whole = job.id, job.record, job.whole
    local used, lost, generation, sent, entries = unpack(job.run)
    local name = job.key and how.keys[job.key]
    if name and sent == 0 then
      free_key(name, id)
    elseif name then
      end_key(name, id, how.keep)
    end
    take_out(k, id, job.home, record)
    record['end'] = 'x' .. stamp .. (sent ~= 0 and ' sent' or '')
    record.op = nil
    set_run(record, used, lost, generation, sent, entries + 1)
    add_history(record, entries + 1, '{"attempt":' .. used .. ',' .. line)
    local text = cmsgpack.pack(record)
    packed[#packed + 1] = id
    packed[#packed + 1] = text
    bytes = bytes + #text + (whole and #whole or 0)
    local mark = marked(whole)
    if mark then
      marks[#marks + 1] = id
      marks[#marks + 1] = mark
    end
    gone[n] = id
  end
  if #gone > 0 then
    redis.call('HSET', k.records, unpack(packed))
    redis.pcall('HDEL', k.lane, unpack(gone))
    -- From now on its record is missed if it is lost.
    if #marks > 0 then redis.call('HSET', k.data, unpack(marks)) end
    write_or_replace('RPUSH', k.cancelled, stamp .. ' ' .. bytes .. ' ' .. table.concat(gone, ' '))
    count(k.stats, 'cancelled', #gone)
    count(k.stats, 'cancelled_bytes', bytes)
    pcall(tell, k.waiters, gone)
    pcall(count_minute, k.minutes, k.stats, { [MINUTE.cancelled] = #gone })
    pcall(prune_cancelled, k, how.keep, how.bytes, 2)
  end
  return words, gone
end
