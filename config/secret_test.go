package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

func TestSecret_NeverPrints(t *testing.T) {
	const text = "hunter2"
	type private struct{ s Secret }
	type holder struct {
		S Secret
		U SecretURL
		P *Secret
	}
	s := NewSecret(text)
	h := holder{S: s, U: NewSecretURL("redis://u:" + text + "@db/0?password=" + text), P: &s}
	var printed []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		printed = append(printed, fmt.Sprintf(verb, s), fmt.Sprintf(verb, h), fmt.Sprintf(verb, &h),
			fmt.Sprintf(verb, private{s}), fmt.Sprintf(verb, []Secret{s}))
	}
	js, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	tm, err := toml.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var logs bytes.Buffer
	slog.New(slog.NewTextHandler(&logs, nil)).Info("m", "s", s, "h", h, "u", h.U)
	slog.New(slog.NewJSONHandler(&logs, nil)).Info("m", "s", s, "h", h, "u", h.U)
	printed = append(printed, string(js), string(tm), logs.String(), fmt.Errorf("wrapped: %v", s).Error())
	for _, p := range printed {
		if strings.Contains(p, text) || strings.Contains(p, fmt.Sprintf("%x", text)) {
			t.Errorf("printed %q", p)
		}
	}
	for _, p := range []string{fmt.Sprintf("%v|%+v|%#v|%s", s, s, s, s), string(js), string(tm)} {
		if !strings.Contains(p, "***") {
			t.Errorf("%q has no ***", p)
		}
	}
	if s.Reveal() != text {
		t.Errorf("Reveal() = %q", s.Reveal())
	}
}

func TestSecretURL_ShowsWhereButNotHow(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "",
		"redis://127.0.0.1:6379/0":            "redis://127.0.0.1:6379/0",
		"redis://u:pw@db:6379/0":              "redis://***@db:6379/0",
		"redis://:p@w@db/0":                   "redis://***@db/0",
		"redis://:p/w@db/0":                   "redis://***",
		"rediss://db/0?password=x":            "rediss://db/0?***",
		"redis+sentinel://a:1,b:2/mymaster/0": "redis+sentinel://a:1,b:2/mymaster/0",
		"https://cal.example/private-abc/x":   "https://cal.example/***",
		"https://cal.example/":                "https://cal.example/",
		"https://cal.example?token=x":         "https://cal.example?***",
		"/srv/calendars/{user}.ics":           "/srv/calendars/{user}.ics",
		"file:///srv/{user}.ics":              "file:///srv/{user}.ics",
		"user:password":                       "***",
	} {
		if got := NewSecretURL(text).String(); got != want {
			t.Errorf("SecretURL(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestSecretFile_ReadAndTrimmed(t *testing.T) {
	const head = "[component]\ndomain = \"p.example.org\"\nhosts = [\"example.org\"]\nsecret_file = \"/s\"\n"
	for content, want := range map[string]string{
		"x": "x", "x\n": "x", "x\r\n": "x", "x\n\n": "x\n", " x \n": " x ",
	} {
		c := mustParse(t, head, Overrides{}, map[string]string{"/s": content})
		if got := c.Component.Secret.Reveal(); got != want {
			t.Errorf("file %q gives secret %q, want %q", content, got, want)
		}
	}
	for content, want := range map[string]string{
		"": "the file is empty", "\n": "the file is empty", " \r\n\t\n": "the file is empty", strings.Repeat("x", maxSecret+1): "is larger than 64KiB",
	} {
		_, _, err := parse(head, Overrides{}, map[string]string{"/s": content})
		if err == nil || !strings.Contains(err.Error(), `presenced.toml:4: component.secret_file = "/s": `+want) ||
			strings.Contains(err.Error(), "missing") {
			t.Errorf("file of %d bytes gives %v, want only %q", len(content), err, want)
		}
	}
}

// Of a secret and its file, the stronger layer counts.
func TestSecretFile_StrongerLayerWins(t *testing.T) {
	files := map[string]string{"/s": "from file", "/e": "from variable's file"}
	for name, test := range map[string]struct {
		file string
		over Overrides
		want string
	}{
		"variable beats the file's secret_file": {
			`secret_file = "/s"`, Overrides{Environ: []string{"PRESENCED_COMPONENT_SECRET=v"}}, "v"},
		"variable's secret_file beats the file's secret": {
			`secret = "t"`, Overrides{Environ: []string{"PRESENCED_COMPONENT_SECRET_FILE=/e"}}, "from variable's file"},
		"flag beats both": {
			`secret_file = "/s"`, Overrides{Environ: []string{"PRESENCED_COMPONENT_SECRET_FILE=/e"}, Set: []string{"component.secret=f"}}, "f"},
		"flag removes the file's": {
			`secret = "t"`, Overrides{Set: []string{"component.secret_file=/s"}}, "from file"},
	} {
		c := mustParse(t, "[component]\ndomain = \"p.example.org\"\nhosts = [\"example.org\"]\n"+test.file+"\n", test.over, files)
		if got := c.Component.Secret.Reveal(); got != test.want {
			t.Errorf("%s: secret = %q, want %q", name, got, test.want)
		}
	}
}
