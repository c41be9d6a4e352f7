-- following(dead, letters, group, score, id, cutoff, n): at most n ids of a group (nil = of all) that come after this letter
-- ("" = from the first) and did not die after the cut-off, in the order of their deaths; with when the last one died, in seconds.
local function following(dead, letters, group, score, id, cutoff, n)
  if group then
    local first, till = range_of(group, nil, ms_of(cutoff))
    local from = score == '' and first or '(' .. letter_of(group, ms_of(score), id)
    local ids, last = read_letters(group, redis.call('ZRANGE', letters, from, till, 'BYLEX', 'LIMIT', 0, n))
    return ids, last and seconds(last) or score
  end
  local from = score == '' and 0 or place(dead, score, id)
  local rows = redis.call('ZRANGE', dead, from, from + n - 1, 'WITHSCORES')
  local ids, last = {}, score
  for i = 1, #rows, 2 do
    if tonumber(rows[i + 1]) > tonumber(cutoff) then break end
    ids[#ids + 1] = rows[i]
    last = rows[i + 1]
  end
  return ids, last
end
