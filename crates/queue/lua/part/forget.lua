-- Forgetting what stands of a person in a job. What says how the job went stays: when, by which worker, at which provider, with which
-- code. Its record has `forgotten` from then on: "<ms> <by whom and why, JSON>". Nothing of such a job is carried out again.

-- Of an entry of a history, in JSON, only this is kept.
local KEPT = { 'attempt', 'worker', 'outcome', 'probe', 'operation', 'duration_ms', 'provider', 'status', 'code' }

local function without_texts(entry)
  if type(entry) ~= 'table' then return nil end
  local kept = {}
  for _, name in ipairs(KEPT) do
    if type(entry[name]) ~= 'table' then kept[name] = entry[name] end
  end
  return kept
end

-- stripped(text, read): "<ms> <JSON>" with only what is kept of it, or nil where it does not read. read: what of it is the entry.
local function stripped(text, read)
  local at, json = text:match('^(%d+) (.*)$')
  local sound, decoded = pcall(cjson.decode, json or '')
  local kept = sound and type(decoded) == 'table' and read(decoded) or nil
  return kept and at .. ' ' .. cjson.encode(kept)
end

-- forget_delivery(deliveries, ages, message, id): what is known of the job's message.
local function forget_delivery(deliveries, ages, message, id)
  sound_deliveries(deliveries, ages)
  local known = delivery(deliveries, message)
  if not known or known.job ~= id then return end
  count_deliveries(deliveries, -delivery_cost(message, redis.call('HGET', deliveries, message)))
  redis.call('HDEL', deliveries, message)
  redis.call('ZREM', ages, message)
end

-- forget_job(k, id, home, how): strips a job that has ended. k: as part/homes.lua has it, with deliveries and ages. how: {by, reason,
-- operation, keep, payload = what stands in the place of the payload, key = its idempotency key's name, if it is among the KEYS, drop =
-- the key names the person, tenant = its tenant does}. Returns whether there was something to strip.
local function forget_job(k, id, home, how)
  local record = record_of(k.records, id)
  if record.forgotten then return false end
  local value = redis.call('HGET', k.data, id)
  local before = header(value)
  if before and how.tenant and before.lane then redis.pcall('ZREM', k.tenants, before.lane) end
  if how.key and how.drop then
    free_key(how.key, id)
  elseif how.key and home == 'dead' then
    -- It held for as long as the letter could be replayed.
    end_key(how.key, id, how.keep)
  end
  local used, lost, generation, sent, entries = run_of(record)
  if not tells_runs(record) and value and value:byte(1) == 2 then sent = 1 end
  local kept = { ['end'] = record['end'], waits = record.waits }
  for name, text in pairs(record) do
    if name:match('^h%d+$') then kept[name] = stripped(text, without_texts) end
  end
  local line = { worker = how.by, outcome = 'forgotten', operation = how.operation, reason = how.reason ~= '' and how.reason or nil }
  set_run(kept, used, lost, generation, sent, entries + 1)
  add_history(kept, entries + 1, '{"attempt":' .. used .. ',' .. cjson.encode(line):sub(2))
  kept.forgotten = stamp .. ' ' .. cjson.encode({ by = how.by, reason = how.reason })
  if record.msg then forget_delivery(k.deliveries, k.ages, record.msg, id) end
  write_record(k.records, id, kept)
  -- Of the header the times stay.
  if value then redis.call('HSET', k.data, id, (before and '\2' .. value:sub(2, before.rest - 1) .. '\0' or '') .. how.payload) end
  local completion = tried('HGET', k.completions, id)
  if completion then
    local text = stripped(completion, function(ended) return { history = without_texts(ended.history) } end)
    redis.call('HSET', k.completions, id, text or stamp .. ' {}')
  end
  redis.pcall('HDEL', k.lane, id)
  return true
end
