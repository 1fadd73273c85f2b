-- Renews the leases KEYS[2] and so on. ARGV: the owner, its lease in ms, then for each key its number, and how long members may come
-- back in ms. Gives 1 if the leases last from now on, 0 if they are only written down; then for each the number under which it is the
-- owner's, 0 where it has another owner.
-- A broker that has forgotten a lease is told it again. Until it knows all leases (KEYS[1] is the marker of opens.lua, which stands
-- before this) that lengthens no lease: who has a higher number may still say so.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = tonumber(ARGV[2])
local is_open = now >= known_from(KEYS[1], now, lease)
local kept = { is_open and '1' or '0' }
for index = 2, #KEYS do
  local key, fence, keep = KEYS[index], ARGV[2 * index - 1], tonumber(ARGV[2 * index])
  local record = redis.call('HMGET', key, 'owner', 'fence', 'until')
  local is_later = record[1] and tonumber(record[2]) > tonumber(fence)
  local is_others = record[1] and record[1] ~= ARGV[1]
  -- Somebody with a lower number has told it again, and has been given it.
  local is_given = is_open and is_others and tonumber(record[3]) > now
  if is_others and (is_later or is_given) then
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
