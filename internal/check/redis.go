package check

import (
	"context"
	"fmt"

	"presenced/config"
	"presenced/internal/store/redisstore"
)

// redis looks at the Redis store: whether it answers, and whether it keeps what it
// is told.
func (c *checker) redis(ctx context.Context) {
	r, err := config.ParseRedis(c.config.Store.Redis.Reveal())
	if err != nil {
		c.fail("store", "store.redis: "+err.Error(), "correct it")
		return
	}
	server := redisstore.ServerOf(r.Scheme, r.Addrs, r.Username, r.Password, r.Master, r.DB)
	found, err := redisstore.Inspect(ctx, server, c.config.Store.Prefix)
	if err != nil {
		c.fail("store", err.Error(), "until then no setting can be changed; a daemon that has loaded its settings goes on showing presence")
		return
	}
	c.redisKeeps(found)
	switch {
	case c.status != nil && c.status.Store.Kind == "redis" && !c.status.Store.Healthy:
		c.fail("store", c.status.Store.Problem, "until then no setting can be changed; presence goes on")
	case c.status != nil && c.status.Store.Kind != "redis":
		c.warn("store", "the running daemon uses the embedded store; the configuration names Redis",
			"move the settings with \"presenced user export\" and \"import\", and restart it")
	case c.status != nil:
		c.ok("store", "Redis %s at %s stores for the daemon", found.Version, c.config.Store.Redis)
	case found.Owner != "":
		c.taken = true
		c.fail("store", fmt.Sprintf("%q holds the store in Redis", found.Owner),
			"a daemon runs on it that does not answer on this socket: name its socket with --socket, or wait ten seconds if it has just died")
	case found.Schema == "" && redisstore.Known(c.config.Store.Path):
		c.warn("store", fmt.Sprintf("Redis at %s holds nothing under %s, though this installation stored settings there",
			c.config.Store.Redis, c.config.Store.Prefix),
			"see that store.redis and store.prefix are right; the next start writes all again from the safety copy, or says that it is lost")
	case found.Schema == "":
		c.ok("store", "Redis %s at %s holds nothing under %s yet; the first start makes the store", found.Version, c.config.Store.Redis, c.config.Store.Prefix)
	default:
		c.ok("store", "Redis %s at %s holds a store", found.Version, c.config.Store.Redis)
	}
}

// redisKeeps tells what would make Redis forget.
func (c *checker) redisKeeps(found redisstore.Found) {
	if found.Old() {
		c.fail("redis version", found.Version, "upgrade to Redis 7.0 or later")
	}
	switch {
	case found.AOF && found.Unsynced:
		c.fail("redis persistence", "nobody syncs the append-only file: a power cut loses settings that were acknowledged",
			"set \"appendfsync everysec\" in redis.conf, or \"always\"")
	case found.AOF:
		c.ok("redis persistence", "the append-only file is on")
	default:
		c.fail("redis persistence", "the append-only file is off: a restart of Redis loses settings that were acknowledged",
			"set \"appendonly yes\" in redis.conf, and \"appendfsync everysec\" or \"always\"")
	}
	switch {
	case found.Policy != "noeviction":
		c.fail("redis memory", "maxmemory-policy is "+found.Policy+": a full Redis would throw settings away",
			"set \"maxmemory-policy noeviction\" in redis.conf")
	case found.MaxMemory > 0:
		c.ok("redis memory", "noeviction, up to %d MiB", found.MaxMemory>>20)
	default:
		c.ok("redis memory", "noeviction, without a limit")
	}
}
