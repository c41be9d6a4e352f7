-- k: the keys of scripts that take jobs out of where they wait, by name, in the order of Keys::of_waiting (keys.rs).
local names = {
  'active', 'scheduled', 'retryable', 'parked', 'kinds', 'sought', 'inflight', 'data', 'records', 'dead', 'completions', 'timeline',
  'cancelled', 'stats', 'idempotency', 'idle', 'audit', 'waiters', 'lanes', 'lane', 'tenants',
  'turns', 'minutes',
}
local k = {}
for n, name in ipairs(names) do k[name] = KEYS[n] end

-- more_key(n): the n-th key behind them.
local function more_key(n) return KEYS[#names + n] end
