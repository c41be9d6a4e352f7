-- now: milliseconds since the Unix epoch by Redis's clock. Workers' clocks do not matter.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- stamp: the same as text, made once: Lua is slow at writing numbers.
local stamp = string.format('%.0f', now)
local function seconds(ms) return string.format('%.3f', ms / 1000) end
