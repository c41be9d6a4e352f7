-- What carriers have brought: the ids are known for 25 hours, whatever became of their jobs and however many those are. A
-- carrier brings an id again only within 24 hours of the first time.

-- Which of a call's ids were carried before, by id. `args` is what enqueue.lua is given.
local function carried_before(carried, args)
  local ids, before = {}, {}
  for i = 2, #args, 3 do ids[#ids + 1] = args[i] end
  for n, is_known in ipairs(redis.call('SMISMEMBER', carried, unpack(ids))) do
    before[ids[n]] = is_known == 1 or nil
  end
  return before
end

-- All of a call's ids are carried from now on.
local function carry(carried, args)
  local ids = {}
  for i = 2, #args, 3 do ids[#ids + 1] = args[i] end
  redis.call('SADD', carried, unpack(ids))
  redis.call('PEXPIRE', carried, 25 * 3600 * 1000)
end
