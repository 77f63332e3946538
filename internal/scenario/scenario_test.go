package scenario

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestVectors runs the acceptance vectors of SEMANTICS.
func TestVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/vectors.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Vectors) < 40 || r.Passed+r.Failed != len(r.Vectors) {
		t.Errorf("%d vectors, %d passed, %d failed", len(r.Vectors), r.Passed, r.Failed)
	}
	for _, v := range r.Vectors {
		for _, w := range v.Watchers {
			for _, f := range w.Failures {
				t.Errorf("%s (%s, %s), %s: %s", v.ID, v.Rule, v.Title, w.JID, f)
			}
		}
	}
}

// one wraps the pieces of a vector into a file.
func one(config, presentity, watchers string) string {
	return `version: 1
defaults:
  config: {enterprise_domains: [example.org], federated_domains: [partner.example], public_cloud_domains: [jabber.example]}
  presentity:
    jid: alice@example.org
    resources: [{resource: desk, device: computer, published_at: "2026-03-02T08:00:00Z"}]
    note: hello
    profile: {title: Auditor, photo: {hash: beef, source: user}}
    containers: [{container: 200, type: sameEnterprise}]
    roster: [{jid: bob@example.org, subscription: both, groups: [Team]}]
vectors:
- id: T1
  now: "2026-03-02T10:00:00Z"
  config: {` + config + `}
  presentity: {` + presentity + `}
  watchers: [` + watchers + `]
`
}

func TestRun_Expectations(t *testing.T) {
	bob := func(expect string) string { return `{jid: bob@example.org, expect: {` + expect + `}}` }
	for _, c := range []struct {
		name, presentity, watchers, failure string // empty: passes
	}{
		{"all as expected", ``, bob(`container: 200, reason: contact, availability: 3500, activity: null, show: null, push: true, probe: available, interrupt: true, visible: [title, device], hidden: [homePhone], fields: {device: computer, photo: beef, homePhone: null}`), ""},
		{"nothing expected", ``, `{jid: bob@example.org}`, ""},
		{"container", ``, bob(`container: 100`), "container: got 200, want 100"},
		{"reason", ``, bob(`reason: user`), "reason: got contact, want user"},
		{"availability", ``, bob(`availability: 5000`), "availability: got 3500, want 5000"},
		{"activity", ``, bob(`activity: in-a-meeting`), "activity: got null, want in-a-meeting"},
		{"no activity", `manual: {availability: 6500, activity: in-a-meeting, set_at: "2026-03-02T09:00:00Z"}`, bob(`activity: null`), "activity: got in-a-meeting, want null"},
		{"show", ``, bob(`show: dnd`), "show: got null, want dnd"},
		{"no show", `resources: [{resource: desk, show: away}]`, bob(`show: null`), "show: got away, want null"},
		{"push", ``, bob(`push: false`), "push: got true, want false"},
		{"probe", ``, bob(`probe: unsubscribed`), "probe: got available, want unsubscribed"},
		{"interrupt", ``, bob(`interrupt: false`), "interrupt: got true, want false"},
		{"visible", ``, bob(`visible: [homePhone]`), "homePhone: hidden, want visible"},
		{"hidden", ``, bob(`hidden: [title]`), `title: visible as "Auditor", want hidden`},
		{"field", ``, bob(`fields: {device: mobile}`), "fields.device: got computer, want mobile"},
		{"field to be absent", ``, bob(`fields: {device: null}`), "fields.device: got computer, want null"},
		{"self is pushed and probed", ``, `{jid: alice@example.org, expect: {container: 1, reason: self, push: true, probe: available}}`, ""},
		{"a stranger", ``, `{jid: zed@else.test, expect: {container: 0, reason: default, push: false, probe: unsubscribed, show: unavailable}}`, ""},
		{"offline stays pushed", `resources: []`, bob(`push: true, probe: unavailable`), ""},
		{"container 0 is not pushed", `containers: [{container: 0, type: user, value: bob@example.org}]`, bob(`container: 0, reason: user, push: false, probe: unavailable`), ""},
		{"any spelling of the watcher", ``, `{jid: BOB@Example.ORG/phone, expect: {container: 200, push: true}}`, ""},
		{"null is absence", `manual: null, claims: null, calendar: {events: null}, privacy_default: null, server_blocklist: null`, bob(`availability: 3500`), ""},
		{"maps merge, lists replace", `profile: {company: Example}, resources: [{resource: phone}]`, bob(`fields: {title: Auditor, company: Example, device: null}`), ""},
		{"null replaces", `profile: null`, bob(`hidden: [title, photo]`), ""},
		{"custom container", `custom_containers: {350: {base: 100}}, containers: [{container: 350, type: user, value: bob@example.org}]`, bob(`container: 350, hidden: [device], visible: [title]`), ""},
		{"refused numbers take no part", `manual: {availability: 2000, set_at: "2026-03-02T09:00:00Z"}, claims: [{id: a, availability: 18500, set_at: "2026-03-02T09:59:00Z"}]`, bob(`availability: 3500`), ""},
		{"a claim's default lease", `claims: [{id: a, availability: 6500, set_at: "2026-03-02T09:55:01Z"}, {id: b, availability: 7000, set_at: "2026-03-02T09:55:00Z"}]`, bob(`availability: 6500`), ""},
		{"wall", `admin_hidden_from: ["*"]`, bob(`reason: admin`), ""},
		{"loading", `policy_state: loading`, bob(`reason: fail-closed`), ""},
	} {
		r, err := Run([]byte(one("", c.presentity, c.watchers)))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := strings.Join(r.Vectors[0].Watchers[0].Failures, "; ")
		if got != c.failure || (r.Failed == 0) != (c.failure == "") {
			t.Errorf("%s: failures %q, want %q", c.name, got, c.failure)
		}
	}
}

