-- Going through jobs a step at a time, without an index: at most so many a step, and what some MiB of values belong to. Others come
-- and go meanwhile. Whatever stays where it is during the whole walk is seen at least once.
-- Each walker returns {ids, cursors: behind each of them, whether that is all}. cursor: "" begins.

-- A list from its tail: the cursor is how many have been seen. What is pushed meanwhile has some seen twice.
local function walk_list(key, cursor, n)
  local seen = tonumber(cursor) or 0
  local length = redis.call('LLEN', key)
  local from = math.max(0, length - seen - n)
  local rows = length > seen and redis.call('LRANGE', key, from, length - seen - 1) or {}
  local ids, cursors = {}, {}
  for i = #rows, 1, -1 do
    ids[#ids + 1] = rows[i]
    cursors[#ids] = string.format('%.0f', seen + #ids)
  end
  return ids, cursors, from == 0
end

-- A sorted set, from the highest score, or from the lowest: the cursor is "<score> <id>" of the last one.
local function walk_zset(key, cursor, n, lowest_first)
  local score, id = cursor:match('^(%S+) (.*)$')
  local size = redis.call('ZCARD', key)
  local from
  if lowest_first then
    from = score and place(key, score, id) or 0
  else
    from = score and place(key, score, id) or size
    -- The last one itself is among them, if it is still there.
    if score and tonumber(redis.call('ZSCORE', key, id) or nil) == tonumber(score) then from = from - 1 end
    from = from - n
  end
  local to = from + n - 1
  from = math.max(0, from)
  local rows = to >= from and redis.call('ZRANGE', key, from, to, 'WITHSCORES') or {}
  local ids, cursors = {}, {}
  local first, last, step = 1, #rows, 2
  if not lowest_first then first, last, step = #rows - 1, 1, -2 end
  for i = first, last, step do
    ids[#ids + 1] = rows[i]
    cursors[#ids] = rows[i + 1] .. ' ' .. rows[i]
  end
  if lowest_first then return ids, cursors, to >= size - 1 end
  return ids, cursors, from == 0
end

-- A hash: the cursor is Redis's, and how many of its chunk have been seen.
local function walk_hash(key, cursor, n)
  local at, seen = cursor:match('^(%d+) (%d+)$')
  at, seen = at or '0', tonumber(seen or 0)
  local chunk = redis.call('HSCAN', key, at, 'COUNT', n)
  local ids, cursors = {}, {}
  for i = 1 + 2 * seen, #chunk[2], 2 do
    if #ids == n then break end
    ids[#ids + 1] = chunk[2][i]
    cursors[#ids] = at .. ' ' .. (seen + #ids)
  end
  local through = 2 * (seen + #ids) >= #chunk[2]
  if through and chunk[1] ~= '0' then
    if #ids == 0 then return ids, cursors, false, chunk[1] .. ' 0' end
    cursors[#ids] = chunk[1] .. ' 0'
  end
  return ids, cursors, through and chunk[1] == '0'
end

-- A list of batches, "<ms> <bytes> <id> <id> …", from its tail: the cursor is how many batches, and how many ids of the next one.
local function walk_batches(key, cursor, n)
  local batches, seen = cursor:match('^(%d+) (%d+)$')
  batches, seen = tonumber(batches or 0), tonumber(seen or 0)
  local batch = redis.call('LINDEX', key, -1 - batches)
  if not batch then return {}, {}, true end
  local all = {}
  for id in (batch:match('^%d+ %d+ (.*)$') or ''):gmatch('%S+') do all[#all + 1] = id end
  local ids, cursors = {}, {}
  for i = #all - seen, 1, -1 do
    if #ids == n then break end
    ids[#ids + 1] = all[i]
    cursors[#ids] = batches .. ' ' .. (seen + #ids)
  end
  local next_batch = (batches + 1) .. ' 0'
  if seen + #ids >= #all then
    if #ids == 0 then return ids, cursors, false, next_batch end
    cursors[#ids] = next_batch
  end
  return ids, cursors, false
end

-- values_of(data, ids): what stands of each in data; false where nothing does; the length, as a number, of what is too large. A
-- hundred are read at a time, once they are measured.
local function values_of(data, ids)
  local values, small, places = {}, {}, {}
  local function read()
    if #small == 0 then return end
    for n, value in ipairs(redis.call('HMGET', data, unpack(small))) do values[places[n]] = value end
    small, places = {}, {}
  end
  for n, id in ipairs(ids) do
    local length = redis.call('HSTRLEN', data, id)
    values[n] = length > MOST_VALUE and length or false
    if length > 0 and length <= MOST_VALUE then
      small[#small + 1] = id
      places[#small] = n
      if #small == 100 then read() end
    end
  end
  read()
  return values
end
