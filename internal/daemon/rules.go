package daemon

import (
	"fmt"
	"slices"
	"strings"

	"presenced/aggregation"
	"presenced/component/commands"
	"presenced/config"
	"presenced/internal/engine"
	"presenced/internal/engine/eval"
	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// rulesOf translates the part of a configuration that a reload may change. It
// is pure; an error means a value that config accepts and a room refuses.
func rulesOf(c *config.Config) (*engine.Rules, error) {
	site, err := privacy.NewSite(siteOf(c))
	if err != nil {
		return nil, setup("correct it in the configuration", "%w", err)
	}
	table, err := tableOf(&c.Calendar)
	if err != nil {
		return nil, setup("correct calendar.map in the configuration", "%w", err)
	}
	walls, err := wallsOf(c)
	if err != nil {
		return nil, err
	}
	enrolment, err := enrolmentOf(&c.Enrolment)
	if err != nil {
		return nil, err
	}
	policies, err := policiesOf(c)
	if err != nil {
		return nil, err
	}
	return &engine.Rules{
		System: eval.System{
			Aggregation: aggregation.Options{
				IdleAfter: c.Presence.IdleAfter.Std(), AwayAfter: c.Presence.AwayAfter.Std(),
				Calendar: table, CalendarMaxStale: c.Calendar.MaxStale.Std(),
				RequireAttendees: c.Calendar.RequireAttendees,
			},
			Operator: operatorOf(c, &c.Policy),
			Site:     site,
		},
		Walls:        walls,
		Enrolment:    enrolment,
		Refresh:      c.Privacy.Refresh.Std(),
		MaxStale:     c.Privacy.MaxStale.Std(),
		RequireLists: c.Privacy.ServerLists == "require",
		Egress:       c.Privacy.Egress == "managed",
		Provisioning: c.Privacy.Provisioning,
		Limits:       roster.Limits{Watchers: c.Limits.Watchers, Requests: c.Limits.Requests},
		Policies:     policies,
		States:       statesOf(c),
	}, nil
}

func siteOf(c *config.Config) privacy.SiteOptions {
	custom := make(map[presence.ContainerID]presence.ContainerID, len(c.Privacy.Containers))
	for _, k := range c.Privacy.Containers {
		custom[presence.ContainerID(k.ID)] = presence.ContainerID(k.Base)
	}
	return privacy.SiteOptions{
		Component: c.Component.Domain,
		Networks: privacy.Networks{
			Enterprise: c.Networks.Enterprise, Federated: c.Networks.Federated, PublicCloud: c.Networks.PublicCloud,
		},
		Containers:   custom,
		SharedGroups: c.Presence.SharedGroups,
	}
}

// statesOf are the operator's states; one without an activity shows its name.
func statesOf(c *config.Config) []engine.State {
	states := make([]engine.State, 0, len(c.States))
	for _, s := range c.States {
		token := s.Activity
		if token == "" {
			token = s.Name
		}
		words := &presence.Wording{ByLanguage: make(map[string]string, len(s.Texts))}
		for tag, told := range s.Texts {
			words.ByLanguage[strings.ToLower(tag)] = told
		}
		states = append(states, engine.State{
			Name: s.Name, Availability: presence.Availability(s.Availability), Activity: presence.Activity(token), Wording: words,
		})
	}
	return states
}

// wordingsOf are the words for the tokens those states brought; SEMANTICS' own
// tokens keep theirs, whoever set them.
func wordingsOf(c *config.Config) map[presence.Activity]*presence.Wording {
	var words map[presence.Activity]*presence.Wording
	for _, s := range statesOf(c) {
		if s.Activity.Known() || words[s.Activity] != nil {
			continue
		}
		if words == nil {
			words = make(map[presence.Activity]*presence.Wording)
		}
		words[s.Activity] = s.Wording
	}
	return words
}

// tableOf is the preset with the operator's lines before it (S6.1).
func tableOf(c *config.Calendar) (aggregation.Table, error) {
	table, ok := aggregation.Preset(c.Preset)
	if !ok {
		return nil, fmt.Errorf("calendar.preset %q is not known", c.Preset)
	}
	lines := make([]aggregation.Rule, 0, len(c.Map))
	for _, m := range c.Map {
		line := aggregation.Rule{
			Category:     m.Category,
			Availability: presence.Availability(m.Availability), Activity: presence.Activity(m.Activity),
		}
		if m.ShowAs == "" {
			line.AnyKind = true
		} else if line.Kind, ok = presence.ParseEventKind(m.ShowAs); !ok {
			return nil, fmt.Errorf("calendar.map: show_as %q is not known", m.ShowAs)
		}
		lines = append(lines, line)
	}
	table = table.With(lines...)
	return table, table.Validate()
}

// wallsOf reads the walls; "*" among the users is everybody on the served hosts.
func wallsOf(c *config.Config) ([]engine.Wall, error) {
	var walls []engine.Wall
	for i, w := range c.Privacy.Walls {
		names := w.Users
		if slices.Contains(names, "*") {
			names = c.Component.Hosts
		}
		users, err := addrsOf(fmt.Sprintf("privacy.walls[%d].users", i), names)
		if err != nil {
			return nil, err
		}
		walls = append(walls, engine.Wall{Users: users, HiddenFrom: w.HiddenFrom})
	}
	return walls, nil
}

func enrolmentOf(c *config.Enrolment) (engine.Enrolment, error) {
	e := engine.Enrolment{Users: make(map[presence.Addr]string), Bots: make(map[presence.Addr]bool), Apps: make(map[presence.Addr]bool)}
	switch c.Mode {
	case "all":
		e.Mode = engine.EnrolAll
	case "list":
		e.Mode = engine.EnrolList
	}
	users, err := addrsOf("enrolment.users", c.Users)
	if err != nil {
		return e, err
	}
	// The list counts in mode "list" only: a name left there must not enrol
	// anybody who may decide for herself.
	if e.Mode == engine.EnrolList {
		for i, a := range users {
			e.Users[a] = c.Users[i]
		}
	}
	bots, err := addrsOf("enrolment.bots", c.Bots)
	for _, a := range bots {
		e.Bots[a] = true
	}
	if err != nil {
		return e, err
	}
	apps, err := addrsOf("enrolment.apps", c.Apps)
	for _, a := range apps {
		e.Apps[a] = true
	}
	return e, err
}

// addrsOf reads the addresses of one key.
func addrsOf(key string, list []string) ([]presence.Addr, error) {
	out := make([]presence.Addr, 0, len(list))
	for _, s := range list {
		a, err := presence.ParseAddr(s)
		if err != nil {
			return nil, setup("write an address such as alice@example.org", "%s: %q: %w", key, s, err)
		}
		out = append(out, a)
	}
	return out, nil
}

// hostsOf returns the served hosts in IDNA form.
func hostsOf(c *config.Config) ([]string, error) {
	addrs, err := addrsOf("component.hosts", c.Component.Hosts)
	if err != nil {
		return nil, err
	}
	hosts := make([]string, len(addrs))
	for i, a := range addrs {
		hosts[i] = a.Domain()
	}
	return hosts, nil
}

// levelNames names the operator's containers.
func levelNames(c *config.Config) func(presence.ContainerID) string {
	names := make(map[presence.ContainerID]string, len(c.Privacy.Containers))
	for _, k := range c.Privacy.Containers {
		names[presence.ContainerID(k.ID)] = k.Name
	}
	return func(id presence.ContainerID) string { return names[id] }
}

// levelsOf are the operator's containers as the commands name them.
func levelsOf(c *config.Config) []commands.Container {
	var levels []commands.Container
	for _, k := range c.Privacy.Containers {
		levels = append(levels, commands.Container{ID: presence.ContainerID(k.ID), Name: k.Name})
	}
	return levels
}
