package web

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// description3 is openapi.yaml as far as the tests hold answers to it.
type description3 struct {
	Paths      map[string]map[string]operation
	Components struct {
		Responses map[string]response
		Schemas   map[string]map[string]any
	}
}

type operation struct {
	Responses map[string]response
}

type response struct {
	Ref     string `yaml:"$ref"`
	Headers map[string]struct{ Required bool }
	Content map[string]struct{ Schema map[string]any }
}

func describe(t *testing.T) (d description3) {
	t.Helper()
	if err := yaml.Unmarshal(description, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// find returns the operation of a request.
func (d *description3) find(r *http.Request) (op operation, ok bool) {
	method := strings.ToLower(r.Method)
	if method == "head" {
		method = "get"
	}
	if op, ok = d.Paths[r.URL.Path][method]; ok {
		return op, true
	}
	for path, ops := range d.Paths {
		pattern := "^" + regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(regexp.QuoteMeta(path), "[^/]*") + "$"
		pattern = regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(pattern, "[^/]*")
		if regexp.MustCompile(pattern).MatchString(r.URL.EscapedPath()) {
			if op, ok = ops[method]; ok {
				return op, true
			}
		}
	}
	return op, false
}

// hold fails unless an answer is one of those the description has.
func (d *description3) hold(t *testing.T, r *http.Request, status int, head http.Header, body []byte) {
	t.Helper()
	name := r.Method + " " + r.URL.Path
	kind, _, _ := strings.Cut(head.Get("Content-Type"), ";")
	op, known := d.find(r)
	switch {
	case r.Method == http.MethodOptions && status == http.StatusNoContent:
		return
	case !known && status < 400:
		t.Errorf("%s is not described and answers %d", name, status)
		return
	case !known:
		op.Responses = map[string]response{"default": {Ref: "#/components/responses/Problem"}}
	}
	want, ok := op.Responses[fmt.Sprint(status)]
	if !ok {
		want = op.Responses["default"]
	}
	if want.Ref != "" {
		want = d.Components.Responses[strings.TrimPrefix(want.Ref, "#/components/responses/")]
	}
	for h, must := range want.Headers {
		if must.Required && head.Get(h) == "" {
			t.Errorf("%s: %d without %s", name, status, h)
		}
	}
	content, ok := want.Content[kind]
	if !ok && (len(want.Content) > 0 || kind != "") {
		t.Errorf("%s: %d of the type %q, which is not described", name, status, kind)
	}
	if !strings.HasSuffix(kind, "json") || r.Method == http.MethodHead {
		return
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Errorf("%s: %v: %s", name, err, body)
		return
	}
	if err := d.valid(content.Schema, v, "$"); err != nil {
		t.Errorf("%s: %d is not as described: %v\n%s", name, status, err, body)
	}
}

// valid checks a value against a schema: the words openapi.yaml uses, no others.
func (d *description3) valid(s map[string]any, v any, at string) error {
	if ref, ok := s["$ref"].(string); ok {
		s = d.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]
		if s == nil {
			return fmt.Errorf("%s: %s is not described", at, ref)
		}
	}
	for word := range s {
		if !slices.Contains([]string{
			"type", "description", "additionalProperties", "required", "properties", "items", "enum",
			"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "format",
		}, word) {
			return fmt.Errorf("%s: the checker does not know %q", at, word)
		}
	}
	if !hasType(s["type"], v) {
		return fmt.Errorf("%s: %v is no %v", at, v, s["type"])
	}
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, v) {
		return fmt.Errorf("%s: %v is none of %v", at, v, enum)
	}
	switch v := v.(type) {
	case string:
		return textFits(s, v, at)
	case float64:
		if v < bound(s, "minimum", -math.MaxFloat64) || v > bound(s, "maximum", math.MaxFloat64) {
			return fmt.Errorf("%s: %v is out of bounds", at, v)
		}
	case []any:
		items, _ := s["items"].(map[string]any)
		for i, one := range v {
			if err := d.valid(items, one, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		return d.object(s, v, at)
	}
	return nil
}

func textFits(s map[string]any, v, at string) error {
	if n := float64(len(v)); n < bound(s, "minLength", 0) || n > bound(s, "maxLength", math.MaxFloat64) {
		return fmt.Errorf("%s: %q is too short or too long", at, v)
	}
	if s["format"] == "date-time" {
		_, err := time.Parse(time.RFC3339, v)
		return err
	}
	return nil
}

func (d *description3) object(s map[string]any, v map[string]any, at string) error {
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, there := v[name.(string)]; !there {
			return fmt.Errorf("%s: %v is missing", at, name)
		}
	}
	properties, _ := s["properties"].(map[string]any)
	for name, one := range v {
		of, described := properties[name].(map[string]any)
		if !described {
			if of, described = s["additionalProperties"].(map[string]any); !described {
				return fmt.Errorf("%s: %s is not described", at, name)
			}
		}
		if err := d.valid(of, one, at+"."+name); err != nil {
			return err
		}
	}
	return nil
}

func bound(s map[string]any, word string, without float64) float64 {
	if n, ok := s[word].(int); ok {
		return float64(n)
	}
	return without
}

func hasType(want, v any) bool {
	if many, ok := want.([]any); ok {
		return slices.ContainsFunc(many, func(one any) bool { return hasType(one, v) })
	}
	switch v := v.(type) {
	case nil:
		return want == "null"
	case string:
		return want == "string"
	case bool:
		return want == "boolean"
	case float64:
		return want == "number" || want == "integer" && v == math.Trunc(v)
	case []any:
		return want == "array"
	case map[string]any:
		return want == "object"
	}
	return false
}

// TestDescription_TheCheckSees proves that the check finds what it looks for.
func TestDescription_TheCheckSees(t *testing.T) {
	d := describe(t)
	presence := map[string]any{"$ref": "#/components/schemas/Presence"}
	for _, bad := range []string{
		`{}`, `[]`, `{"user":"a","availability":"x","interrupt":false,"fields":{}}`, `{"user":"a","availability":1,"interrupt":false,"fields":{}}`,
		`{"user":"a","availability":6500.5,"interrupt":false,"fields":{}}`, `{"user":"a","availability":6500,"interrupt":false,"fields":{},"container":200}`,
		`{"user":"a","availability":6500,"interrupt":false,"fields":{"x":""}}`, `{"user":"a","availability":6500,"interrupt":false,"fields":{},"until":"soon"}`,
		`{"user":"a","availability":6500,"interrupt":false,"fields":{},"show":"busy"}`,
	} {
		var v any
		if err := json.Unmarshal([]byte(bad), &v); err != nil {
			t.Fatal(err)
		}
		if d.valid(presence, v, "$") == nil {
			t.Errorf("%s passes", bad)
		}
	}
	if d.valid(map[string]any{"type": "string", "pattern": "x"}, "x", "$") == nil {
		t.Error("a word that is not checked passes")
	}
}

// TestDescription_HasEveryRoute: what is served is described, and the other way
// round.
func TestDescription_HasEveryRoute(t *testing.T) {
	s := newSite(t)
	d := describe(t)
	for path, m := range s.routes() {
		for method := range m {
			u := &url.URL{Path: strings.NewReplacer("{name}", "x", "{file}", "x", "{id}", "x", "{$}", "").Replace(path)}
			if _, ok := d.find(&http.Request{Method: method, URL: u}); !ok {
				t.Errorf("%s %s is not described", method, path)
			}
		}
	}
	for path, ops := range d.Paths {
		for method := range ops {
			if path == "/" {
				path = "/{$}"
			}
			if s.routes()[path][strings.ToUpper(method)] == nil {
				t.Errorf("%s %s is described and not served", method, path)
			}
		}
	}
}
