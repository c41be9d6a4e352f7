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
