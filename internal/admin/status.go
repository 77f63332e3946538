package admin

import "time"

// Reason is one thing that keeps the daemon from being ready.
type Reason struct {
	Name   string    `json:"name"`
	Since  time.Time `json:"since"`
	Remedy string    `json:"remedy"`
}

// Status tells how the daemon is.
type Status struct {
	Version  string    `json:"version"`
	Started  time.Time `json:"started"`
	Status   string    `json:"status"` // ready, degraded, unready, standby
	Reasons  []Reason  `json:"reasons"`
	Domain   string    `json:"domain"`
	Address  string    `json:"address"`
	Farewell bool      `json:"farewell"`
	Link     Link      `json:"link"`
	Hosts    []Host    `json:"hosts"`
	Store    Store     `json:"store"`
	Users    Users     `json:"users"`
	// Calendars are the sources that are read; users' own are own:ics and own:caldav.
	Calendars []Calendar `json:"calendars,omitempty"`
}

// Calendar is how a calendar source does.
type Calendar struct {
	Name    string    `json:"name"`
	Users   int       `json:"users"`             // calendars that are read there
	Failing int       `json:"failing"`           // whose last reading failed
	ReadAt  time.Time `json:"read_at,omitzero"`  // the last good answer; zero: none since the start
	Since   time.Time `json:"since,omitzero"`    // the server fails since then
	Problem string    `json:"problem,omitempty"` // why
}

// Link is the connection to the XMPP server.
type Link struct {
	Phase     string    `json:"phase"` // detached, connecting, attached
	Since     time.Time `json:"since"`
	LastError string    `json:"last_error,omitempty"`
}

// Host is what the server lets the component do for one served host.
type Host struct {
	Name    string   `json:"name"`
	Mode    string   `json:"mode"`    // waiting, privilege, supplement, consent
	Adverts []string `json:"adverts"` // in words
	Answers bool     `json:"answers"` // to pings
	Synced  bool     `json:"synced"`
	Managed bool     `json:"managed"` // presence of every user is forwarded
	Reports bool     `json:"reports"` // and dropped sessions are reported
	Roster  bool     `json:"roster"`  // rosters can be read
	Consent bool     `json:"consent"` // users are asked for a subscription
	Block   bool     `json:"block"`   // block lists can be read
	Privacy bool     `json:"privacy"` // privacy lists can be read
	Hidden  bool     `json:"hidden"`  // the server keeps lists that cannot be read
}

// Store is where settings are kept.
type Store struct {
	Kind    string `json:"kind"`              // embedded, redis
	Address string `json:"address,omitempty"` // of Redis, without secrets
	Path    string `json:"path,omitempty"`    // the embedded store, or what stands beside Redis
	Healthy bool   `json:"healthy"`
	Problem string `json:"problem,omitempty"`
}

// Users counts the users the daemon has settings of.
type Users struct {
	Known   int `json:"known"`
	Enabled int `json:"enabled"`
	Online  int `json:"online"`
}
