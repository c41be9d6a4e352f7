-- The timeline of a queue: one hash, by which workers notice a Redis that forgot (restored from a backup, restarted without
-- its last writes, or a replica promoted with lag).
--   nonce     names the timeline, "<n>.<ms>.<worker>"; n goes up with each
--   seq       goes up with each claim and each settle
--   w:<worker>   the seq of that worker's last claim or settle, or of the last time that it told what Redis forgot
--   from, at  the timeline before this one (of several within one hold, the one before the first), and the seq up to which its claims and
--             settles are known here
--   hold      claims are held while it holds (part/hold.lua)
--   server    the process of Redis that the queue was last worked on, "<run id> <since ms> <seq then> <the one before>"
--   check     another process of Redis works the queue since: claims are held while it holds, so that every living worker
--             can compare what it remembers by its heartbeat before a forgotten job is handed out
--   compared  "<run id> <worker> …": who has compared since that check began
--   look      "<until ms> <ms>": a worker that claims looks again by itself when the first is over; when it last took some (claim.lua)
--   rescue    "<worker> <hold>": who looks through the jobs of lost workers, and may be at it for so long (sweep.lua)
--   walked    when somebody was asked last to look through all running jobs, ms (beat.lua)
--   left      how many ids stand in the waiting list although their jobs are elsewhere (part/elsewhere.lua)
--   asks      how often running jobs were asked to stop (part/stop.lua)
--   max_waiting   how many jobs may wait in the queue (part/max_waiting.lua)
--   notices, noticed   which notices are wanted, and the sequence of the last one (part/notices.lua)
--   layout    how the queue's keys are laid out: another edition's are not ours to read or write

local LAYOUT = '2'

-- A list of more workers than that is not kept, and the check lasts its whole time.
local MOST_COMPARED = 200

local function number_of(nonce) return tonumber((nonce or ''):match('^(%d+)') or 0) end

-- look_at_server(key, known, server, seq, hold_ms): notes the process of Redis that the caller is connected to, and begins a
-- check where it is another one than before. known: the field. Returns the seq at which this process began, or nil where
-- that is not known, and true if a check begins.
local function look_at_server(key, known, server, seq, hold_ms)
  if server == '' then return end
  local id, since, base, before = (known or ''):match('^(%S+) (%d+) (%d+) (%S*)$')
  if id == server then return tonumber(base) end
  local text = server .. ' ' .. stamp .. ' ' .. string.format('%.0f', seq) .. ' ' .. (id or '')
  -- A proxy may say now one, now another id, of servers that are not restarted: that must not hold claims for ever.
  if before == server and now - since < 60000 then
    redis.call('HSET', key, 'server', text)
    return
  end
  if not id then
    redis.call('HSET', key, 'server', text)
    return seq
  end
  redis.call('HSET', key, 'server', text, 'check', hold(hold_ms))
  return seq, true
end

-- note_compared(key, server, worker): this worker remembers nothing that this process of Redis has forgotten.
local function note_compared(key, server, worker)
  local known = redis.call('HGET', key, 'compared') or ''
  if known:match('^%S*') ~= server then known = server end
  if #known < MOST_COMPARED * 100 and not (known .. ' '):find(' ' .. worker .. ' ', 1, true) then
    redis.call('HSET', key, 'compared', known .. ' ' .. worker)
  end
end

-- still_checking(t, workers): until when a check holds claims, or nil where it is over: after two thirds of its time, if every
-- worker that Redis knows to be alive has compared. Until then one may come that Redis forgot to have joined.
local function still_checking(t, workers)
  local known = redis.call('HMGET', t.key, 'check', 'compared')
  local till, made, cap = (known[1] or ''):match('^(%d+) (%d+) (%d+)$')
  if not till then return end
  local least = made + cap * 2 / 3
  if now < least then return math.min(least, t.check) end
  -- The cap is half of what makes a lease old.
  local alive = redis.call('ZRANGE', workers, made - 2 * cap, '+inf', 'BYSCORE', 'LIMIT', 0, MOST_COMPARED + 1)
  local compared = (known[2] or '') .. ' '
  local all = #alive <= MOST_COMPARED and compared:match('^%S+') == t.server
  for _, worker in ipairs(alive) do all = all and compared:find(' ' .. worker .. ' ', 1, true) end
  if not all then return math.min(t.check, now + 250) end
  redis.call('HDEL', t.key, 'check', 'compared')
