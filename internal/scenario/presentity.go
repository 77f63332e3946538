package scenario

import (
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"presenced/internal/presence"
	"presenced/privacy"
)

// defaultLease is a claim's life where it names none (S5.2).
const defaultLease = 300 * time.Second

// presentity reads the user a vector is about.
func (d *reader) presentity(n *yaml.Node, p *parts) {
	p.settings.State = privacy.StateOK
	s := &p.settings
	in := &p.inputs
	d.object(n, "presentity", fields{
		"jid":            func(n *yaml.Node, at string) { s.Owner = d.jid(n, at, true) },
		"kind":           func(n *yaml.Node, at string) { in.Kind = word(d, n, at, parseKind) },
		"policy_state":   func(n *yaml.Node, at string) { s.State = word(d, n, at, privacy.ParseLoadState) },
		"privacy_mode":   func(n *yaml.Node, at string) { s.PrivacyMode = d.boolean(n, at) },
		"off_hours":      func(n *yaml.Node, at string) { in.OffHours = d.boolean(n, at) },
		"note":           func(n *yaml.Node, at string) { p.note = d.text(n, at) },
		"last_active_at": func(n *yaml.Node, at string) { p.lastActive = d.instant(n, at) },
		"manual":         func(n *yaml.Node, at string) { in.Manual = d.manual(n, at) },
		"oof":            func(n *yaml.Node, at string) { in.OOF = d.outOfOffice(n, at) },
		"calendar":       func(n *yaml.Node, at string) { in.Calendar = d.calendar(n, at) },
		"profile":        func(n *yaml.Node, at string) { d.profile(n, at, &p.profile) },
		"resources": func(n *yaml.Node, at string) {
			d.list(n, at, func(n *yaml.Node, at string) { in.Resources = append(in.Resources, d.resource(n, at, p.now)) })
		},
		"claims": func(n *yaml.Node, at string) {
			d.list(n, at, func(n *yaml.Node, at string) { in.Claims = append(in.Claims, d.claim(n, at)) })
		},
		"containers": func(n *yaml.Node, at string) {
			d.list(n, at, func(n *yaml.Node, at string) { p.rules = append(p.rules, d.rule(n, at)) })
		},
		"custom_containers": func(n *yaml.Node, at string) { p.site.Containers = d.containers(n, at) },
		"roster": func(n *yaml.Node, at string) {
			d.list(n, at, func(n *yaml.Node, at string) { p.contacts = append(p.contacts, d.contact(n, at)) })
		},
		"server_blocklist":  func(n *yaml.Node, _ string) { s.Block = blockList(n) },
		"privacy_default":   func(n *yaml.Node, _ string) { l := privacyList(n); s.Default = &l },
		"privacy_active":    func(n *yaml.Node, _ string) { s.Active = privacyLists(n) },
		"admin_hidden_from": func(n *yaml.Node, at string) { s.Walls = d.walls(n, at) },
	})
	d.need(n, "presentity", "jid")
}

func parseKind(s string) (presence.Kind, bool) {
	switch s {
	case "user":
		return presence.User, true
	case "bot":
		return presence.Bot, true
	}
	return presence.User, false
}

func (d *reader) resource(n *yaml.Node, at string, now time.Time) presence.Resource {
	r := presence.Resource{PublishedAt: now}
	d.object(n, at, fields{
		"resource":     func(n *yaml.Node, at string) { r.Name = d.text(n, at) },
		"priority":     func(n *yaml.Node, at string) { r.Priority = int8(d.integer(n, at, -128, 127)) },
		"show":         func(n *yaml.Node, at string) { r.Show = word(d, n, at, parseInputShow) },
		"device":       func(n *yaml.Node, at string) { r.Device = d.text(n, at) },
		"idle_since":   func(n *yaml.Node, at string) { r.IdleSince = d.instant(n, at) },
		"published_at": func(n *yaml.Node, at string) { r.PublishedAt = d.instant(n, at) },
		"own":          func(n *yaml.Node, at string) { r.Own = d.boolean(n, at) },
	})
	d.need(n, at, "resource")
	return r
}

