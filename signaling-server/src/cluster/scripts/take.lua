-- Who owns KEYS[1]? ARGV: the asker, its lease in ms, "make", "fresh", "find" or "back", how long members may come back in ms.
-- "make" takes what nobody has, and so does "fresh", whose name is new. "back" takes what has lost its owner. A new owner gets a number
-- that is higher than all before.
-- KEYS[2] says from when on the broker knows all leases. Where it is missing the broker has forgotten everything, and nothing is
-- given for one lease: owners that live say meanwhile what they have, and a lease that nobody says has ended by then.
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local lease, keep = tonumber(ARGV[2]), tonumber(ARGV[4])
local opens = tonumber(redis.call('GET', KEYS[2]) or '')
if not opens then
  opens = now + lease
  redis.call('SET', KEYS[2], string.format('%.0f', opens))
end
local record = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'until')
local owner, fence, ends = record[1], tonumber(record[2] or 0), tonumber(record[3] or 0)

local function take()
  local number = math.max(micros, fence + 1)
  local text = string.format('%.0f', number)
  redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'fence', text, 'until', string.format('%.0f', now + lease))
  redis.call('PEXPIRE', KEYS[1], lease + keep)
  return text
end

if owner and owner ~= ARGV[1] and ends > now then return { 'held', string.format('%.0f', fence), owner } end
-- Nobody can have had a name that is new.
if not owner and ARGV[3] == 'fresh' then return { 'made', take(), '' } end
if now < opens then return { 'wait', string.format('%.0f', opens - now), '' } end
if not owner then
  if ARGV[3] ~= 'make' then return { 'nobody', '0', '' } end
  return { 'made', take(), '' }
end
-- The asker does not know that it has it: it has just given it up, or an answer was lost. With a new number no earlier word of its own
-- about this key counts any more.
if ends > now then return { 'again', take(), '' } end
if ARGV[3] == 'back' then return { 'heir', take(), '' } end
return { 'orphan', string.format('%.0f', math.max(redis.call('PTTL', KEYS[1]), 0)), '' }
