-- k: the keys of scripts that take jobs out of where they wait, by name, in the order of Keys::of_waiting (keys.rs).
local k = {}
for n, name in ipairs({
  'active', 'scheduled', 'retryable', 'parked', 'kinds', 'sought', 'inflight', 'data', 'records', 'dead', 'completions', 'timeline',
  'cancelled', 'stats', 'idempotency', 'idle', 'audit',
  'lanes', 'lane', 'tenants', 'turns',
}) do
  k[name] = KEYS[n]
end