// parseInputShow reads a show element's word; none is written as null.
func parseInputShow(s string) (presence.Show, bool) {
	v, ok := presence.ParseShow(s)
	return v, ok && s != ""
}

// availability reads a number; 0 is unset, and numbers nobody may publish are
// left to aggregation, which ignores them.
func (d *reader) availability(n *yaml.Node, at string) presence.Availability {
	return presence.Availability(d.integer(n, at, 0, 1<<16-1))
}

func (d *reader) activity(n *yaml.Node, at string) presence.Activity {
	text := d.text(n, at)
	for i := range len(text) {
		c := text[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			d.fail(n, at, "%q is no token; a token is made of a-z, 0-9 and -", text)
			return presence.NoActivity
		}
	}
	return presence.Activity(text)
}

func (d *reader) manual(n *yaml.Node, at string) *presence.Manual {
	m := new(presence.Manual)
	d.object(n, at, fields{
		"availability": func(n *yaml.Node, at string) { m.Availability = d.availability(n, at) },
		"activity":     func(n *yaml.Node, at string) { m.Activity = d.activity(n, at) },
		"set_at":       func(n *yaml.Node, at string) { m.SetAt = d.instant(n, at) },
		"expires_at":   func(n *yaml.Node, at string) { m.ExpiresAt = d.instant(n, at) },
	})
	d.need(n, at, "availability", "set_at")
	return m
}

func (d *reader) claim(n *yaml.Node, at string) presence.Claim {
	var c presence.Claim
	d.object(n, at, fields{
		"id":           func(n *yaml.Node, at string) { c.ID = d.text(n, at) },
		"availability": func(n *yaml.Node, at string) { c.Availability = d.availability(n, at) },
		"activity":     func(n *yaml.Node, at string) { c.Activity = d.activity(n, at) },
		"set_at":       func(n *yaml.Node, at string) { c.SetAt = d.instant(n, at) },
		"expires_at":   func(n *yaml.Node, at string) { c.ExpiresAt = d.instant(n, at) },
		"source":       func(n *yaml.Node, at string) { d.text(n, at) },
	})
	d.need(n, at, "id", "availability", "set_at")
	if c.ExpiresAt.IsZero() {
		c.ExpiresAt = c.SetAt.Add(defaultLease)
	}
	return c
}

func (d *reader) calendar(n *yaml.Node, at string) *presence.Calendar {
	c := new(presence.Calendar)
	d.object(n, at, fields{
		"fetched_at": func(n *yaml.Node, at string) { c.FetchedAt = d.instant(n, at) },
		"events": func(n *yaml.Node, at string) {
			d.list(n, at, func(n *yaml.Node, at string) { c.Events = append(c.Events, d.event(n, at)) })
		},
	})
	return c
}

func (d *reader) event(n *yaml.Node, at string) presence.Event {
	var e presence.Event
	flag := func(v *bool) func(*yaml.Node, string) {
		return func(n *yaml.Node, at string) { *v = d.boolean(n, at) }
	}
	d.object(n, at, fields{
		"start":       func(n *yaml.Node, at string) { e.Start = d.instant(n, at) },
		"end":         func(n *yaml.Node, at string) { e.End = d.instant(n, at) },
		"show_as":     func(n *yaml.Node, at string) { e.Kind = word(d, n, at, presence.ParseEventKind) },
		"subject":     func(n *yaml.Node, at string) { e.Subject = d.text(n, at) },
		"location":    func(n *yaml.Node, at string) { e.Location = d.text(n, at) },
		"private":     flag(&e.Private),
		"all_day":     flag(&e.AllDay),
		"cancelled":   flag(&e.Cancelled),
		"declined":    flag(&e.Declined),
		"transparent": flag(&e.Transparent),
	})
	d.need(n, at, "start", "end", "show_as")
	return e
}

