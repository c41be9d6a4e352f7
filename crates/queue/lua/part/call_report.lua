-- What calls say of their provider. p describes it: {name, suffix of its fields in the gate, spec of its breaker, version of
-- its credentials}; it also keeps what was changed until `write_reports`. Most calls say that all is well, which changes
-- nothing: `unchanging` was the last report, and changed nothing, so it need not be applied again.

-- apply_report(p, gate, breakers, report, by): report is "<word>:<epoch>:<marks>:<rest>"; by is {reach =, workers =, process = who reports it}
--   word   s it went well  f it failed  l it was not reached  n nothing  h come back in <rest> ms
--          u our credentials are refused, <rest> says why
--   marks  p it was a probe  f by the fallback  t it was no call, only a handshake: it never decides a probe
-- What was not reached is a failure only where it is the provider's trouble, as far as can be told (part/reach.lua).
local function apply_report(p, gate, breakers, report, by)
  local word, epoch, marks, rest = report:match('^(%a):(%d+):(%a*):(.*)$')
  local probe = marks:find('p') ~= nil
  if word == 'h' then
    local field = 'held' .. p.suffix
    local till = held_until(redis.call('HGET', gate, field)) or 0
    if now + rest > till then redis.call('HSET', gate, field, hold(tonumber(rest))) end
  elseif word == 'u' then
    local pause = cjson.encode({ by = 'longshore', reason = p.name .. ' refuses our credentials: ' .. rest, since = now })
    redis.call('HSETNX', gate, 'refused' .. p.suffix, pause)
    redis.call('HSET', gate, 'refused_until' .. p.suffix, hold(60000), 'refused_version' .. p.suffix, p.version)
  elseif word == 's' and probe then
    if p.spec[1] > 0 then p.breaker = p.breaker or read_breaker(breakers, p.name) end
    -- One whose time was over was accepted before somebody else was refused.
    if not p.breaker or p.breaker.epoch == tonumber(epoch) then p.let_through = true end
  elseif word == 'l' then
    if p.theirs == nil then p.theirs = not_reached(by.reach, by.workers, p.name, by.process) end
    word = p.theirs and 'f' or 'n'
    if marks:find('t') then
      p.breaker = p.breaker or read_breaker(breakers, p.name)
      epoch = p.breaker.epoch
      if p.breaker.state ~= 'closed' then word = 'n' end
    end
  end
  local changed = false
  if p.spec[1] > 0 then
    p.breaker = p.breaker or read_breaker(breakers, p.name)
    if word == 's' or word == 'f' then
      changed = judge(p.breaker, word, tonumber(epoch), p.spec)
    elseif probe and p.breaker.state == 'half' and p.breaker.epoch == tonumber(epoch) then
      -- The probe found nothing out: another one may go at once.
      change(p.breaker, 'open', 0)
      changed = true
    end
  end
  p.moved = p.moved or changed
  p.unchanging = word == 's' and not changed and report or nil
end

-- write_reports(p, gate, breakers, idle): writes what the reports changed, and wakes a claimer where jobs may go on.
local function write_reports(p, gate, breakers, idle)
  if p.moved then
    write_breaker(breakers, p.breaker)
    if p.breaker.state == 'closed' then wake(idle) end
  end
  local s = p.suffix
  if p.let_through and redis.call('HDEL', gate, 'refused' .. s, 'refused_until' .. s, 'refused_version' .. s) > 0 then
    wake(idle)
  end
end
