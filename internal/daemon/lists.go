package daemon

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/config"
	"presenced/internal/admin"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/serverlists"
)

// openLists opens the databases of the configuration and puts them into the rules.
// It connects to none.
func (d *Daemon) openLists(c *config.Config, rules *engine.Rules) error {
	lists, err := d.lists.plan(c, d.listsRead)
	if err != nil {
		return err
	}
	rules.ListSources = lists.readers()
	d.undo.add("databases of lists", func(context.Context) error { return d.lists.close() })
	return d.lists.put(lists)
}

// listsRead hands an answer to the engine, which alone asks.
func (d *Daemon) listsRead(user presence.Addr, lists engine.Lists, err error) {
	d.engine.ListsRead(user, lists, err)
}

// listSources are the databases that block and privacy lists are read from (S11),
// by host in IDNA form.
type listSources struct {
	mu   sync.Mutex // guards what follows
	open map[string]listSource
}

// listSource is an open one and what it was opened for.
type listSource struct {
	key    config.ListsSQL
	reader *serverlists.Reader
}

// same reports whether two entries mean one database, wherever the text of the dsn
// stands.
func (s listSource) same(l config.ListsSQL) bool {
	return s.reader != nil && s.key.Driver == l.Driver && s.key.DSN.Reveal() == l.DSN.Reveal()
}

// listChange is the way from the sources in force to those of another configuration.
type listChange struct {
	next map[string]listSource
	made []listSource // opened for it
	gone []listSource // not in it any more
}

// plan opens what a configuration adds, and changes nothing else. The error names
// the entry.
func (s *listSources) plan(c *config.Config, answer serverlists.Answer) (listChange, error) {
	s.mu.Lock()
	old := maps.Clone(s.open)
	s.mu.Unlock()
	change := listChange{next: make(map[string]listSource)}
	for _, l := range c.Privacy.ListsSQL {
		host, err := presence.ParseAddr(l.Host)
		if err != nil {
			return change, errors.Join(setup("write a served host", "privacy.lists_sql: %w", err), change.drop())
		}
		if was := old[host.Domain()]; was.same(l) {
			change.next[host.Domain()] = was
			continue
		}
		source, err := serverlists.Open(serverlists.Options{Host: l.Host, Driver: l.Driver, DSN: l.DSN.Reveal()})
		if err != nil {
			return change, errors.Join(setup("correct it in [[privacy.lists_sql]]", "privacy.lists_sql: %w", err), change.drop())
		}
		is := listSource{key: l, reader: serverlists.NewReader(source, answer)}
		change.next[host.Domain()] = is
		change.made = append(change.made, is)
	}
	for host, was := range old {
		if change.next[host].reader != was.reader {
			change.gone = append(change.gone, was)
		}
	}
	return change, nil
}

// drop closes what was opened for a change that does not come.
func (c listChange) drop() error { return closeSources(c.made) }

// readers are what the engine is to ask.
func (c listChange) readers() map[string]engine.ListReader {
	readers := make(map[string]engine.ListReader, len(c.next))
	for host, s := range c.next {
		readers[host] = s.reader
	}
	return readers
}

// put puts a change in force. The sources that go are closed before the engine
// hears of the others, so that none of their answers comes after.
func (s *listSources) put(c listChange) error {
	s.mu.Lock()
	s.open = c.next
	s.mu.Unlock()
	return closeSources(c.gone)
}

// close ends all.
func (s *listSources) close() error { return s.put(listChange{gone: s.all()}) }

func (s *listSources) all() []listSource {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.open))
}

func closeSources(list []listSource) error {
	var errs []error
	for _, s := range list {
		errs = append(errs, s.reader.Close())
	}
	return errors.Join(errs...)
}

// states tells how each database does, by host.
func (s *listSources) states() map[string]serverlists.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make(map[string]serverlists.State, len(s.open))
	for host, is := range s.open {
		states[host] = is.reader.State()
	}
	return states
}

// awayReasons are why the daemon is degraded where a database cannot be read: users
// are shown as their last known lists allow, and to nobody where none are known.
func awayReasons(states map[string]serverlists.State) (reasons []admin.Reason) {
	for _, host := range slices.Sorted(maps.Keys(states)) {
		if s := states[host]; s.Away != nil {
			reasons = append(reasons, admin.Reason{Name: "lists of " + host, Since: s.Since, Remedy: s.Away.Error()})
		}
	}
	return reasons
}

// The metrics of the databases; hosts come and go with a reload.
var (
	listsUp = prometheus.NewDesc("presenced_lists_sql_up",
		"1 while a host's block and privacy lists can be read from its database; else 0.", []string{"host"}, nil)
	listsWaiting = prometheus.NewDesc("presenced_lists_sql_waiting",
		"Users whose lists are being read from a database or wait for it.", []string{"host"}, nil)
	listsReadings = prometheus.NewDesc("presenced_lists_sql_readings_total",
		"Readings of a user's lists from a database, by their result.", []string{"host", "result"}, nil)
)

// Describe implements prometheus.Collector.
func (s *listSources) Describe(to chan<- *prometheus.Desc) {
	to <- listsUp
	to <- listsWaiting
	to <- listsReadings
}

// Collect implements prometheus.Collector.
func (s *listSources) Collect(to chan<- prometheus.Metric) {
	for host, state := range s.states() {
		up := 1.0
		if state.Away != nil {
			up = 0
		}
		to <- prometheus.MustNewConstMetric(listsUp, prometheus.GaugeValue, up, host)
		to <- prometheus.MustNewConstMetric(listsWaiting, prometheus.GaugeValue, float64(state.Waiting), host)
		to <- prometheus.MustNewConstMetric(listsReadings, prometheus.CounterValue, float64(state.Readings.Well), host, "well")
		to <- prometheus.MustNewConstMetric(listsReadings, prometheus.CounterValue, float64(state.Readings.Failed), host, "failed")
	}
}
