-- The timeline of a queue: one hash, by which workers notice a Redis that forgot (restored from a backup, restarted without
-- its last writes, or a replica promoted with lag).
--   nonce     names the timeline, "<n>.<ms>.<worker>"; n goes up with each
--   seq       goes up with each claim and each settle
--   w:<worker>   the seq of that worker's last claim or settle
--   from, at  the timeline before this one, and the seq up to which its claims and settles are known here
--   hold      claims are held while it holds (part/hold.lua)
--   left      how many ids stand in the waiting list although their jobs are elsewhere (reclaim.lua)

local function number_of(nonce) return tonumber((nonce or ''):match('^(%d+)') or 0) end

-- on_timeline(key, workers, told, hold_ms): what a caller remembers, beside what is known. told: "<nonce> <seq> <worker> <own>":
-- the timeline that the caller is on ("" = none yet), the highest seq it has seen of it, its worker, and the seq of that
-- worker's last answered claim or settle. Returns {key, nonce, seq, worker, till: claims are held until then or 0, left,
-- news: nil; forgot: Redis knows less than the caller, and a new timeline has begun, which holds claims for so many ms;
-- changed: somebody else has begun one}.
local function on_timeline(key, workers, told, hold_ms)
  local nonce, seq, worker, own = told:match('^(%S*) (%d+) (%S*) (%d+)$')
  seq, own = tonumber(seq), tonumber(own)
  local known = redis.call('HMGET', key, 'nonce', 'seq', 'w:' .. worker, 'hold', 'left')
  local t = { key = key, nonce = known[1], seq = tonumber(known[2] or 0), worker = worker, till = held_until(known[4] or '') or 0, left = tonumber(known[5] or 0) }
  if nonce == '' then
    if not t.nonce then
      t.nonce = '1.' .. stamp .. '.' .. worker
      redis.call('HSET', key, 'nonce', t.nonce)
    end
    return t
  end
  local mine = tonumber(known[3] or 0)
  local n, known_n = number_of(nonce), number_of(t.nonce)
  local forgot
  if t.nonce == nonce then
    -- A worker that was lost, or has left, has no seq any more.
    forgot = t.seq < seq or (mine < own and (known[3] or redis.call('ZSCORE', workers, worker)))
  else
    -- Two of the same number are none the other's past: Redis was emptied, or forgot that one was begun.
    forgot = known_n < n or (known_n == n and t.till == 0)
  end
  if forgot then
    redis.call('HSET', key, 'from', t.nonce or '', 'at', t.seq)
    t.nonce = (math.max(known_n, n) + 1) .. '.' .. stamp .. '.' .. worker
    t.seq = math.max(t.seq, seq) + 1
    t.till = now + hold_ms
    t.news = 'forgot'
    redis.call('HSET', key, 'nonce', t.nonce, 'seq', t.seq, 'hold', hold(hold_ms))
  elseif t.nonce ~= nonce then
    t.news = 'changed'
  end
  return t
end

-- go_on(t): counts a claim or a settle.
local function go_on(t)
  t.seq = t.seq + 1
  if t.worker == '' then
    redis.call('HSET', t.key, 'seq', t.seq)
  else
    redis.call('HSET', t.key, 'seq', t.seq, 'w:' .. t.worker, t.seq)
  end
end
