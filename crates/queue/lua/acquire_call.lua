-- Asks for one call of a provider of this queue: for jobs that make many calls, and for those of other queues. Its place in
-- the limiter's schedule may be one to come: then claims find no call free until it has gone by.
--
-- KEYS  1 limits  2 breakers  3 gate
-- ARGV  1 provider  2 suffix of its fields in the gate  3 how long a probe may take in ms (0 = no breaker)
--       4 version of its credentials  5 epoch of the probe that the caller was claimed as ("" = it is none)
--       6 limiter  7 ms between calls (0 = none)  8 calls it may run ahead  9 how long a place may be to come, in ms
-- Returns {state, ms, epoch, 1 if the call is a probe}
--         state: go, after so many ms; busy: too many calls are ahead, no place was taken; or what holds calls back for so
--                many ms: held, refused, open
local limits, breakers, gate = unpack(KEYS)
local p = { name = ARGV[1], suffix = ARGV[2], lease = tonumber(ARGV[3]), version = ARGV[4] }
local held = gate_of(gate, p.suffix)
-- One that takes no place was counted by its claim.
local interval, burst = tonumber(ARGV[7]), tonumber(ARGV[8])
if interval > 0 then interval, burst = slowed(interval, burst, held[6]) end
local state, till = held_back(p, held, breakers)
local own_probe = false
if state == 'refused' or state == 'open' then
  -- What holds others back is the caller's own probe.
  local breaker = p.lease > 0 and read_breaker(breakers, p.name) or { state = 'closed', epoch = 0 }
  own_probe = ARGV[5] ~= '' and (breaker.state == 'closed' or (breaker.state == 'half' and breaker.epoch == tonumber(ARGV[5])))
  p.epoch = breaker.epoch
end
if state and not own_probe then return { state, math.ceil(till - now), p.epoch, 0 } end
local wait = 0
if interval > 0 then
  local free, next_free, ahead = tokens(limits, ARGV[6], interval, burst)
  if free == 0 then wait = math.max(1, next_free - now) end
  if wait > tonumber(ARGV[9]) then return { 'busy', 0, p.epoch, 0 } end
  take(limits, ARGV[6], interval, ahead, 1)
end
if p.probe and not own_probe then probe(p, gate, breakers, wait) end
return { 'go', wait, p.epoch, (own_probe or p.probe) and 1 or 0 }
