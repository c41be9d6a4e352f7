-- after(a, b): whether id a comes after id b, byte by byte, as sorted sets have them. (Lua's own order is the locale's.)
local function after(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x > y end
  end
  return #a > #b
end

-- place(letters, score, id): how many letters come before this one, or are it. It need not be there any more: others take
-- letters out while one goes through them.
local function place(letters, score, id)
  local low = redis.call('ZCOUNT', letters, '-inf', '(' .. score)
  local high = redis.call('ZCOUNT', letters, '-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if after(redis.call('ZRANGE', letters, middle, middle)[1], id) then high = middle else low = middle + 1 end
  end
  return low
end

-- following(letters, score, id, cutoff, n): at most n ids that come after this letter ("" = from the first) and did not
-- die after the cut-off, in the order of their deaths; with the score of the last one.
local function following(letters, score, id, cutoff, n)
  local from = score == '' and 0 or place(letters, score, id)
  local rows = redis.call('ZRANGE', letters, from, from + n - 1, 'WITHSCORES')
  local ids, last = {}, score
  for i = 1, #rows, 2 do
    if tonumber(rows[i + 1]) > tonumber(cutoff) then break end
    ids[#ids + 1] = rows[i]
    last = rows[i + 1]
  end
  return ids, last
end
