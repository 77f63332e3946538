package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The checks of what several keys say together.

func (l *loader) checkHosts() {
	const key = "component.hosts"
	c := l.config.Component
	if l.told("component.domain") {
		return
	}
	for i, host := range c.Hosts {
		if normal(host) == normal(c.Domain) {
			l.itemProblem(key, i, host, "is the component's own domain",
				"list the domains of the users; the component serves them from its own")
		}
	}
}

// checkNetworks holds the lists apart: a domain is in one network only
// (SEMANTICS S2.1).
func (l *loader) checkNetworks() {
	n := l.config.Networks
	owner := map[string]string{}
	for _, list := range []struct {
		key     string
		domains []string
	}{
		{"networks.enterprise", n.Enterprise},
		{"networks.federated", n.Federated},
		{"networks.public_cloud", n.PublicCloud},
	} {
		for i, d := range list.domains {
			if first, ok := owner[normal(d)]; ok && first != list.key {
				if first == "networks.enterprise" && !l.config.origins[first].set() {
					first += " (by default the served hosts)"
				}
				l.itemProblem(list.key, i, d, "is also in "+first, "keep it in one of the networks")
				continue
			}
			owner[normal(d)] = list.key
		}
	}
}

// serves reports whether the JID or domain s belongs to a served host.
func (l *loader) serves(s string) bool {
	return slices.ContainsFunc(l.config.Component.Hosts, func(h string) bool {
		return domainOf(h) == domainOf(s)
	})
}

// ownDomain reports whether s is an address of the component itself, which is
// never a watcher or a user (SEMANTICS S2.7).
func (l *loader) ownDomain(s string) bool {
	own := l.config.Component.Domain
	return own != "" && domainOf(s) == domainOf(own)
}

// checkServed tells every JID of a list that no served host has.
func (l *loader) checkServed(key string, list []string) {
	if l.told("component.hosts") {
		return
	}
	for i, s := range list {
		if s != "*" && !l.serves(s) {
			l.itemProblem(key, i, s, "is not of a served host", "write a JID of "+strings.Join(l.config.Component.Hosts, ", "))
		}
	}
}

func (l *loader) checkEnrolment() {
	e := l.config.Enrolment
	l.checkServed("enrolment.users", e.Users)
	l.checkServed("enrolment.bots", e.Bots)
	for i, s := range e.Apps {
		if l.ownDomain(s) {
			l.itemProblem("enrolment.apps", i, s, "is an address of the component, which never asks anything", "write the JID the app asks from")
		}
	}
	if e.Mode == "list" && len(e.Users) == 0 && !l.told("enrolment.users") {
		l.warning("enrolment.mode", quote(e.Mode), "enrols nobody while enrolment.users is empty",
			`write enrolment.users, or mode = "opt-in"`)
	}
}

func (l *loader) checkClocks() {
	p, v := l.config.Presence, l.config.Privacy
	if p.IdleAfter >= p.AwayAfter && !l.told("presence.idle_after") {
		key := "presence.away_after"
		value := p.AwayAfter
		if !l.config.origins[key].set() {
			key, value = "presence.idle_after", p.IdleAfter
		}
		l.problem(key, quote(value.String()),
			fmt.Sprintf("a device is away (%s) no later than it is idle (%s)", p.AwayAfter, p.IdleAfter),
			"write an away_after that is longer than idle_after")
	}
	if v.MaxStale < v.Refresh && !l.told("privacy.refresh") {
		l.problem("privacy.max_stale", quote(v.MaxStale.String()),
			fmt.Sprintf("is shorter than privacy.refresh (%s)", v.Refresh), "write a longer max_stale, or a shorter refresh")
	}
	if c := l.config.Calendar; c.MaxStale < 2*c.PollInterval && !l.told("calendar.poll_interval") && !l.told("calendar.max_stale") {
		l.problem("calendar.max_stale", quote(c.MaxStale.String()),
			fmt.Sprintf("is not twice calendar.poll_interval (%s), so that calendars would be too old between two readings", c.PollInterval),
			"write a longer max_stale, or a shorter poll_interval")
	}
}

// standardContainers are the ids that cannot be declared and the only bases.
var standardContainers = []int{100, 200, 300, 400}

// wider lists, for each base, the bases whose categories include all of its
// own and more (SEMANTICS S3). 300 and 400 each have what the other lacks.
func wider(base int) []int {
	switch base {
	case 100:
		return []int{200, 300, 400}
	case 200:
		return []int{300, 400}
	}
	return nil
}

func (l *loader) checkContainers() {
	ids, titles := map[int]bool{}, map[string]bool{}
	for i, c := range l.config.Privacy.Containers {
		at := func(name string) string { return fmt.Sprintf("privacy.containers[%d].%s", i, name) }
		switch {
		case slices.Contains(standardContainers, c.ID):
			l.problem(at("id"), strconv.Itoa(c.ID), "is a standard container", "write another id, 4 to 31999")
		case ids[c.ID]:
			l.problem(at("id"), strconv.Itoa(c.ID), "is declared twice", "give each container its own id")
		}
		ids[c.ID] = true
		if titles[c.Name] {
			l.problem(at("name"), quote(c.Name), "is declared twice", "give each container its own name")
		}
		titles[c.Name] = true
		if !slices.Contains(standardContainers, c.Base) {
			l.problem(at("base"), strconv.Itoa(c.Base), "not a base", "write 100, 200, 300 or 400")
			continue
		}
		l.warnOutranks(at("id"), c)
	}
}

