package engine

import (
	"time"

	"presenced/internal/presence"
)

// What a server refused to publish is tried again, each time after twice as long.
const (
	publishRetry     = 5 * time.Second
	publishRetryMost = 30 * time.Minute
)

// publication is what a user's server has of hers. It outlives her stay here until the
// server has taken that back.
type publication struct {
	addr   presence.Addr
	bare   string
	host   *hostState
	wanted presence.Activity // sent last
	known  bool              // the server has it
	wrong  bool              // one of those on their way was refused
	flying int               // answers that have not come
	times  int               // refused, in a row
	again  instant           // when it is tried again; 0: not by itself
}

// publication returns what is known of hers, to be changed.
func (u *user) publication() *publication {
	p := u.sh.published[u.addr]
	if p == nil {
		p = &publication{addr: u.addr, host: u.host}
		u.sh.published[u.addr] = p
	}
	p.bare = u.bare()
	return p
}

func (s *shard) sendPublished(p *publication, a presence.Activity) {
	p.wanted, p.known, p.wrong, p.again = a, false, p.wrong && p.flying > 0, 0
	p.flying++
	s.e.opt.Publisher.PublishActivity(p.addr, p.bare, a)
}

// retract has a server told that there is nothing, where it can be.
func (s *shard) retract(p *publication) {
	if s.up && p.host.Publishes {
		s.sendPublished(p, presence.NoActivity)
	}
}

// publisher is the user whose publication it is, if she publishes still.
func (s *shard) publisher(p *publication) *user {
	if u := s.users[p.addr]; u != nil && u.publishes() && u.set.enrol.Enabled {
		return u
	}
	return nil
}

// ActivityPublished answers Publisher.PublishActivity.
func (e *Engine) ActivityPublished(user presence.Addr, err error) {
	s := e.shardOf(user)
	s.box.must(func(now time.Time) {
		p := s.published[user]
		if p == nil || p.flying == 0 {
			return // of another link
		}
		p.flying--
		if err != nil {
			p.wrong = true
			e.metrics.publishRefused.Inc()
			e.opt.Log.Debug("a server refused to publish what a user does", "user", p.bare, "error", err)
		}
		if p.flying == 0 {
			s.answeredAll(p, now)
		}
	})
}

// answeredAll goes on when no answer about a user is on its way any more.
func (s *shard) answeredAll(p *publication, now time.Time) {
	u := s.publisher(p)
	switch {
	case p.wrong: // what was there before may be there still
		pause := min(publishRetry<<min(p.times, 9), publishRetryMost)
		p.times++
		p.again = s.e.instant(now.Add(pause + s.jitter(pause/4)))
		s.publishAt = earliest(s.publishAt, p.again)
	case u != nil:
		p.known, p.times = true, 0
		u.publish(now)
	case p.wanted != presence.NoActivity:
		s.retract(p) // it could not be sent when she left
	default:
		delete(s.published, p.addr)
	}
}

// publishAgain tries again what was refused, where it is time; it looks once a second
// at most, since it looks at everybody.
func (s *shard) publishAgain(now time.Time) {
	at, next := s.e.instant(now), instant(0)
	for _, p := range s.published {
		if p.again.come(at) {
			p.again = 0
			if u := s.publisher(p); u != nil {
				u.publish(now)
			} else {
				s.retract(p)
			}
		}
		next = earliest(next, p.again)
	}
	if next != 0 {
		next = max(next, at+instant(time.Second))
	}
	s.publishAt = next
}

// retractOwed takes back, over a new link, what those had published who publish no
// more.
func (s *shard) retractOwed(host *hostState) {
	for _, p := range s.published {
		if p.host == host && p.flying == 0 && s.publisher(p) == nil {
			s.retract(p)
		}
	}
}

// publicationsLost forgets what is on its way when the link went: nobody knows what
// the servers have.
func (s *shard) publicationsLost() {
	for _, p := range s.published {
		p.known, p.wrong, p.flying, p.times, p.again = false, false, 0, 0, 0
	}
	s.publishAt = 0
}