end

-- on_timeline(key, workers, told, hold_ms): what a caller remembers, beside what is known. told:
-- "<nonce> <seq> <worker> <own> <server>": the timeline that the caller is on ("" = none yet), the highest seq it has seen of
-- it, its worker, the seq of that worker's last answered claim or settle, and the run id of the Redis that it is connected
-- to ("" = not known). Returns {key, nonce, seq, worker, till: claims are held until then or 0, check: and for a check of
-- the server or 0, server, left, look, asks, noticed,
-- news: nil; forgot: Redis knows less than the caller, and a new timeline has begun, which holds claims for so many ms;
-- changed: somebody else has begun one}.
local function on_timeline(key, workers, told, hold_ms)
  local nonce, seq, worker, own, server = told:match('^(%S*) (%d+) (%S*) (%d+) (%S*)$')
  seq, own = tonumber(seq), tonumber(own)
  local known = redis.call('HMGET', key, 'nonce', 'seq', 'w:' .. worker, 'hold', 'left', 'server', 'check', 'look', 'asks', 'noticed')
  local t = {
    key = key, nonce = known[1], seq = tonumber(known[2] or nil) or 0, worker = worker, till = held_until(known[4] or '') or 0,
    check = held_until(known[7] or '') or 0, left = tonumber(known[5] or nil) or 0, look = known[8] or nil,
    asks = tonumber(known[9] or nil) or 0, noticed = known[10], server = server,
  }
  -- Every living worker comes within one and a half heartbeats, and a lease is at least three of them.
  local base, begins = look_at_server(key, known[6], server, t.seq, hold_ms / 2)
  if begins and t.nonce then t.check = now + hold_ms / 2 end
  if nonce == '' then
    if not t.nonce then
      t.nonce = '1.' .. stamp .. '.' .. worker
      redis.call('HSET', key, 'nonce', t.nonce, 'layout', LAYOUT)
    end
    return t
  end
  local mine = tonumber(known[3] or nil) or 0
  local n, known_n = number_of(nonce), number_of(t.nonce)
  local forgot
  if t.nonce == nonce then
    -- A worker that was lost, or has left, has no seq any more; nor has one that joined after the copy was made.
    forgot = t.seq < seq or (mine < own and (known[3] or t.check > 0 or redis.call('ZSCORE', workers, worker)))
  else
    -- Two of the same number are none the other's past: Redis was emptied, or forgot that one was begun.
    forgot = known_n < n or (known_n == n and t.till == 0)
  end
  if forgot then
    -- What others have done since this process of Redis began is not what it has from before. While that is being told, and Redis forgets
    -- once more, it is not told yet: then what was known before stays.
    if t.till == 0 or not t.nonce then
      redis.call('HSET', key, 'from', t.nonce or '', 'at', math.min(base or t.seq, t.seq))
    end
    t.nonce = (math.max(known_n, n) + 1) .. '.' .. stamp .. '.' .. worker
    t.seq = math.max(t.seq, seq) + 1
    t.till = now + hold_ms
    t.check = 0
    t.news = 'forgot'
    redis.call('HSET', key, 'nonce', t.nonce, 'layout', LAYOUT, 'seq', t.seq, 'hold', hold(hold_ms))
    redis.call('HDEL', key, 'check', 'compared')
  elseif t.nonce ~= nonce then
    t.news = 'changed'
  elseif t.check > 0 and worker ~= '' and server ~= '' then
    note_compared(key, server, worker)
  end
  return t
end

-- go_on(t): counts a claim or a settle.
local function go_on(t)
  t.seq = t.seq + 1
  -- As text, made once: Redis is slow at writing numbers.
  local seq = string.format('%.0f', t.seq)
  if t.worker == '' then
    redis.call('HSET', t.key, 'seq', seq)
  else
    redis.call('HSET', t.key, 'seq', seq, 'w:' .. t.worker, seq)
  end
end