// warnOutranks warns of a container that wins over one that shows more: who is
// in both sees less than the higher id suggests (SEMANTICS S1).
func (l *loader) warnOutranks(key string, c Container) {
	var outranked []string
	for _, base := range wider(c.Base) {
		if c.ID > base {
			outranked = append(outranked, strconv.Itoa(base))
		}
		for _, other := range l.config.Privacy.Containers {
			if other.Base == base && c.ID > other.ID {
				outranked = append(outranked, strconv.Itoa(other.ID))
			}
		}
	}
	if len(outranked) > 0 {
		l.warning(key, strconv.Itoa(c.ID), fmt.Sprintf("outranks %s, which shows more than its base %d",
			strings.Join(outranked, ", "), c.Base), "write a lower id, or a wider base")
	}
}

func (l *loader) checkWalls() {
	for i, w := range l.config.Privacy.Walls {
		users, from := fmt.Sprintf("privacy.walls[%d].users", i), fmt.Sprintf("privacy.walls[%d].hidden_from", i)
		l.checkServed(users, w.Users)
		if l.told("component.domain") {
			continue
		}
		for k, s := range w.HiddenFrom {
			if s != "*" && l.ownDomain(s) {
				l.itemProblem(from, k, s, "is of the component's own domain, which never watches", "write the watcher's own JID")
			}
		}
	}
}

func (l *loader) checkListsSQL() {
	hosts := map[string]bool{}
	for i, s := range l.config.Privacy.ListsSQL {
		key := fmt.Sprintf("privacy.lists_sql[%d].host", i)
		l.checkServedText(key, s.Host)
		if s.Host != "" && hosts[normal(s.Host)] {
			l.problem(key, quote(s.Host), "has two sources", "keep one of the two")
		}
		hosts[normal(s.Host)] = true
	}
}

func (l *loader) checkServedText(key, host string) {
	if !l.told("component.hosts") && host != "" && !l.serves(host) {
		l.problem(key, quote(host), "is not a served host", "write one of "+strings.Join(l.config.Component.Hosts, ", "))
	}
}

func (l *loader) checkPolicies() {
	for i, p := range l.config.Policies {
		key := fmt.Sprintf("policies[%d].", i)
		l.unique(key+"name", p.Name, i, func(k int) string { return l.config.Policies[k].Name })
		l.checkServed(key+"users", p.Users)
		if len(p.Groups) > 0 && l.config.Directory.File == "" {
			l.warning(key+"groups", quote(strings.Join(p.Groups, ", ")),
				"counts for nobody while directory.file does not tell who is in a group", "name a directory.file with a column groups, or the people in policies.users")
		}
	}
}

// unique tells a name that an item before the i-th has.
func (l *loader) unique(key, name string, i int, nameOf func(int) string) {
	for k := range i {
		if name != "" && nameOf(k) == name {
			l.problem(key, quote(name), "is declared twice", "give each its own name")
			return
		}
	}
}

func (l *loader) checkMap() {
	for i, m := range l.config.Calendar.Map {
		key := fmt.Sprintf("calendar.map[%d].", i)
		if m.ShowAs == "" && m.Category == "" {
			l.problem(key+"show_as", "", "is missing", "write show_as, category or both")
		}
		if m.Availability > 0 && m.Availability < minAvailability {
			l.problem(key+"availability", strconv.Itoa(m.Availability), "is too small", "write 0, or 3000 to 18999")
		}
		for k, other := range l.config.Calendar.Map[:i] {
			if m.ShowAs == other.ShowAs && m.Category == other.Category {
				l.problem(key+"show_as", quote(m.ShowAs), "is mapped twice",
					fmt.Sprintf("keep this or the one on line %d", l.config.nearestOrigin(fmt.Sprintf("calendar.map[%d]", k)).Line))
				break
			}
		}
	}
}

func (l *loader) checkStates() {
	languages := ruleOf("presence.language").allowed
	for i, s := range l.config.States {
		key := fmt.Sprintf("states[%d].", i)
		l.unique(key+"name", s.Name, i, func(k int) string { return l.config.States[k].Name })
		for language, text := range s.Texts {
			if strings.TrimSpace(text) == "" {
				l.problem(key+"texts", "", "the text for "+language+" is empty", "write it, or leave the language out")
			}
		}
		if l.config.origins[key+"texts"].set() && s.Texts[languages[0]] == "" {
			l.warning(key+"texts", "", "has no text in "+languages[0]+", which others fall back to", "add one")
		}
	}
}

func (l *loader) checkListeners() {
	h := l.config.HTTP
	for _, one := range []struct{ key, address string }{
		{"http.listen", h.Listen}, {"http.metrics_listen", h.MetricsListen},
	} {
		if one.address != "" && !isLoopback(one.address) {
			l.warning(one.key, quote(one.address), "can be reached from other machines, without encryption",
				"listen on 127.0.0.1 behind a proxy")
		}
	}
	if h.Listen != "" && h.Listen == h.MetricsListen && !strings.HasSuffix(h.Listen, ":0") && !l.told("http.listen") {
		l.problem("http.metrics_listen", quote(h.MetricsListen), "is http.listen as well", "write another port")
	}
}

// checkKeyFile checks only that the key can be read; its reader checks the key.
func (l *loader) checkKeyFile() {
	const key = "calendar.key_file"
	path := l.config.Calendar.KeyFile
	if path == "" || l.told(key) {
		return
	}
	_, mode, err := l.read(path, maxSecret)
	if err != nil {
		l.problem(key, quote(path), "cannot be read: "+plainError(err), "write the key into it and let the daemon's user read it")
		return
	}
	if mode&worldReadable != 0 {
		l.warning(key, quote(path), "every local user can read the file", "chmod 0640 it")
	}
}
