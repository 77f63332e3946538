package config

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// RedisServer is a Redis URL taken apart.
//
//	redis://[user:password@]host[:port][/db]            one server
//	rediss://…                                          one server, over TLS
//	redis+sentinel://[user:password@]host[:port],…/master[/db]
//	redis+cluster://[user:password@]host[:port],…
//
// User and password are Redis', percent-encoded where they hold one of @ / : %.
type RedisServer struct {
	Scheme   string
	Addrs    []string // host:port
	Username string
	Password string
	Master   string // of a Sentinel
	DB       int    // 0..65535
}

// Default ports.
const (
	redisPort    = "6379"
	sentinelPort = "26379"
)

// maxRedisDB bounds the number of a database; Redis itself has 16 by default.
const maxRedisDB = 65535

// ParseRedis takes a Redis URL apart. The error says what is wrong with it without
// repeating it: it may hold a password.
func ParseRedis(text string) (r RedisServer, err error) {
	scheme, rest, found := strings.Cut(text, "://")
	switch scheme {
	case "redis", "rediss", "redis+sentinel", "redis+cluster":
	default:
		return r, fmt.Errorf("it begins with redis://, rediss://, redis+sentinel:// or redis+cluster://")
	}
	r.Scheme = scheme
	if !found || strings.ContainsAny(rest, " \t\r\n?#") {
		return r, fmt.Errorf("the host is missing or wrong")
	}
	at := strings.LastIndex(rest, "@")
	if at >= 0 {
		if r.Username, r.Password, err = redisLogin(rest[:at]); err != nil {
			return r, err
		}
	}
	hosts, path, _ := strings.Cut(rest[at+1:], "/")
	if r.Addrs, err = redisAddrs(scheme, hosts); err != nil {
		return r, err
	}
	return r, r.parsePath(path)
}

// redisLogin reads user:password; a password alone has the colon before it.
func redisLogin(text string) (user, password string, err error) {
	user, password, _ = strings.Cut(text, ":")
	for _, part := range []*string{&user, &password} {
		if *part, err = url.PathUnescape(*part); err != nil {
			return "", "", fmt.Errorf("user or password is not percent-encoded; write %%25 for %%, %%40 for @")
		}
	}
	return user, password, nil
}

func redisAddrs(scheme, hosts string) (addrs []string, err error) {
	port := redisPort
	if scheme == "redis+sentinel" {
		port = sentinelPort
	}
	for one := range strings.SplitSeq(hosts, ",") {
		host, p, err := net.SplitHostPort(one)
		if err != nil {
			host, p = strings.Trim(one, "[]"), port
		}
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 || host == "" || strings.ContainsAny(host, "[]/@") {
			return nil, fmt.Errorf("the host is missing or wrong")
		}
		addrs = append(addrs, net.JoinHostPort(host, p))
	}
	if len(addrs) > 1 && (scheme == "redis" || scheme == "rediss") {
		return nil, fmt.Errorf("several hosts need redis+sentinel:// or redis+cluster://")
	}
	return addrs, nil
}

// parsePath reads what stands behind the hosts.
func (r *RedisServer) parsePath(path string) error {
	db := path
	switch r.Scheme {
	case "redis+cluster":
		if path != "" && path != "0" {
			return fmt.Errorf("a cluster has the database 0 only")
		}
		return nil
	case "redis+sentinel":
		if r.Master, db, _ = strings.Cut(path, "/"); r.Master == "" {
			return fmt.Errorf("the name of the master is missing behind the hosts, as in redis+sentinel://host:26379/mymaster/0")
		}
	}
	if db == "" {
		return nil
	}
	n, err := strconv.Atoi(db)
	if err != nil || n < 0 || n > maxRedisDB {
		return fmt.Errorf("the database is not a number from 0 to %d", maxRedisDB)
	}
	r.DB = n
	return nil
}
