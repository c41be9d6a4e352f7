-- Parked jobs: pending ones of a kind that the worker that claimed them does not know. They stand apart, and cost nothing
-- while nobody knows their kind. A kind that a worker has said to know while it has parked jobs is sought: claims of workers
-- that know it take its jobs.
-- p describes where all that is: {parked =, of_kinds =, kinds =, sought =}. `parked` says which jobs are parked, and since when.
-- `of_kinds` has those of a kind in that order: one sorted set, all of one score, of "<digest of the kind> <since when> <id>".

-- What a worker says it says again each minute (SAY_AGAIN in the worker's keeper): for so long, and a little, it counts.
local SAID_LATELY = 90000

-- digest_of(kind): what stands for a kind there.
local function digest_of(kind) return redis.sha1hex(kind):sub(1, 12) end

-- since_of(score): since when a job is parked, in ms, and its place among those of that call: "<13 digits>.<3 digits>".
local function since_of(score) return string.format('%017.3f', score) end

-- parked_as(digest, score, id): how a job stands among those of its kind.
local function parked_as(digest, score, id) return digest .. ' ' .. since_of(score) .. ' ' .. id end

-- of_kind(p, digest, till, n): at most n jobs of a kind, those first that were parked first, and not after till, in ms (nil = any): as
-- they stand there, and their ids.
local function of_kind(p, digest, till, n)
  local max = '(' .. digest .. (till and ' ' .. since_of(till + 1) or '!')
  local members = tried('ZRANGE', p.of_kinds, '[' .. digest .. ' ', max, 'BYLEX', 'LIMIT', 0, n) or {}
  local ids = {}
  for i, member in ipairs(members) do ids[i] = member:match('^[%d.]+ (.*)$', #digest + 2) or '' end
  return members, ids
end

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

-- leave_kind(p, digest, kind, members): takes jobs out of those of their kind. kind may be nil: then it may be listed until the
-- next look (bury.lua), although none is left of it.
local function leave_kind(p, digest, kind, members)
  if #members > 0 then redis.pcall('ZREM', p.of_kinds, unpack(members)) end
  if kind and #of_kind(p, digest, nil, 1) == 0 then
    redis.pcall('HDEL', p.kinds, 'parked ' .. kind)
    redis.pcall('SREM', p.sought, kind)
  end
end

-- unpark(p, digest, kind, ids): takes jobs, at most 1000, out of the parked ones. digest is "" where it is not known (any more): then
-- they still stand among those of their kind, and whoever finds them there sees that they are not parked.
local function unpark(p, digest, kind, ids)
  local members = {}
  for n, score in ipairs(tried('ZMSCORE', p.parked, unpack(ids)) or {}) do
    if score then members[#members + 1] = parked_as(digest, score, ids[n]) end
  end
  redis.pcall('ZREM', p.parked, unpack(ids))
  leave_kind(p, digest, kind, members)
end