func TestRun_Config(t *testing.T) {
	for _, c := range []struct{ config, presentity, expect string }{
		{`last_active: off`, `resources: [{resource: d, idle_since: "2026-03-02T09:47:13Z"}]`, `hidden: [lastActive]`},
		{`last_active: "off"`, `resources: [{resource: d, idle_since: "2026-03-02T09:47:13Z"}]`, `hidden: [lastActive]`},
		{`last_active: exact`, `resources: [{resource: d, idle_since: "2026-03-02T09:47:13Z"}]`, `fields: {lastActive: "2026-03-02T09:47:13Z"}`},
		{`last_active: coarse, last_active_granularity: 600`, `resources: [{resource: d, idle_since: 2026-03-02T09:47:13Z}]`, `fields: {lastActive: "2026-03-02T10:40:00+01:00"}`},
		{`last_active: exact, offline_details: all`, `resources: [], last_active_at: "2026-03-01T09:47:13Z"`, `fields: {lastActive: "2026-03-01T09:47:13Z", title: Auditor}`},
		{`photo_policy: directory`, ``, `hidden: [photo]`},
		{`idle_after: 60, away_after: 7200`, `resources: [{resource: d, idle_since: "2026-03-02T09:50:00Z"}]`, `availability: 5000`},
		{`enterprise_domains: [other.example], federated_domains: null`, `containers: [], roster: []`, `container: 0`},
		{`component: pres.example`, `server_blocklist: [pres.example]`, `reason: server-block`},
		{`component: pres.example`, `server_blocklist: [presence.example.org]`, `reason: contact`},
		{`calendar_preset: lync`, `calendar: {events: [{start: "2026-03-02T09:00:00Z", end: "2026-03-02T11:00:00Z", show_as: away}]}`, `availability: 3500`},
	} {
		r, err := Run([]byte(one(c.config, c.presentity, `{jid: bob@example.org, expect: {`+c.expect+`}}`)))
		if err != nil || r.Failed > 0 {
			t.Errorf("%s: %v, %+v", c.config, err, r)
		}
	}
}