func (d *reader) outOfOffice(n *yaml.Node, at string) *presence.OutOfOffice {
	o := new(presence.OutOfOffice)
	d.object(n, at, fields{
		"start": func(n *yaml.Node, at string) { o.Start = d.instant(n, at) },
		"end":   func(n *yaml.Node, at string) { o.End = d.instant(n, at) },
		"note":  func(n *yaml.Node, at string) { o.Note = d.text(n, at) },
	})
	d.need(n, at, "start")
	return o
}

// profileFields are the profile's keys but the photo.
var profileFields = [...]presence.Field{
	presence.FieldTitle, presence.FieldCompany, presence.FieldOffice, presence.FieldWorkPhone, presence.FieldMobilePhone,
	presence.FieldHomePhone, presence.FieldOtherPhone, presence.FieldLocation, presence.FieldTimezone,
	presence.FieldWorkingHours, presence.FieldFreeBusy,
}

func (d *reader) profile(n *yaml.Node, at string, pr *presence.Profile) {
	known := fields{
		"photo": func(n *yaml.Node, at string) {
			d.object(n, at, fields{
				"hash":   func(n *yaml.Node, at string) { pr.Text[presence.FieldPhoto] = d.text(n, at) },
				"source": func(n *yaml.Node, at string) { pr.PhotoSource = word(d, n, at, parsePhotoSource) },
			})
			d.need(n, at, "hash", "source")
		},
	}
	for _, f := range profileFields {
		known[f.String()] = func(n *yaml.Node, at string) { pr.Text[f] = d.text(n, at) }
	}
	d.object(n, at, known)
}

func parsePhotoSource(s string) (presence.PhotoSource, bool) {
	switch s {
	case "directory":
		return presence.DirectoryPhoto, true
	case "user":
		return presence.UserPhoto, true
	}
	return presence.NoPhoto, false
}

func (d *reader) rule(n *yaml.Node, at string) ruleAt {
	r := ruleAt{node: n, at: at}
	d.object(n, at, fields{
		"container": func(n *yaml.Node, at string) { r.rule.Container = d.container(n, at) },
		"type":      func(n *yaml.Node, at string) { r.rule.Type = privacy.RuleType(d.text(n, at)) },
		"value":     func(n *yaml.Node, at string) { r.rule.Value = d.text(n, at) },
	})
	d.need(n, at, "container", "type")
	return r
}

func (d *reader) container(n *yaml.Node, at string) presence.ContainerID {
	return presence.ContainerID(d.integer(n, at, 0, int(presence.Blocked)))
}

// containers reads custom containers: {id: {base}}.
func (d *reader) containers(n *yaml.Node, at string) map[presence.ContainerID]presence.ContainerID {
	if n.Kind != yaml.MappingNode {
		d.fail(n, at, "a map of ids is expected here")
		return nil
	}
	out := make(map[presence.ContainerID]presence.ContainerID)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := join(at, key.Value)
		id, err := strconv.ParseUint(key.Value, 10, 16)
		if err != nil {
			d.fail(key, at, "a container id is a number")
			continue
		}
		var base presence.ContainerID
		d.object(value, at, fields{"base": func(n *yaml.Node, at string) { base = d.container(n, at) }})
		if err := privacy.CheckCustom(presence.ContainerID(id), base); err != nil {
			d.fail(key, at, "%v", err)
		}
		out[presence.ContainerID(id)] = base
	}
	return out
}

func (d *reader) contact(n *yaml.Node, at string) presence.Contact {
	var c presence.Contact
	d.object(n, at, fields{
		"jid":          func(n *yaml.Node, at string) { c.Addr = d.jid(n, at, true) },
		"subscription": func(n *yaml.Node, at string) { c.Subscription = word(d, n, at, presence.ParseSubscription) },
		"groups":       func(n *yaml.Node, at string) { c.Groups = d.texts(n, at) },
	})
	d.need(n, at, "jid")
	return c
}

func (d *reader) walls(n *yaml.Node, at string) []string {
	var out []string
	d.list(n, at, func(n *yaml.Node, at string) {
		if n.Kind != yaml.ScalarNode || n.Value != "*" {
			d.jid(n, at, false)
		}
		out = append(out, n.Value)
	})
	return out
}
