-- What holds calls back for a time is written as "<until> <made> <cap>", in ms since the epoch and ms: it is void when the
-- clock was set back to before it was made, or when it is longer than it may be. So no clock that jumps, and nothing that
-- somebody wrote there, stops claims for longer than a hold may last.

-- hold(ms): one that begins now and lasts for so long.
local function hold(ms)
  return string.format('%.0f %.0f %.0f', now + ms, now, ms)
end

-- held_until(text): until when it holds, in ms; nil when it is over, void or none.
local function held_until(text)
  local till, made, cap = (text or ''):match('^(%d+) (%d+) (%d+)$')
  till, made, cap = tonumber(till), tonumber(made), tonumber(cap)
  -- None may last longer than a week, whatever is written there.
  if till and till > now and made <= now and till <= made + math.min(cap, 604800000) then return till end
end
