package testbed

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// clusterSlots is how many slots a Redis cluster has.
const clusterSlots = 16384

// RedisCluster is a cluster of three masters without replicas.
type RedisCluster struct{ Nodes [3]*Redis }

// StartRedisCluster starts the nodes and returns when all slots are served.
func StartRedisCluster(ctx context.Context, args ...string) (c *RedisCluster, err error) {
	c = &RedisCluster{}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	bus, err := freePorts(len(c.Nodes))
	if err != nil {
		return c, err
	}
	for i := range c.Nodes {
		if c.Nodes[i], err = newRedis(""); err != nil {
			return c, err
		}
		c.Nodes[i].args = append(c.Nodes[i].defaults(), "--cluster-enabled", "yes", "--cluster-node-timeout", "2000",
			"--cluster-require-full-coverage", "no", "--cluster-port", strconv.Itoa(bus[i]))
		c.Nodes[i].args = append(c.Nodes[i].args, args...)
		if err = c.Nodes[i].Start(ctx); err != nil {
			return c, err
		}
	}
	for i, node := range c.Nodes {
		first, end := clusterSlots*i/len(c.Nodes), clusterSlots*(i+1)/len(c.Nodes)
		if err = node.say(ctx, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(end-1)); err != nil {
			return c, err
		}
		if err = node.say(ctx, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1)); err != nil {
			return c, err
		}
	}
	for i, node := range c.Nodes[1:] {
		if err = c.Nodes[0].say(ctx, "CLUSTER", "MEET", "127.0.0.1", node.port(), strconv.Itoa(bus[i+1])); err != nil {
			return c, err
		}
	}
	return c, poll(ctx, "the cluster does not come together", func() bool { return c.whole(ctx) })
}

// whole reports whether every node knows who serves every slot.
func (c *RedisCluster) whole(ctx context.Context) bool {
	for _, node := range c.Nodes {
		if slots, err := node.Command(ctx, "CLUSTER", "SLOTS"); err != nil || slots != "*3" {
			return false
		}
		if state, err := node.Command(ctx, "CLUSTER", "INFO"); err != nil || state != "cluster_state:ok" {
			return false
		}
	}
	return true
}

// Addrs are where the nodes listen.
func (c *RedisCluster) Addrs() (addrs []string) {
	for _, node := range c.Nodes {
		addrs = append(addrs, node.Addr)
	}
	return addrs
}

// MoveSlot moves a slot with its keys from one node to another, one key at a time,
// and calls between after each key and once before the first.
func (c *RedisCluster) MoveSlot(ctx context.Context, slot, from, to int, between func()) error {
	source, target, n := c.Nodes[from], c.Nodes[to], strconv.Itoa(slot)
	sourceID, err := source.Command(ctx, "CLUSTER", "MYID")
	if err != nil {
		return err
	}
	targetID, err := target.Command(ctx, "CLUSTER", "MYID")
	if err != nil {
		return err
	}
	if err := target.say(ctx, "CLUSTER", "SETSLOT", n, "IMPORTING", sourceID); err != nil {
		return err
	}
	if err := source.say(ctx, "CLUSTER", "SETSLOT", n, "MIGRATING", targetID); err != nil {
		return err
	}
	for {
		between()
		keys, err := source.list(ctx, "CLUSTER", "GETKEYSINSLOT", n, "1")
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			break
		}
		if err := source.say(ctx, "MIGRATE", "127.0.0.1", target.port(), strconv.Quote(keys[0]), "0", "5000"); err != nil {
			return err
		}
	}
	for _, node := range []*Redis{target, source, c.Nodes[3-from-to]} {
		if err := node.say(ctx, "CLUSTER", "SETSLOT", n, "NODE", targetID); err != nil {
			return err
		}
	}
	return nil
}

// LogTail returns the end of all output.
func (c *RedisCluster) LogTail() string {
	var b strings.Builder
	for _, node := range c.Nodes {
		b.WriteString(node.LogTail())
	}
	return b.String()
}

// Close stops everything.
func (c *RedisCluster) Close() error { return closeAll(c.Nodes[:]...) }

// RunRedisCluster is RunRedis for a RedisCluster.
func RunRedisCluster(t TB, args ...string) *RedisCluster {
	t.Helper()
	skip(t)
	return runFor(t, func() (*RedisCluster, error) { return StartRedisCluster(t.Context(), args...) })
}

// say sends a command that must answer OK.
func (r *Redis) say(ctx context.Context, words ...string) error {
	answer, err := r.Command(ctx, words...)
	if err == nil && answer != "+OK" {
		err = errors.New(answer)
	}
	if err != nil {
		return fmt.Errorf("testbed: Redis: %s: %w", strings.Join(words, " "), err)
	}
	return nil
}

// list sends a command that answers with bulk strings.
func (r *Redis) list(ctx context.Context, words ...string) (items []string, err error) {
	err = r.exchange(ctx, words, func(in *lines) error {
		first, err := in.next()
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(strings.TrimPrefix(first, "*"))
		if err != nil {
			return errors.New(first)
		}
		for range n {
			item, err := in.bulk()
			if err != nil {
				return err
			}
			items = append(items, item)
		}
		return nil
	})
	return items, err
}
