package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"presenced/config"
)

// TestNewLog_WhatPeopleWriteMakesNoLine: what somebody chose stays the value of its
// attribute, in either format.
func TestNewLog_WhatPeopleWriteMakesNoLine(t *testing.T) {
	const evil = "x\r\ntime=2026-01-01T00:00:00Z level=ERROR msg=\"forged\"\n{\"level\":\"ERROR\",\"msg\":\"forged\"}\u2028\x1b[31m"
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log, _ := NewLog(&out, config.Log{Level: "info", Format: format}, true)
		log.Warn("a calendar source fails", "source", evil, "error", errors.New(evil))
		if n := strings.Count(out.String(), "\n"); n != 1 || strings.ContainsAny(out.String(), "\r\x1b") {
			t.Errorf("%s: %d lines: %q", format, n, out.String())
		}
		var one struct{ Msg, Level string }
		if err := json.Unmarshal(out.Bytes(), &one); format == "json" && (err != nil || one.Msg != "a calendar source fails" || one.Level != "WARN") {
			t.Errorf("%v: %s", err, out.String())
		}
	}
}
