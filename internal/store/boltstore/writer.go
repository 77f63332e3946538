package boltstore

import (
	"fmt"
	"time"

	"presenced/internal/store/queue"
)

// maxProbe bounds the probe: enough to notice that the disk still cannot take
// what it refused, little enough to be tried every second.
const maxProbe = 1 << 20

// run is the writer: the only goroutine that changes the file.
func (s *Store) run() {
	defer close(s.stopped)
	for {
		j, ok := s.next()
		if !ok {
			s.probe()
			continue
		}
		s.work(j)
		if j.Last {
			break
		}
	}
	s.answers.Drain()
	s.closeErr = s.release()
}

// next waits for something to commit; false means it is time for a probe.
func (s *Store) next() (queue.Job, bool) {
	for {
		now := time.Now()
		probeAt := s.health.probeAt()
		healthy := probeAt.IsZero()
		j, wait, ok := s.in.Take(now, healthy)
		switch {
		case ok:
			return j, true
		case !healthy && s.broken == nil:
			if wait = probeAt.Sub(now); wait <= 0 {
				return queue.Job{}, false
			}
		}
		s.sleep(wait)
	}
}

// sleep returns when the inbox has something or after d; 0 is no limit.
func (s *Store) sleep(d time.Duration) {
	var timeout <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-s.in.Wake():
	case <-timeout:
	}
}

// work commits j and answers its callbacks. Settings go before presence: when
// both together fail, the settings are tried alone.
func (s *Store) work(j queue.Job) {
	var err error
	if j.Last && s.aborted.Load() {
		err = fmt.Errorf("%w; it did not finish in time", ErrClosed)
	} else {
		err = s.store(j)
	}
	if err != nil {
		err = refused(s.hint(err))
	}
	as := make([]queue.Answer, 0, len(j.Writes))
	for _, q := range j.Writes {
		as = append(as, queue.Answer{Done: q.Done, Err: err, Free: func() { s.in.Answered(q) }})
	}
	s.answers.Add(as...)
}

// store returns nil when the settings of j are durable.
func (s *Store) store(j queue.Job) error {
	c := change{writes: settingsOf(j.Writes), presence: j.Presence}
	if len(c.writes) == 0 && len(c.presence) == 0 {
		return nil
	}
	err := s.commit(c)
	s.note(err, c)
	if err == nil || len(c.presence) == 0 {
		return err
	}
	s.in.GiveBack(c.presence)
	if len(c.writes) == 0 {
		return nil // only the settings have somebody to tell
	}
	return s.commit(change{writes: c.writes})
}

func settingsOf(all []queue.Queued) []queue.Queued {
	for i, q := range all {
		if q.Barrier() {
			kept := append([]queue.Queued(nil), all[:i]...)
			for _, q := range all[i:] {
				if !q.Barrier() {
					kept = append(kept, q)
				}
			}
			return kept
		}
	}
	return all
}

// note keeps the health and tells the log when it turns.
func (s *Store) note(err error, c change) {
	if err == nil {
		if s.health.recovered() {
			s.log.Info("the embedded store stores changes again")
		}
		return
	}
	err = s.hint(err)
	if s.health.failed(err, time.Now().Add(s.tune.probeEvery), min(c.size(), maxProbe)) {
		s.log.Error("the embedded store refuses changes", "err", err)
	}
	if s.undo != nil {
		if err := s.commit(change{}); err != nil {
			s.log.Debug("a refused change is still visible; taking it back later", "err", err)
		}
	}
}

// probe finds out whether the disk takes writes again: as much as it refused
// last, up to maxProbe, written and removed. The freed pages then serve the next
// change.
func (s *Store) probe() {
	c := change{ballast: s.health.refusedSize()}
	err := s.commit(c)
	if err == nil {
		err = s.commit(change{})
	}
	s.note(err, c)
}

// release closes the file. A database whose inside panicked may hold its locks
// for ever, so only the file is closed then; its mapping stays until exit.
func (s *Store) release() error {
	err := s.broken
	if err == nil {
		err = guarded(s.db.Close)
	}
	if err != nil {
		letGo(s.file)
		return fmt.Errorf("embedded store: close: %w", s.hint(err))
	}
	return nil
}
