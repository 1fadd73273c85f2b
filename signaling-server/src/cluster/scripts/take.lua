-- Who owns KEYS[1]? ARGV: the asker, its lease in ms, "make", "find" or "back", how long members may come back in ms.
-- "make" takes what nobody has. "back" takes what has lost its owner. A new owner gets a number that is higher than all before.
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local record = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'until')
local owner, fence, ends = record[1], tonumber(record[2] or 0), tonumber(record[3] or 0)
local lease, keep = tonumber(ARGV[2]), tonumber(ARGV[4])

local function take()
  local number = math.max(micros, fence + 1)
  local text = string.format('%.0f', number)
  redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'fence', text, 'until', string.format('%.0f', now + lease))
  redis.call('PEXPIRE', KEYS[1], lease + keep)
  return text
end

if not owner then
  if ARGV[3] ~= 'make' then return { 'nobody', '0', '' } end
  return { 'made', take(), '' }
end
-- The asker does not know that it has it: it has just given it up, or an answer was lost. With a new number no earlier word of its own
-- about this key counts any more.
if owner == ARGV[1] and ends > now then return { 'again', take(), '' } end
if ends > now then return { 'held', string.format('%.0f', fence), owner } end
if ARGV[3] == 'back' then return { 'heir', take(), '' } end
return { 'orphan', string.format('%.0f', math.max(redis.call('PTTL', KEYS[1]), 0)), '' }
