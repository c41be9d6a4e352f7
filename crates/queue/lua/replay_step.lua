-- Advances the open replays, by at most 500 letters and by no more than their rates allow since the last step,
-- whoever made it.
--
-- KEYS  1 dead  2 groups  3 records  4 data  5 active  6 stats  7 idle  8 gate  9 open replays  10 operations
--       11 audit  12 lanes  13 lane  14 tenants  15 turns  16 letters  17 deliveries
-- ARGV  1 who asks
-- Returns {in how many ms the next step is of use, 0 = at once, -1 = none is open; the other open operations, which the caller is
--         to carry on by a step, as nobody else does now}
local dead, groups, records, data, active, stats, idle, gate, open, operations, log = unpack(KEYS)
local keys = {
  dead = dead, groups = groups, records = records, data = data, active = active, stats = stats, idle = idle,
  lanes = KEYS[12], lane = KEYS[13], tenants = KEYS[14], turns = KEYS[15], letters = KEYS[16], deliveries = KEYS[17],
}
local left, others = 500, {}

-- The next ones of an operation of named letters, and how many are through then.
local function named_ones(id, through, want)
  local all = of_operation(operations, id, 'letters')
  local sound, named = pcall(cmsgpack.unpack, all or '')
  local ids = {}
  for n = through + 1, math.min(through + want, sound and type(named) == 'table' and #named or 0) do ids[#ids + 1] = named[n] end
  return ids, through + #ids
end

local function step(id)
  local op = operation_of(operations, id)
  if op.act and op.state == 'running' then
    local till, who = (op.busy or ''):match('^(%d+) (%S+)$')
    till = tonumber(till)
    if till and who ~= ARGV[1] and till > now and till <= now + BUSY then return till - now end
    note_operation(operations, id, 'busy', string.format('%.0f %s', now + BUSY, ARGV[1]))
    others[#others + 1] = id
    return nil
  end
  -- One that is not of this form is none: it must not hold up the others.
  for _, name in ipairs({ 'completed', 'again', 'otherwise', 'moved', 'heard', 'rate', 'stepped', 'cutoff' }) do
    if not tonumber(op[name]) then op.state = 'broken' end
  end
  if not (op.what and op.score and op.id) then op.state = 'broken' end
  if op.state == 'watching' then
    -- Half a minute without a word: their runs have not come up, or were lost.
    local reported = op.completed + op.again + op.otherwise
    -- From before the clock was set back.
    if tonumber(op.heard) > now then
      op.heard = stamp
      note_operation(operations, id, 'heard', stamp)
    end
    if reported >= tonumber(op.moved) or now - op.heard > 30000 then
      finish(operations, id, open, log, 'done', {})
      return nil
    end
    return 250
  end
  if op.state ~= 'running' then
    redis.call('SREM', open, id)
    return nil
  end
  -- What dies again in the millisecond of the cut-off would be taken for one that died before it.
  if stamp == op.begun then return 1 end
  local rate, want, stepped, since = tonumber(op.rate), left, op.stepped, nil
  if rate > 0 then
    -- What cannot run need not wait there; and where jobs run slower than it drips, they must not pile up: so it holds
    -- whatever holds claims back.
    if redis.call('HEXISTS', gate, 'paused') == 1 then return 1000 end
    if redis.call('LLEN', active) + (tried('ZCARD', keys.lanes) or 0) >= math.max(1000, 10 * rate) then return 250 end
    -- What was not used for more than a second is lost.
    -- Its rate is never used up for a time to come: then the clock was set back.
    if tonumber(stepped) > now + 1 then stepped = stamp end
    since = math.max(tonumber(stepped), now - math.max(1000, 1000 / rate))
    local allowed = math.floor((now - since) * rate / 1000)
    want = math.min(left, allowed)
    if want <= 0 then return math.max(1, math.ceil(since + 1000 / rate - now)) end
    stepped = string.format('%.3f', since + want * 1000 / rate)
  end
  local group = op.what:match('^group:(.*)$')
  local most = tonumber(op.most or '')
  if most then want = math.max(0, math.min(want, most - op.moved)) end
  local ids, last, score, looked, more
  if want == 0 then
    ids, score, looked, more = {}, op.score, 0, false
  elseif op.what == 'named' then
    ids, score = named_ones(id, tonumber(op.score) or 0, want)
    last, looked, more = ids[#ids], #ids, #ids == want
  else
    ids, last, score, looked, more = next_meant(keys, op, group, want, left)
  end
  -- What was looked at and is not meant takes nothing of the rate.
  local full = #ids == want
  if rate > 0 and not full and more then stepped = string.format('%.3f', since + #ids * 1000 / rate) end
  -- Of the named ones some may have been taken out by somebody else; and that a group lists one does not make it dead.
  if op.what ~= 'all' then ids = named(dead, ids) end
  left = left - math.max(looked, 1)
  ids = revive(keys, ids, {
    by = op.by, reason = op.why, operation = id, fresh = op.fresh == 'fresh', in_order = op.what ~= 'named' and op.only == '', watched = rate > 0,
  })
  local moved = op.moved + #ids
  note_operation(operations, id, 'moved', moved, 'stepped', stepped, 'score', score, 'id', last or op.id)
  if #ids > 0 then note_operation(operations, id, 'heard', stamp) end
  if more and not (most and moved >= most) then return (rate == 0 or not full or want == 500) and 0 or 200 end
  if rate > 0 and moved > 0 then
    note_operation(operations, id, 'state', 'watching')
    return 250
  end
  finish(operations, id, open, log, 'done', {})
  return nil
end

local soonest = -1
for _, id in ipairs(redis.call('SMEMBERS', open)) do
  local wait
  if left > 0 then wait = step(id) else wait = 0 end
  if wait and (soonest < 0 or wait < soonest) then soonest = wait end
end
return { soonest, others }
