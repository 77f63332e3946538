package component

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"presenced/component/commands"
)

// proofPath is one way on which something about a user reaches a watcher. Whoever
// adds a way adds a row here: TestI1_EveryPathIsInTheProof finds the ways in the
// sources.
type proofPath struct {
	name   string
	covers []string // "route …", "iq …", "presence …", "message", "command …"
	ask    func(w *proofWorld)
}

// mirrors are asked about: somebody, somebody else, and nobody.
var mirrors = []string{aliceMirror, carolMirror, `nobody\40example.org@presence.example.org`}

func toMirrors(typ, payload string) func(*proofWorld) {
	return func(w *proofWorld) {
		for _, m := range mirrors {
			w.iq(typ, m, payload)
		}
	}
}

func presenceTo(types ...string) func(*proofWorld) {
	return func(w *proofWorld) {
		for _, m := range mirrors {
			for _, typ := range types {
				w.presence(typ, m)
			}
		}
	}
}

func get(paths ...string) func(*proofWorld) {
	return func(w *proofWorld) {
		for _, p := range paths {
			w.http("GET", p, "")
		}
	}
}

// askingVer is what askingInfo is known by.
const askingVer = "+8ejAZzWZfM2MCBFcP4f8ODGfh0="

var proofPaths = []proofPath{
	{"probe", []string{"presence probe"}, presenceTo("probe")},
	{"subscription", []string{"presence subscribe", "presence unsubscribe"}, presenceTo("subscribe", "unsubscribe", "subscribe")},
	{"presence to a mirror", []string{"presence ", "presence unavailable", "presence subscribed", "presence unsubscribed"},
		presenceTo("", "unavailable", "subscribed", "unsubscribed")},
	{"a bounce, and back again", []string{"presence error"}, presenceTo("error", "probe")},
	{"a bounce", []string{"presence error"}, func(w *proofWorld) {
		for _, m := range mirrors {
			w.say("<presence type='error' from='" + w.watcher + "/w' to='" + m + "'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>")
		}
	}},
	{"presence to the component", []string{"device ", "device unavailable", "device probe", "device subscribed", "device unsubscribed"}, func(w *proofWorld) {
		for _, typ := range []string{"", "unavailable", "probe", "subscribed", "unsubscribed", "error"} {
			w.presence(typ, proofDomain)
		}
	}},
	{"the component as a contact", []string{"device subscribe", "device unsubscribe"}, func(w *proofWorld) {
		w.presence("subscribe", proofDomain)
		w.presence("unsubscribe", proofDomain)
	}},
	{"query", []string{"iq NSOwn"}, toMirrors("get", "<query xmlns='urn:presenced:1'/>")},
	{"query of many", []string{"iq NSOwn"}, func(w *proofWorld) {
		w.iq("get", proofDomain, "<query xmlns='urn:presenced:1'><presence jid='"+proofAlice+"'/><presence jid='x@example.org'/><presence jid='"+
			aliceMirror+"'/><presence jid='"+proofCarol+"'/><presence email='alice@corp.example'/></query>")
	}},
	{"disco", []string{"iq nsDiscoInfo", "iq nsDiscoItems"}, func(w *proofWorld) {
		for _, to := range append([]string{proofDomain}, mirrors...) {
			w.iq("get", to, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
			w.iq("get", to, "<query xmlns='http://jabber.org/protocol/disco#items'/>")
			w.iq("get", to, "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>")
			w.iq("get", to, "<query xmlns='http://jabber.org/protocol/disco#info' node='levels'/>")
		}
	}},
	{"ping and version", []string{"iq nsPing", "iq nsVersion"}, func(w *proofWorld) {
		for _, to := range append([]string{proofDomain}, mirrors...) {
			w.iq("get", to, "<ping xmlns='urn:xmpp:ping'/>")
			w.iq("get", to, "<query xmlns='jabber:iq:version'/>")
		}
	}},
	{"vCard", []string{"iq nsVCard"}, toMirrors("get", "<vCard xmlns='vcard-temp'/>")},
	{"vCard of the component", []string{"iq nsVCard"}, func(w *proofWorld) { w.iq("get", proofDomain, "<vCard xmlns='vcard-temp'/>") }},
	{"last activity", []string{"iq nsLast"}, toMirrors("get", "<query xmlns='jabber:iq:last'/>")},
	{"last activity, delegated", []string{"iq DelegationVersion"}, func(w *proofWorld) {
		for _, user := range []string{proofAlice, "nobody@example.org"} {
			id := w.id()
			w.say(fmt.Sprintf("<iq type='set' id='%[1]s' from='%[2]s' to='%[3]s'><delegation xmlns='urn:xmpp:delegation:2'><forwarded xmlns='urn:xmpp:forward:0'>"+
				"<iq xmlns='jabber:client' type='get' id='%[1]s' from='%[4]s/w' to='%[5]s'><query xmlns='jabber:iq:last'/></iq></forwarded></delegation></iq>",
				id, proofHost, proofDomain, w.watcher, user))
		}
	}},
	{"commands and registration to a mirror", []string{"iq NSCommands", "iq NSRegister"}, func(w *proofWorld) {
		toMirrors("set", "<command xmlns='http://jabber.org/protocol/commands' node='levels' action='execute'/>")(w)
		toMirrors("get", "<query xmlns='jabber:iq:register'/>")(w)
	}},
	{"registration", []string{"iq NSRegister"}, func(w *proofWorld) { w.iq("get", proofDomain, "<query xmlns='jabber:iq:register'/>") }},
	{"commands", allCommands(), func(w *proofWorld) {
		for _, it := range commands.New(nil, commands.Options{}).Items("en") {
			w.iq("set", proofDomain, "<command xmlns='http://jabber.org/protocol/commands' node='"+it.Node+"' action='execute'/>")
		}
	}},
	{"any other IQ", nil, toMirrors("get", "<query xmlns='jabber:iq:time'/>")},
	{"messages", []string{"message"}, func(w *proofWorld) {
		for _, m := range mirrors {
			w.say("<message from='"+w.watcher+"/w' to='"+m+"' type='chat' id='"+w.id()+"'><body>hello</body></message>",
				"<message from='"+w.watcher+"/w' to='"+m+"' type='chat' id='"+w.id()+"'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
		}
	}},
	{"chat commands", nil, func(w *proofWorld) {
		for _, words := range []string{"help", "levels", "block " + proofAlice, "explain " + proofAlice, "nonsense"} {
			w.say("<message from='" + w.watcher + "/w' to='" + proofDomain + "' type='chat' id='" + w.id() + "'><body>" + words + "</body></message>")
		}
	}},
	{"HTTP, one", []string{"route /v1/presence/{name}"}, func(w *proofWorld) {
		get("/v1/presence/"+proofAlice, "/v1/presence/"+proofCarol, "/v1/presence/nobody@example.org")(w)
		w.http("HEAD", "/v1/presence/"+proofAlice, "")
		w.http("GET", "/v1/presence/"+proofAlice, "", "If-None-Match", w.etag)
	}},
	{"HTTP, many", []string{"route /v1/presence"}, func(w *proofWorld) {
		w.http("POST", "/v1/presence", `{"users":["`+proofAlice+`","nobody@example.org","`+proofCarol+`","alice@corp.example"]}`)
	}},
	{"HTTP as Graph", []string{"route /graph/v1.0/users/{name}/presence", "route /graph/v1.0/communications/getPresencesByUserId"}, func(w *proofWorld) {
		get("/graph/v1.0/users/" + proofAlice + "/presence")(w)
		w.http("POST", "/graph/v1.0/communications/getPresencesByUserId", `{"ids":["`+proofAlice+`","`+proofCarol+`"]}`)
	}},
	{"HTTP stream", []string{"route /v1/stream"}, func(w *proofWorld) { w.http("HEAD", "/v1/stream?user="+proofAlice, "") }}, // one is open all the time
	{"claims for others", []string{"route /v1/users/{name}/claims/{id}"}, func(w *proofWorld) {
		for _, user := range []string{proofAlice, proofCarol, "nobody@example.org"} {
			w.http("PUT", "/v1/users/"+user+"/claims/call", `{"availability":6500,"activity":"on-the-phone"}`)
			w.http("DELETE", "/v1/users/"+user+"/claims/call", "")
		}
	}},
	{"notices of calendars", []string{"route /v1/notices/graph"}, func(w *proofWorld) {
		for _, user := range []string{proofAlice, proofCarol, "nobody@example.org"} {
			w.http("POST", "/v1/notices/graph?source=microsoft&user="+user, `{"value":[{"clientState":"guessed"},{"clientState":"","lifecycleEvent":"missed"}]}`)
		}
	}},
	{"badges", []string{"route /badge/{file}", "route /badge/stream"}, func(w *proofWorld) {
		get("/badge/nobody.svg", "/badge/nobody.json")(w)
		if w.badge != "" {
			get("/badge/"+w.badge+".svg", "/badge/"+w.badge+".json", "/badge/"+w.badge+".txt")(w)
		}
	}},
	{"activities, for a client that asks", []string{"event nsActivity", "event nsEvent"}, func(w *proofWorld) {
		w.say("<presence from='"+w.watcher+"/w' to='"+proofDomain+"'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:x' ver='"+askingVer+"'/></presence>",
			"<presence type='unavailable' from='"+w.watcher+"/other' to='"+proofDomain+"'/>")
	}},
	{"the page", []string{"route /indicator.js", "route /page.js", "route /page.css", "route /{$}", "route /openapi.yaml"}, get("/page.css", "/nothing")},
}

func allCommands() []string {
	out := []string{"iq NSCommands"}
	for _, it := range commands.New(nil, commands.Options{}).Items("en") {
		out = append(out, "command "+it.Node)
	}
	return out
}

// namespace is how constants that name one are called.
var namespace = regexp.MustCompile(`^(ns|NS)[A-Z]|^DelegationVersion$`)

// ways finds in the sources on which ways the component and the HTTP side can be
// asked.
func ways(t *testing.T) []string {
	t.Helper()
	var out []string
	inSource(t, "iq.go", namespaces(&out, "iq", func(f *ast.FuncDecl) bool {
		return slices.Contains([]string{"constant", "mirrorIQ", "ownIQ"}, f.Name.Name)
	}))
	inSource(t, "activity.go", namespaces(&out, "event", func(*ast.FuncDecl) bool { return true }))
	inSource(t, "mirror.go", func(n ast.Node) {
		if c, ok := n.(*ast.CaseClause); ok {
			for _, e := range c.List {
				out = append(out, "presence "+quoted(t, e))
			}
		}
	})
	inSource(t, "device.go", func(n ast.Node) {
		if f, ok := n.(*ast.FuncDecl); ok && f.Name.Name == "device" {
			ast.Inspect(f, func(n ast.Node) bool {
				if c, ok := n.(*ast.CaseClause); ok {
					for _, e := range c.List {
						out = append(out, "device "+quoted(t, e))
					}
				}
				return true
			})
		}
	})
	inSource(t, "../internal/web/routes.go", func(n ast.Node) {
		if kv, ok := n.(*ast.KeyValueExpr); ok {
			if _, ok := kv.Key.(*ast.BasicLit); ok {
				out = append(out, "route "+quoted(t, kv.Key))
			}
		}
	})
	for _, it := range commands.New(nil, commands.Options{}).Items("en") {
		out = append(out, "command "+it.Node)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// namespaces collects the namespaces that some functions of a file name; an event of
// the activity in a message is not a question in our own.
func namespaces(out *[]string, kind string, in func(*ast.FuncDecl) bool) func(ast.Node) {
	return func(n ast.Node) {
		if f, ok := n.(*ast.FuncDecl); ok && in(f) {
			ast.Inspect(f, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && namespace.MatchString(id.Name) && kind+" "+id.Name != "event NSOwn" {
					*out = append(*out, kind+" "+id.Name)
				}
				return true
			})
		}
	}
}

func inSource(t *testing.T, path string, visit func(ast.Node)) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool { visit(n); return true })
}

func quoted(t *testing.T, e ast.Expr) string {
	t.Helper()
	text, err := strconv.Unquote(e.(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestI1_EveryPathIsInTheProof: a path that comes later has to be in the proof.
func TestI1_EveryPathIsInTheProof(t *testing.T) {
	found := ways(t)
	if len(found) < 40 {
		t.Fatalf("only %d ways were found in the sources: %q", len(found), found)
	}
	var covered []string
	for _, p := range proofPaths {
		covered = append(covered, p.covers...)
	}
	for _, way := range found {
		if !slices.Contains(covered, way) {
			t.Errorf("%q is on no path of the proof: add it to proofPaths, with what a watcher asks there", way)
		}
	}
	for _, way := range covered {
		if !slices.Contains(found, way) && way != "message" {
			t.Errorf("%q is in the proof, but not in the sources any more", way)
		}
	}
	if !strings.Contains(strings.Join(found, "\n"), "presence probe") {
		t.Error("the presence stanzas to a mirror were not found")
	}
}
