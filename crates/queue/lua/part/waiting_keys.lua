-- k: the keys of scripts that take jobs out of where they wait, by name, in the order of Keys::of_waiting (keys.rs).
local names = {
  'active', 'scheduled', 'retryable', 'parked', 'kinds', 'sought', 'inflight', 'data', 'records', 'dead', 'completions', 'timeline',
  'cancelled', 'stats', 'idle', 'audit', 'waiters', 'lanes', 'lane', 'tenants',
  'turns', 'minutes', 'parked_kinds', 'notices', 'cancelled_replays',
}
local k = {}
for n, name in ipairs(names) do k[name] = KEYS[n] end

-- Where the others begin.
local FIRST_MORE = #names + 1

-- more_key(n): the n-th of them.
local function more_key(n) return KEYS[#names + n] end
