-- Notes that a process reached providers of this queue: it is not away from them any more.
--
-- KEYS  1 reach
-- ARGV  1 process  then a provider each
-- Returns 1
for i = 2, #ARGV do reached(KEYS[1], ARGV[i], ARGV[1]) end
return 1
