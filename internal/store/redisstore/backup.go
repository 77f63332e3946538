package redisstore

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
)

// backup writes every key under the prefix, as Redis dumps it, one JSON line each,
// to name beside the marker. RESTORE takes the values back.
func (s *Store) backup(ctx context.Context, name string) (err error) {
	final := filepath.Join(s.opt.Path, name)
	f, err := os.OpenFile(final+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // perhaps a second close
			_ = os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriter(f)
	out := json.NewEncoder(w)
	err = s.scan(ctx, globbed(s.opt.Prefix)+"*", func(ctx context.Context, keys []string) error {
		for _, key := range keys {
			dump, err := s.client.Dump(ctx, key).Bytes()
			if isNil(err) {
				continue // a lease that ended meanwhile
			}
			if err == nil {
				err = out.Encode(map[string]any{"key": []byte(key), "dump": dump})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err = w.Flush(); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), final)
}