func TestRun_Strict(t *testing.T) {
	bob := `{jid: bob@example.org, expect: {container: 200}}`
	for _, c := range []struct{ name, file, want string }{
		{"unknown key of a vector", strings.Replace(one("", "", bob), "  watchers", "  watcher: []\n  watchers", 1), "vector T1: line 16: watcher: unknown key"},
		{"config", one("idle: 5", "", bob), "vector T1: line 14: config.idle: unknown key"},
		{"presentity", one("", "nickname: x", bob), "presentity.nickname: unknown key"},
		{"resource", one("", "resources: [{resource: a, colour: red}]", bob), "presentity.resources[0].colour: unknown key"},
		{"event", one("", "calendar: {events: [{start: \"2026-03-02T09:00:00Z\", end: \"2026-03-02T10:00:00Z\", show_as: bored}]}", bob), `show_as: unknown value "bored"`},
		{"event without a kind", one("", "calendar: {events: [{start: \"2026-03-02T09:00:00Z\", end: \"2026-03-02T10:00:00Z\"}]}", bob), "show_as: missing"},
		{"show", one("", "resources: [{resource: a, show: busy}]", bob), `show: unknown value "busy"`},
		{"show unavailable", one("", "resources: [{resource: a, show: unavailable}]", bob), `unknown value "unavailable"`},
		{"priority", one("", "resources: [{resource: a, priority: 128}]", bob), "128 is not a number between -128 and 127"},
		{"type", one("", "note: 5", bob), "presentity.note: a text is expected here"},
		{"boolean", one("", "privacy_mode: maybe", bob), "true or false is expected here"},
		{"number", one("", "manual: {availability: lots, set_at: \"2026-03-02T09:00:00Z\"}", bob), "a whole number is expected here"},
		{"instant", one("", "last_active_at: yesterday", bob), "is no instant"},
		{"list", one("", "claims: {id: x}", bob), "a list is expected here"},
		{"map", one("", "manual: [1]", bob), "a map is expected here"},
		{"state", one("", "policy_state: fine", bob), `policy_state: unknown value "fine"`},
		{"kind", one("", "kind: robot", bob), `unknown value "robot"`},
		{"rule type", one("", "containers: [{container: 200, type: everyone}]", bob), "unknown type"},
		{"rule container", one("", "containers: [{container: 250, type: federated}]", bob), "container 250 is unknown"},
		{"rule value", one("", "containers: [{container: 200, type: federated, value: x}]", bob), "takes no value"},
		{"custom container", one("", "custom_containers: {100: {base: 200}}", bob), "predefined"},
		{"custom container id", one("", "custom_containers: {team: {base: 200}}", bob), "a container id is a number"},
		{"jid", one("", "roster: [{jid: \"a@b@c\"}]", bob), "presentity.roster[0].jid"},
		{"resource in a roster", one("", "roster: [{jid: a@b/c}]", bob), "write the bare JID"},
		{"subscription", one("", "roster: [{jid: a@b, subscription: remove}]", bob), `unknown value "remove"`},
		{"wall", one("", "admin_hidden_from: [\"a@b@c\"]", bob), "presentity.admin_hidden_from[0]"},
		{"profile", one("", "profile: {shoeSize: x}", bob), "presentity.profile.shoeSize: unknown key"},
		{"photo source", one("", "profile: {photo: {hash: x, source: web}}", bob), `unknown value "web"`},
		{"token", one("", "manual: {availability: 6500, activity: \"In a meeting\", set_at: \"2026-03-02T09:00:00Z\"}", bob), "is no token"},
		{"preset", one("calendar_preset: exchange", "", bob), `unknown value "exchange"`},
		{"two networks", one("federated_domains: [example.org]", "", bob), "two networks"},
		{"expectation", one("", "", `{jid: bob@example.org, expect: {colour: red}}`), "watchers[0].expect.colour: unknown key"},
		{"reason", one("", "", `{jid: bob@example.org, expect: {reason: luck}}`), `unknown value "luck"`},
		{"field", one("", "", `{jid: bob@example.org, expect: {visible: [shoeSize]}}`), `unknown value "shoeSize"`},
		{"probe", one("", "", `{jid: bob@example.org, expect: {probe: maybe}}`), `unknown value "maybe"`},
		{"no watcher jid", one("", "", `{expect: {}}`), "watchers[0].jid: missing"},
		{"twice the same id", one("", "", bob) + "- {id: T1, now: \"2026-03-02T10:00:00Z\", watchers: []}\n", "stands twice"},
		{"twice the same key", one("", "note: a, note: b", bob), `the key "note" stands twice`},
		{"no now", "version: 1\nvectors: [{id: X, presentity: {jid: a@b}, watchers: []}]", "vector X: line 2: now: missing"},
		{"no presentity", "version: 1\nvectors: [{id: X, now: \"2026-03-02T10:00:00Z\", watchers: []}]", "vector X: line 2: presentity: missing"},
		{"version", "version: 2\nvectors: []", "version 2 is not known"},
		{"no version", "vectors: []", "version: missing"},
		{"no vectors", "version: 1", "vectors: missing"},
		{"unknown top key", "version: 1\nvectors: []\nextra: 1", "extra: unknown key"},
		{"empty", "# nothing\n", "it is empty"},
		{"two documents", "version: 1\nvectors: []\n---\nversion: 1\n", "more than one document"},
		{"no YAML", "version: [1", "file:"},
		{"endless alias", "version: 1\nvectors: &a [*a]", "nested deeper"},
	} {
		r, err := Run([]byte(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
		if len(r.Vectors) > 0 {
			t.Errorf("%s: a broken file was run", c.name)
		}
	}
}

func TestRun_TellsEveryProblem(t *testing.T) {
	_, err := Run([]byte(one("idle: 5", "nickname: x, note: 5", `{jid: bob@example.org, expect: {colour: red}}`)))
	if n := len(strings.Split(err.Error(), "\n")); n != 4 {
		t.Errorf("%d problems, want 4:\n%v", n, err)
	}
}

func TestRun_TellsEachProblemOnceByItsName(t *testing.T) {
	for file, want := range map[string]string{
		one("", "", `{jid: bob@example.org, expect: {fields: {shoeSize: 45}}}`): `watchers[0].expect.fields.shoeSize: unknown value "shoeSize"`,
		one("", "admin_hidden_from: [5]", `{jid: bob@example.org}`):             "presentity.admin_hidden_from[0]: a text is expected here",
		one("", "kind: 5", `{jid: bob@example.org}`):                            "presentity.kind: a text is expected here",
		"version: \"1\"\nvectors: []":                                           "version: a whole number is expected here",
	} {
		if _, err := Run([]byte(file)); err == nil || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v\nwant one problem, %s", err, want)
		}
	}
}

// TestS8_5_MalformedServerListsFailClosed: inside a server list nothing is an
// error of the file.
func TestS8_5_MalformedServerListsFailClosed(t *testing.T) {
	for _, p := range []string{
		`privacy_default: nonsense`, `privacy_default: []`, `privacy_default: {items: 5}`, `privacy_default: {}`, `privacy_default: {items: [], name: x}`,
		`privacy_default: {items: [5]}`, `privacy_default: {items: [{order: one, action: allow}]}`, `privacy_default: {items: [{action: allow}]}`,
		`privacy_default: {items: [{order: 1, action: maybe}]}`, `privacy_default: {items: [{order: 1, action: allow, type: tribe, value: x}]}`,
		`privacy_default: {items: [{order: 1, action: allow, type: ""}]}`, `privacy_default: {items: [{order: 1, action: allow, colour: red}]}`,
		`privacy_default: {items: [{order: 1, action: allow, stanzas: presence-out}]}`, `privacy_default: {items: [{order: 1, action: allow, stanzas: [[x]]}]}`,
		`privacy_default: {items: [{order: 1, action: allow, stanzas: [presence]}]}`, `privacy_default: {items: [{order: 1, action: allow, managed: perhaps}]}`,
		`privacy_default: {items: [{order: 1.5, action: allow}]}`, `privacy_default: {items: [{order: [1], action: allow}]}`,
		`privacy_default: {items: [{order: 1, action: allow, type: jid, value: "a@b@c"}]}`,
		`privacy_active: nonsense`, `privacy_active: [nonsense]`, `privacy_active: [null]`, `privacy_active: [{items: [{order: 1, action: deny, type: x}]}]`,
		`server_blocklist: eve@example.org`, `server_blocklist: [5]`, `server_blocklist: [{jid: x}]`, `server_blocklist: [""]`, `server_blocklist: ["a@b@c"]`,
	} {
		r, err := Run([]byte(one("", p, `{jid: bob@example.org, expect: {container: 32000, reason: fail-closed}}, {jid: alice@example.org, expect: {container: 1}}`)))
		if err != nil || r.Failed > 0 {
			t.Errorf("%s: %v, %+v", p, err, r)
		}
	}
	fine := `privacy_default: {items: [{order: "1", action: allow, type: group, value: 42}, {order: 2, action: deny, stanzas: [message]}]}, privacy_active: [{items: []}], server_blocklist: []`
	if r, err := Run([]byte(one("", fine, `{jid: bob@example.org, expect: {container: 200}}`))); err != nil || r.Failed > 0 {
		t.Errorf("%s: %v, %+v", fine, err, r)
	}
}

func TestReport_JSONShape(t *testing.T) {
	r, err := Run([]byte(one("", "", `{jid: Bob@example.org, expect: {container: 200, show: dnd}}`)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(r)
	want := `{"vectors":[{"id":"T1","watchers":[{"jid":"Bob@example.org","projection":{"container":200,"reason":"contact","availability":3500,` +
		`"activity":null,"show":null,"push":true,"probe":"available","interrupt":true,"fields":{"device":"computer","notePersonal":"hello","photo":"beef","title":"Auditor"}},` +
		`"failures":["show: got null, want dnd"]}]}],"passed":0,"failed":1}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
	r.Add(r)
	if len(r.Vectors) != 2 || r.Failed != 2 {
		t.Errorf("two files: %+v", r)
	}
}

func FuzzRun(f *testing.F) {
	f.Add(one("idle_after: 5", "custom_containers: {350: {base: 100}}, privacy_active: [{items: [{order: 1, action: deny}]}]", `{jid: bob@example.org}`))
	f.Add("version: 1\nvectors: &a [*a]")
	f.Fuzz(func(t *testing.T, file string) {
		r, err := Run([]byte(file))
		if err != nil && (len(r.Vectors) > 0 || err.Error() == "") {
			t.Errorf("%+v with %v", r, err)
		}
		if r.Passed+r.Failed != len(r.Vectors) {
			t.Errorf("%+v", r)
		}
	})
}
