-- From when on the broker knows all leases, in ms since 1970. The key `marker` says it, and in which run of the broker it was written.
-- Where it is missing the broker has forgotten everything. Where it was written in another run, the broker has read old data from its
-- disk, or is a replica that has taken over, and may lack the last leases. Both give nothing for one lease: owners that live say
-- meanwhile what they have, and a lease that nobody says has ended by then.
local function known_from(marker, now, lease)
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  if not run then error('the broker does not say its run_id') end
  local opens, writer = string.match(redis.call('GET', marker) or '', '^(%d+) (%w+)$')
  if writer == run then return tonumber(opens) end
  opens = now + lease
  redis.call('SET', marker, string.format('%.0f %s', opens, run))
  return opens
end

