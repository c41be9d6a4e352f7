-- Parked jobs: pending ones of a kind that the worker that claimed them does not know. They stand apart, and cost nothing
-- while nobody knows their kind. A kind that a worker has said to know while it has parked jobs is sought: claims of workers
-- that know it take its jobs.
-- p describes where all that is: {parked = the prefix, kinds =, sought =}.

-- What a worker says it says again each minute (SAY_AGAIN in the worker's keeper): for so long, and a little, it counts.
local SAID_LATELY = 90000

-- digest_of(kind): what stands for a kind in a key.
local function digest_of(kind) return redis.sha1hex(kind):sub(1, 12) end

-- last_known(p, kind): when a worker said last that it knows the kind, in ms, or nil. A time to come was noted before the
-- clock was set back.
local function last_known(p, kind)
  local at = tonumber(tried('HGET', p.kinds, 'known ' .. kind) or nil)
  return at and math.min(at, now)
end

local function known_lately(p, kind)
  local at = last_known(p, kind)
  return at and now - at < SAID_LATELY
end

-- unpark(p, digest, kind, ids): takes jobs, at most 1000, out of the parked ones. kind may be nil: then it may be listed until
-- the next look (bury.lua), although none is left of it.
local function unpark(p, digest, kind, ids)
  local of_kind = p.parked .. ':' .. digest
  for _, key in ipairs({ p.parked, of_kind }) do redis.pcall('ZREM', key, unpack(ids)) end
  if kind and redis.call('EXISTS', of_kind) == 0 then
    redis.pcall('HDEL', p.kinds, 'parked ' .. kind)
    redis.pcall('SREM', p.sought, kind)
  end
end
