-- Gives up the leases KEYS, but those that have another number. ARGV: for each its number, and for how long in ms members may come back
-- to another owner: 0 where nothing is left of it.
for index, key in ipairs(KEYS) do
  local fence, keep = ARGV[2 * index - 1], ARGV[2 * index]
  if redis.call('HGET', key, 'fence') == fence then
    if keep == '0' then
      redis.call('DEL', key)
    else
      -- Whoever gives it up is a stranger from now on, as all others are.
      redis.call('HSET', key, 'owner', '', 'until', '0')
      redis.call('PEXPIRE', key, keep)
    end
  end
end
return #KEYS
