-- now: milliseconds since the Unix epoch by Redis's clock. Workers' clocks do not matter.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function seconds(ms) return string.format('%.3f', ms / 1000) end
