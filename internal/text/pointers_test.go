package text

import (
	"regexp"
	"testing"
)

// TestPointers_NameCommandsAsPeopleFindThem: in a list of commands stand their names;
// some programs, and a chat, know them by what is in parentheses.
func TestPointers_NameCommandsAsPeopleFindThem(t *testing.T) {
	alone := regexp.MustCompile(`(?i)(?:command|befehl)s? ["„][a-z-]+["“]`)
	pointer := regexp.MustCompile(`["„]([^"„“]+)["“] \(([a-z-]+)\)`)
	found := 0
	for key := range phrases {
		for _, lang := range Languages() {
			said := phrases[key].in(lang)
			if m := alone.FindString(said); m != "" {
				t.Errorf("%s: %s is in no list of commands", key, m)
			}
			for _, m := range pointer.FindAllStringSubmatch(said, -1) {
				found++
				if name := T(lang, Key("command."+m[2])); name != m[1] {
					t.Errorf("%s says %q in %s, the command is called %q", key, m[1], lang, name)
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d pointers were found", found)
	}
}
