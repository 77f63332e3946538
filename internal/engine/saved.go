package engine

import (
	"encoding/binary"
	"slices"
	"time"

	"presenced/internal/presence"
)

// The reserved user under which the store keeps whether the last run ended
// cleanly: only then are the stored digests those the watchers have.
const (
	metaUser  = "\x01meta"
	metaClean = "clean"
)

// flushEvery is how long presence may wait before it is handed to the store: long
// enough for company, short enough for whoever reads it there.
const flushEvery = 50 * time.Millisecond

// savedVersion is the first byte of every stored presence.
const savedVersion = 1

// markDirty has the user's devices stored with the next flush, where somebody else
// reads the store or a restart could not learn them again: the server neither
// tells them at the attach nor answers probes. Everywhere else what is stored
// would be swept unread.
func (u *user) markDirty(now time.Time) {
	if u.sh.e.opt.StorePresence || u.needsPings() {
		u.keep(now)
	}
}

// keep has what is known of the user's presence stored with the next flush. Claims
// are learned from nobody again.
func (u *user) keep(now time.Time) {
	if u.isDirty {
		return
	}
	u.isDirty = true
	s := u.sh
	s.dirty = append(s.dirty, u)
	if s.flushAt.IsZero() {
		s.flushAt = now.Add(flushEvery)
	}
}

func (s *shard) flushPresence() {
	for i, u := range s.dirty {
		u.isDirty = false
		s.dirty[i] = nil
		if u.forgotten() {
			continue
		}
		s.body = u.appendPresence(s.body[:0], false)
		if len(s.body) == 0 {
			s.e.opt.Store.SavePresence(u.addr.Key(), nil)
		} else {
			s.e.opt.Store.SavePresence(u.addr.Key(), s.body)
		}
	}
	s.dirty = s.dirty[:0]
	s.flushAt = time.Time{}
}

// leaveBehind stores what the next start may trust: with the devices, what each
// watcher was sent last.
func (s *shard) leaveBehind() {
	for _, u := range s.users {
		s.e.opt.Store.SavePresence(u.addr.Key(), u.encodePresence(true))
	}
}

// encodePresence renders devices and, if asked, digests; nil when there are
// none.
func (u *user) encodePresence(digests bool) []byte { return u.appendPresence(nil, digests) }

// appendPresence is encodePresence with the buffer to use; it appends nothing when
// there is nothing.
func (u *user) appendPresence(b []byte, digests bool) []byte {
	rs := u.person.Inputs.Resources
	pairs := 0
	for i := range u.groups {
		if digests {
			pairs += len(u.groups[i].pairs)
		}
	}
	claims := len(u.person.Inputs.Claims)
	if len(rs) == 0 && pairs == 0 && claims == 0 {
		return b
	}
	b = slices.Grow(b, 16+64*len(rs)+40*pairs+96*claims)
	if claims == 0 {
		b = append(b, savedVersion)
	} else {
		b = append(b, savedWithClaims)
	}
	b = binary.AppendUvarint(b, uint64(len(rs)))
	for i := range rs {
		r := &rs[i]
		b = appendString(b, r.Name)
		b = append(b, byte(r.Priority), byte(r.Show), flag(r.Own))
		b = appendString(b, r.Status)
		b = appendTime(b, r.IdleSince)
		b = appendTime(b, r.PublishedAt)
	}
	b = binary.AppendUvarint(b, uint64(pairs))
	for i := range u.groups {
		if pairs == 0 {
			break
		}
		g := &u.groups[i]
		g.each(func(j int, l last) {
			b = appendString(b, u.watcher(g.pairs[j]).Key())
			b = binary.LittleEndian.AppendUint64(b, l.sent)
		})
	}
	return u.appendClaims(b)
}

// restorePresence reads what encodePresence wrote. Presence is rebuilt from the
// server anyway, so what cannot be read is dropped.
func (u *user) restorePresence(b []byte) {
	d := decoder{b: b}
	if len(b) == 0 {
		return
	}
	form := d.byte()
	if form != savedVersion && form != savedWithClaims {
		return
	}
	var rs []presence.Resource
	for n := d.count(); n > 0 && !d.bad; n-- {
		r := presence.Resource{Name: d.string()}
		r.Priority, r.Show, r.Own = int8(d.byte()), presence.Show(d.byte()), d.byte() != 0
		r.Status, r.IdleSince, r.PublishedAt = d.string(), d.time(), d.time()
		rs = append(rs, r)
	}
	sent := make(map[presence.Addr]uint64)
	for n := d.count(); n > 0 && !d.bad; n-- {
		a, err := presence.AddrFromKey(d.string())
		digest := d.uint64()
		if err == nil {
			sent[a] = digest
		}
	}
	if d.bad {
		return
	}
	u.person.Inputs.Resources = rs
	if form == savedWithClaims {
		u.person.Inputs.Claims = d.claims()
	}
	if len(sent) > 0 {
		u.begin().sent = sent
	}
}

// restoreSent takes over what the watchers were last sent, after a clean stop.
// Only a plain unavailable can be trusted: a watcher who came online while the
// daemon was away has been shown nothing else.
func (u *user) restoreSent() {
	u.uncertain(minInstant)
	if u.going == nil {
		return
	}
	sent := u.going.sent
	for i := range u.groups {
		g := &u.groups[i]
		g.change(func(j int, l last) last {
			if sent[u.watcher(g.pairs[j])] == u.sh.e.offlineDigest {
				l.sent = u.sh.e.offlineDigest
			}
			return l
		})
	}
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendTime stores unix nanoseconds; zero is no time.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(b, 0)
	}
	return binary.AppendVarint(b, t.UnixNano())
}

// decoder reads a stored presence; bad is set at the first thing that does not
// fit, and everything after reads as zero.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.b) {
		d.bad = true
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) count() int {
	v, n := binary.Uvarint(d.b)
	if d.bad || n <= 0 || v > uint64(len(d.b)) {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return int(v)
}

func (d *decoder) string() string { return string(d.take(d.count())) }

func (d *decoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) time() time.Time {
	v, n := binary.Varint(d.b)
	if d.bad || n <= 0 {
		d.bad = true
		return time.Time{}
	}
	d.b = d.b[n:]
	if v == 0 {
		return time.Time{}
	}
	return time.Unix(0, v).UTC()
}
