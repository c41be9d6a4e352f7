-- Moves the replication offset of the connection that calls it past everything that was written before: WAIT waits for
-- the last write of its own connection, and says nothing of one that has not written.
--
-- KEYS  1 copied
-- Returns 1
-- Parts: none
redis.call('SET', KEYS[1], '', 'PX', 60000)
return 1
