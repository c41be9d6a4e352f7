-- Forgets deliveries whose time is over, or that are beyond their budget, at most 1000 a call.
--
-- KEYS  1 deliveries  2 delivery ages
-- ARGV  1 how long they are kept, in ms  2 how many bytes all of them may take
-- Returns how many are gone: with 1000, call again
-- Parts: now, deliveries
sound_deliveries(KEYS[1], KEYS[2])
return trim_deliveries(KEYS[1], KEYS[2], tonumber(ARGV[1]), tonumber(ARGV[2]), 1000)
