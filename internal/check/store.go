package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"presenced/internal/engine"
	"presenced/internal/store/boltstore"
)

// Free space below which the disk is a worry or a fault. Settings of a user
// take a few KiB; what fills a disk is usually somebody else.
const (
	littleSpace = 512 << 20
	noSpace     = 32 << 20
)

// closeTime bounds closing the store again.
const closeTime = 5 * time.Second

// writeAccess is W_OK of access(2).
const writeAccess = 2

func (c *checker) store(ctx context.Context) {
	path := c.config.Store.Path
	switch {
	case !c.config.Store.Redis.IsZero():
		c.redis(ctx)
	case c.status != nil && !c.status.Store.Healthy:
		c.fail("store", c.status.Store.Problem, "until then no setting can be changed; presence goes on")
	case c.status != nil:
		c.ok("store", "the daemon stores in %s", c.status.Store.Path)
		path = c.status.Store.Path
	default:
		c.openStore(path)
	}
	c.space(path)
}

// openStore looks at the store while no daemon answers. A store that is not
// there is not made: it would belong to whoever runs the check.
func (c *checker) openStore(path string) {
	_, err := os.Stat(filepath.Join(path, "presenced.db"))
	if errors.Is(err, fs.ErrNotExist) {
		c.newStore(path)
		return
	}
	s, err := boltstore.Open(boltstore.Options{Dir: path})
	switch {
	case errors.Is(err, engine.ErrInUse):
		c.taken = true
		c.fail("store", err.Error(), "a daemon runs on it that does not answer on this socket: name its socket with --socket")
	case errors.Is(err, engine.ErrNewerSchema):
		c.fail("store", err.Error(), "run the newer presenced again, or restore the copy that was made before the upgrade")
	case err != nil:
		c.fail("store", err.Error(), "see that the daemon's user may write store.path, or restore it from a copy")
	default:
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			c.warn("store", "it opened, but closing it failed: "+err.Error(), "look at the disk")
			return
		}
		c.ok("store", "%s opens", path)
	}
}

// newStore tells whether a store could be made.
func (c *checker) newStore(path string) {
	dir := existing(path)
	if err := syscall.Access(dir, writeAccess); err != nil {
		c.fail("store", fmt.Sprintf("%s: %v", dir, err), "make "+path+" and give it to the user the daemon runs as")
		return
	}
	c.ok("store", "%s is empty; the first start makes the store", path)
}

// existing returns path or the nearest directory above it that is there.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

func (c *checker) space(path string) {
	var fs syscall.Statfs_t
	dir := existing(path)
	if err := syscall.Statfs(dir, &fs); err != nil {
		c.warn("disk", fmt.Sprintf("%s: %v", dir, err), "")
		return
	}
	free := fs.Bavail * uint64(fs.Bsize)
	found := fmt.Sprintf("%d MiB free for %s", free>>20, path)
	switch {
	case free < noSpace:
		c.fail("disk", found, "make room: a full disk refuses every change of a setting")
	case free < littleSpace:
		c.warn("disk", found, "make room before it is needed")
	default:
		c.ok("disk", "%s", found)
	}
}
