-- Gives up the lease of KEYS[1], unless it has another number. ARGV: its number, and for how long in ms members may come back to
-- another owner: 0 where nothing is left of it.
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'until', '0')
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
