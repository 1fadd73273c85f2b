-- Who owns KEYS[1]? ARGV: the asker, its lease in ms, "make", "fresh", "find" or "back", how long members may come back in ms.
-- "make" takes what nobody has, and so does "fresh", whose name is new. "back" takes what has lost its owner. A new owner gets a number
-- that is higher than all before. KEYS[2] is the marker of opens.lua, which stands before this.
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local lease, keep = tonumber(ARGV[2]), tonumber(ARGV[4])
local opens = known_from(KEYS[2], now, lease)
local record = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'until', 'heir')
local owner, fence, ends = record[1], tonumber(record[2] or 0), tonumber(record[3] or 0)

-- `heir` says whether members of an earlier owner may come back.
local function take(heir)
  local number = math.max(micros, fence + 1)
  local text = string.format('%.0f', number)
  redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'fence', text, 'until', string.format('%.0f', now + lease), 'heir', heir)
  redis.call('PEXPIRE', KEYS[1], lease + keep)
  return text
end

if owner and owner ~= ARGV[1] and ends > now then return { 'held', string.format('%.0f', fence), owner } end
-- Nobody can have had a name that is new.
if not owner and ARGV[3] == 'fresh' then return { 'made', take('0'), '' } end
if now < opens then return { 'wait', string.format('%.0f', opens - now), '' } end
if not owner then
  if ARGV[3] ~= 'make' then return { 'nobody', '0', '' } end
  return { 'made', take('0'), '' }
end
-- The asker does not know that it has it: it has just given it up, or an answer was lost. Its lease may have ended, but nobody else has
-- had it since. With a new number no earlier word of its own about this key counts any more.
if owner == ARGV[1] and record[4] ~= '1' then return { 'again', take('0'), '' } end
if ARGV[3] == 'back' then return { 'heir', take('1'), '' } end
return { 'orphan', string.format('%.0f', math.max(redis.call('PTTL', KEYS[1]), 0)), '' }
