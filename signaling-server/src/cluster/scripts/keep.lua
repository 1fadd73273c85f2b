-- Renews the leases KEYS. ARGV: the owner, its lease in ms, then for each key its number, and how long members may come back in ms.
-- Gives for each the number under which it is the owner's, '0' where it has another owner. A broker that has forgotten a lease is
-- told it again.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = tonumber(ARGV[2])
local kept = {}
for index, key in ipairs(KEYS) do
  local fence, keep = ARGV[1 + 2 * index], tonumber(ARGV[2 + 2 * index])
  local record = redis.call('HMGET', key, 'owner', 'fence')
  local is_later = record[1] and tonumber(record[2]) > tonumber(fence)
  if is_later and record[1] ~= ARGV[1] then
    kept[index] = '0'
  else
    -- The answer that told it the later number was lost.
    if is_later then fence = record[2] end
    redis.call('HSET', key, 'owner', ARGV[1], 'fence', fence, 'until', string.format('%.0f', now + lease))
    redis.call('PEXPIRE', key, lease + keep)
    kept[index] = fence
  end
end
return kept
