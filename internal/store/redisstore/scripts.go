package redisstore

import "github.com/redis/go-redis/v9"

// applied is what a fenced script answers when it did its work; anything else is
// what the fence held instead, empty for nothing.
const applied = "ok"

// Scripts are sent by their digest and loaded where a server does not know them.
var (
	// settingsScript applies writes in their order and moves the fence on. Redis
	// takes nothing back when a command fails half-way (a key that is no hash), so
	// the fence says then that the tag is torn. HSET comes in pieces, because Lua
	// cannot unpack more than 8000 arguments.
	// KEYS: fence, presence, one user key per write. ARGV: the fence, the next
	// fence, then per write: "1" to erase first, the user, twice the number of
	// documents, names and documents, the number of removals, names.
	settingsScript = redis.NewScript(`
local found = redis.call('GET', KEYS[1]) or ''
if found ~= ARGV[1] then return found end
local at = 3
local function each(command, key, n)
  for i = at, at + n - 1, 4000 do
    redis.call(command, key, unpack(ARGV, i, math.min(i + 3999, at + n - 1)))
  end
  at = at + n
end
local function apply()
  for i = 3, #KEYS do
    if ARGV[at] == '1' then
      redis.call('DEL', KEYS[i])
      redis.call('HDEL', KEYS[2], ARGV[at + 1])
    end
    at = at + 3
    each('HSET', KEYS[i], tonumber(ARGV[at - 1]))
    at = at + 1
    each('HDEL', KEYS[i], tonumber(ARGV[at - 1]))
  end
  redis.call('SET', KEYS[1], ARGV[2])
end
local done, why = pcall(apply)
if done then return 'ok' end
redis.call('SET', KEYS[1], 'torn')
if type(why) == 'table' then return why end
return redis.error_reply(why)`)

	// presenceScript stores and removes presence. KEYS: fence, presence. ARGV: the
	// fence, twice the number of users to store, users and bytes, users to remove.
	presenceScript = redis.NewScript(`
local found = redis.call('GET', KEYS[1]) or ''
if found ~= ARGV[1] then return found end
local n = tonumber(ARGV[2])
if n > 0 then redis.call('HSET', KEYS[2], unpack(ARGV, 3, n + 2)) end
if #ARGV > n + 2 then redis.call('HDEL', KEYS[2], unpack(ARGV, n + 3)) end
return 'ok'`)

	// acquireScript takes the lease if it is free or ours already. KEYS: lease,
	// token, meta. ARGV: owner, milliseconds, a token the new one must be greater
	// than, "1" if there must be a store. It answers the new token, or who has it and
	// for how many milliseconds still; nobody where there is no store.
	acquireScript = redis.NewScript(`
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return {0, owner, redis.call('PTTL', KEYS[1])} end
if ARGV[4] == '1' and redis.call('EXISTS', KEYS[3]) == 0 then return {0, '', 0} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local token = math.max(tonumber(redis.call('GET', KEYS[2]) or '0') or 0, tonumber(ARGV[3])) + 1
redis.call('SET', KEYS[2], string.format('%.0f', token))
return {token, '', 0}`)

	// renewScript prolongs the lease. KEYS: lease, token. ARGV: owner,
	// milliseconds, token. It answers 1 when it is prolonged, 0 when it is somebody
	// else's and 2 when the token is gone or an older one: the data are lost, or
	// those of a replica that was behind.
	renewScript = redis.NewScript(`
local owner = redis.call('GET', KEYS[1])
local token = redis.call('GET', KEYS[2])
if not token or (tonumber(token) or 0) < tonumber(ARGV[3]) then return 2 end
if (owner and owner ~= ARGV[1]) or token ~= ARGV[3] then return 0 end
if owner then redis.call('PEXPIRE', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1`)

	// releaseScript gives the lease back. KEYS: lease. ARGV: owner.
	releaseScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`)

	// takeScript sets the token of a fence unless a newer owner did. KEYS: fence.
	// ARGV: token, sequence or empty for the one it has. It answers the fence as it
	// was, empty for none.
	takeScript = redis.NewScript(`
local found = redis.call('GET', KEYS[1]) or ''
local token, sequence = string.match(found, '^(%d+)%.(%d+)$')
if token and tonumber(token) > tonumber(ARGV[1]) then return found end
redis.call('SET', KEYS[1], ARGV[1] .. '.' .. ((ARGV[2] ~= '' and ARGV[2]) or sequence or '0'))
return found`)
)

// inPipelines are the scripts that go out in pipelines, where go-redis cannot
// load one that is missing.
var inPipelines = []*redis.Script{settingsScript, presenceScript, takeScript}
