//go:build integration

package acceptance

import (
	"maps"
	"os"
	"testing"

	"presenced/internal/testbed"
)

// onRedis is set where the package runs on the Redis store; make test runs it once
// on either, but for what is about one of them.
var onRedis = os.Getenv("PRESENCED_STORE") == "redis"

// storeOf gives a test's daemon its store: a Redis of its own, or nothing, which is
// the embedded one.
func storeOf(t *testing.T) (*testbed.Redis, map[string]any) {
	t.Helper()
	if !onRedis {
		return nil, nil
	}
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	return r, map[string]any{"redis": r.URL}
}

// lay puts sections of configuration over others, key by key.
func lay(over, under map[string]any) map[string]any {
	for section, values := range over {
		merged, _ := under[section].(map[string]any)
		if merged == nil {
			merged = map[string]any{}
		}
		maps.Copy(merged, values.(map[string]any))
		under[section] = merged
	}
	return under
}
