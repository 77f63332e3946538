package scenario

import (
	"time"

	"gopkg.in/yaml.v3"

	"presenced/aggregation"
	"presenced/internal/engine/eval"
	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// defaultComponent is the component's domain where a file names none.
const defaultComponent = "presence.example.org"

// vector is one worked case, ready to run.
type vector struct {
	id, title, rule string
	now             time.Time
	system          eval.System
	person          eval.Person
	watchers        []watching
}

// parts are what a vector says, before it is compiled.
type parts struct {
	now         time.Time
	aggregation aggregation.Options
	operator    privacy.Operator
	site        privacy.SiteOptions
	settings    privacy.Settings
	rules       []ruleAt
	contacts    []presence.Contact
	inputs      aggregation.Inputs
	profile     presence.Profile
	note        string
	lastActive  time.Time
}

// ruleAt is a rule and where it stands, for errors told after all is read.
type ruleAt struct {
	rule privacy.Rule
	node *yaml.Node
	at   string
}

// config reads a vector's config over the product's defaults.
func (d *reader) config(n *yaml.Node) *parts {
	p := &parts{aggregation: aggregation.Default(), operator: privacy.DefaultOperator()}
	p.site.Component = defaultComponent
	o := &p.operator
	d.object(n, "config", fields{
		"enterprise_domains":   func(n *yaml.Node, at string) { p.site.Networks.Enterprise = d.texts(n, at) },
		"federated_domains":    func(n *yaml.Node, at string) { p.site.Networks.Federated = d.texts(n, at) },
		"public_cloud_domains": func(n *yaml.Node, at string) { p.site.Networks.PublicCloud = d.texts(n, at) },
		"idle_after":           func(n *yaml.Node, at string) { p.aggregation.IdleAfter = d.seconds(n, at, 1) },
		"away_after":           func(n *yaml.Node, at string) { p.aggregation.AwayAfter = d.seconds(n, at, 1) },
		"calendar_preset":      func(n *yaml.Node, at string) { p.aggregation.Calendar = word(d, n, at, aggregation.Preset) },
		"calendar_max_stale":   func(n *yaml.Node, at string) { p.aggregation.CalendarMaxStale = d.seconds(n, at, 0) },
		"last_active":          func(n *yaml.Node, at string) { o.LastActive = word(d, n, at, privacy.ParseLastActive) },
		"last_active_granularity": func(n *yaml.Node, at string) {
			o.Granularity = d.seconds(n, at, 1)
		},
		"photo_policy":    func(n *yaml.Node, at string) { o.Photo = word(d, n, at, privacy.ParsePhoto) },
		"component":       func(n *yaml.Node, at string) { p.site.Component = d.text(n, at) },
		"offline_details": func(n *yaml.Node, at string) { o.OfflineDetails = word(d, n, at, privacy.ParseOfflineDetails) },
	})
	return p
}

// build compiles what was read. What only shows now, such as a rule that names
// an undeclared container, is an error of the vector too.
func (p *parts) build(d *reader, n *yaml.Node, v *vector) {
	site, err := privacy.NewSite(p.site)
	if err != nil {
		d.fail(n, "config", "%v", err)
		return
	}
	for _, r := range p.rules {
		rule, err := site.NewRule(r.rule, true)
		if err != nil {
			d.fail(r.node, r.at, "%v", err)
			continue
		}
		p.settings.Rules = append(p.settings.Rules, rule)
	}
	p.settings.RosterReadable = true
	v.system = eval.System{Aggregation: p.aggregation, Operator: p.operator, Site: site}
	v.person = eval.Person{
		Inputs: p.inputs, Policy: privacy.NewPolicy(site, p.settings), Roster: roster.New(p.contacts, site.Component()),
		Profile: &p.profile, Note: p.note, LastActiveAt: p.lastActive,
	}
}
