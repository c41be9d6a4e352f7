-- Dead letters by group: one sorted set, all of one score, so that its members stand in the order of their bytes:
-- "<group> <time of death in ms, 13 digits> <id>". The letters of a group are a range of it, in the order of their deaths.

local function digits(ms) return string.format('%013.0f', ms) end

-- ms_of(score): a time of death as the dead have it, in ms.
local function ms_of(score) return math.floor(score * 1000 + 0.5) end

-- letter_of(group, ms, id): how a letter stands there.
local function letter_of(group, ms, id) return group .. ' ' .. digits(ms) .. ' ' .. id end

-- range_of(group, from, till): the limits of a group's letters, or of those that died from then on, and until then, in ms.
local function range_of(group, from, till)
  return '[' .. group .. ' ' .. (from and digits(from) or ''), '(' .. group .. (till and ' ' .. digits(till + 1) or '!')
end

-- read_letters(group, members): their ids, and when the last of them died, in ms.
local function read_letters(group, members)
  local ids, last = {}, nil
  for n, member in ipairs(members) do
    local at, id = member:match('^(%d+) (.*)$', #group + 2)
    ids[n], last = id or '', tonumber(at or nil) or last
  end
  return ids, last
end

-- has_letters(letters, group): whether it has any; false also where that is not known, and nil where it has none.
local function has_letters(letters, group)
  local from, till = range_of(group)
  local first = tried('ZRANGE', letters, from, till, 'BYLEX', 'LIMIT', 0, 1)
  if not first then return false end
  return #first > 0 or nil
end

-- note_letter(dead, letters, group, id): a job is dead from now on. Which group it is in can be missed.
local function note_letter(dead, letters, group, id)
  redis.call('ZADD', dead, string.format('%.3f', now / 1000), id)
  write_or_replace('ZADD', letters, 0, letter_of(group, now, id))
end
