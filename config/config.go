// Package config loads, checks and renders the configuration of presenced.
//
// A configuration is built in layers: defaults, then one TOML file, then
// PRESENCED_SECTION_KEY variables, then --set flags; each beats the one before
// it and every value remembers where it came from.
//
// Guarantees:
//
//   - Everything wrong is told at once: syntax, unknown keys, types and values,
//     each with its place, its key and a remedy. No Go type is ever named.
//   - A configuration returned without an error has been validated.
//   - Secrets never appear in a problem, a rendering, fmt, JSON or a log.
//
// It does not watch files, does not connect to anything and does not know
// which part of the daemon uses a key; it only knows which keys this version
// does not act on yet ([Config.Inert]).
package config

import "time"

// Config is the whole configuration, one field per section of the file.
// The toml tags are the names an operator writes.
type Config struct {
	Component Component     `toml:"component" json:"component"`
	Store     Store         `toml:"store" json:"store"`
	Enrolment Enrolment     `toml:"enrolment" json:"enrolment"`
	Networks  Networks      `toml:"networks" json:"networks"`
	Presence  Presence      `toml:"presence" json:"presence"`
	Privacy   Privacy       `toml:"privacy" json:"privacy"`
	Policy    Policy        `toml:"policy" json:"policy"`
	Policies  []NamedPolicy `toml:"policies" json:"policies"`
	Calendar  Calendar      `toml:"calendar" json:"calendar"`
	States    []CustomState `toml:"states" json:"states"`
	Directory Directory     `toml:"directory" json:"directory"`
	Audit     Audit         `toml:"audit" json:"audit"`
	Limits    Limits        `toml:"limits" json:"limits"`
	HTTP      HTTP          `toml:"http" json:"http"`
	Admin     Admin         `toml:"admin" json:"admin"`
	Log       Log           `toml:"log" json:"log"`

	origins map[string]Origin
}

// Component is the link to the XMPP server (XEP-0114).
type Component struct {
	Domain     string   `toml:"domain" json:"domain"`
	Resource   string   `toml:"resource" json:"resource"`
	Address    string   `toml:"address" json:"address"`
	Secret     Secret   `toml:"secret" json:"secret"`
	SecretFile string   `toml:"secret_file" json:"secret_file"`
	Hosts      []string `toml:"hosts" json:"hosts"`
	Farewell   bool     `toml:"farewell" json:"farewell"`
}

// Store says where settings and states are kept. An empty Redis means the
// embedded store under Path.
type Store struct {
	Redis     SecretURL `toml:"redis" json:"redis"`
	RedisFile string    `toml:"redis_file" json:"redis_file"`
	Path      string    `toml:"path" json:"path"`
	Prefix    string    `toml:"prefix" json:"prefix"`
}

// Enrolment says who becomes a presentity.
type Enrolment struct {
	Mode  string   `toml:"mode" json:"mode"`
	Users []string `toml:"users" json:"users"`
	Bots  []string `toml:"bots" json:"bots"`
	Apps  []string `toml:"apps" json:"apps"`
}

// Networks sorts domains for the tiers of SEMANTICS S2.1. After Load,
// Enterprise holds the served hosts where the operator set nothing.
type Networks struct {
	Enterprise  []string `toml:"enterprise" json:"enterprise"`
	Federated   []string `toml:"federated" json:"federated"`
	PublicCloud []string `toml:"public_cloud" json:"public_cloud"`
}

// Presence holds the clocks of aggregation (SEMANTICS S5) and the language and
// time zone used where a watcher or user gives none.
type Presence struct {
	IdleAfter    Duration `toml:"idle_after" json:"idle_after"`
	AwayAfter    Duration `toml:"away_after" json:"away_after"`
	Liveness     Duration `toml:"liveness" json:"liveness"`
	Language     string   `toml:"language" json:"language"`
	Timezone     string   `toml:"timezone" json:"timezone"`
	SharedGroups bool     `toml:"shared_groups" json:"shared_groups"`
}

// Privacy holds the operator's side of SEMANTICS S1, S8 and S11.
type Privacy struct {
	ServerLists    string      `toml:"server_lists" json:"server_lists"`
	Refresh        Duration    `toml:"refresh" json:"refresh"`
	MaxStale       Duration    `toml:"max_stale" json:"max_stale"`
	Egress         string      `toml:"egress" json:"egress"`
	OfflineDetails string      `toml:"offline_details" json:"offline_details"`
	Provisioning   bool        `toml:"provisioning" json:"provisioning"`
	Containers     []Container `toml:"containers" json:"containers"`
	Walls          []Wall      `toml:"walls" json:"walls"`
	ListsSQL       []ListsSQL  `toml:"lists_sql" json:"lists_sql"`
}

// Container is a custom audience (SEMANTICS S1): ID 4 to 31999, Base 100, 200,
// 300 or 400.
type Container struct {
	ID   int    `toml:"id" json:"id"`
	Name string `toml:"name" json:"name"`
	Base int    `toml:"base" json:"base"`
}

// Wall hides Users from HiddenFrom for good; "*" stands for everybody.
type Wall struct {
	Users      []string `toml:"users" json:"users"`
	HiddenFrom []string `toml:"hidden_from" json:"hidden_from"`
}

// ListsSQL reads the privacy lists of one host from the server's database.
type ListsSQL struct {
	Host    string `toml:"host" json:"host"`
	Driver  string `toml:"driver" json:"driver"`
	DSN     Secret `toml:"dsn" json:"dsn"`
	DSNFile string `toml:"dsn_file" json:"dsn_file"`
}

// Policy is what the operator allows to be shown (SEMANTICS S3, S9), and whether the
// audit trail tells of it.
type Policy struct {
	LastActive            string   `toml:"last_active" json:"last_active"`
	LastActiveGranularity Duration `toml:"last_active_granularity" json:"last_active_granularity"`
	Photo                 string   `toml:"photo" json:"photo"`
	Links                 string   `toml:"links" json:"links"`
	Intranet              []string `toml:"intranet" json:"intranet"`
	FileExtensions        []string `toml:"file_extensions" json:"file_extensions"`
	Audit                 bool     `toml:"audit" json:"audit"`
	Withhold              []string `toml:"withhold" json:"withhold"`
}

// NamedPolicy replaces the global policy for the users and the operator's groups
// it is granted to, here or by "presenced policy grant". After Load, keys it left
// out hold the global policy's values.
type NamedPolicy struct {
	Name   string   `toml:"name" json:"name"`
	Users  []string `toml:"users" json:"users"`
	Groups []string `toml:"groups" json:"groups"`
	Policy
}

// Calendar holds the rules of SEMANTICS S6 and the sources to read.
type Calendar struct {
	Preset           string           `toml:"preset" json:"preset"`
	PollInterval     Duration         `toml:"poll_interval" json:"poll_interval"`
	MaxStale         Duration         `toml:"max_stale" json:"max_stale"`
	Until            bool             `toml:"until" json:"until"`
	RequireAttendees bool             `toml:"require_attendees" json:"require_attendees"`
	KeyFile          string           `toml:"key_file" json:"key_file"`
	UserNetworks     []string         `toml:"user_networks" json:"user_networks"`
	Sources          []CalendarSource `toml:"sources" json:"sources"`
	Map              []CalendarMap    `toml:"map" json:"map"`
}

// CalendarSource is one server or file from which calendars are read. In URL,
// {user} is the local part and {jid} the bare JID of the user; in Mailbox also
// {email}, her address in the directory. Users are bare JIDs and domains; empty:
// everybody. For kind graph Username and Password are an application's id and
// secret, for kind google Key is the JSON key of a service account.
type CalendarSource struct {
	Name         string    `toml:"name" json:"name"`
	Kind         string    `toml:"kind" json:"kind"`
	URL          SecretURL `toml:"url" json:"url"`
	Username     string    `toml:"username" json:"username"`
	Password     Secret    `toml:"password" json:"password"`
	PasswordFile string    `toml:"password_file" json:"password_file"`
	FreeBusy     bool      `toml:"free_busy" json:"free_busy"`
	Users        []string  `toml:"users" json:"users"`

	Mailbox          string `toml:"mailbox" json:"mailbox"`
	AutomaticReplies string `toml:"automatic_replies" json:"automatic_replies"`
	Batch            int    `toml:"batch" json:"batch"`
	InFlight         int    `toml:"in_flight" json:"in_flight"`
	CAFile           string `toml:"ca_file" json:"ca_file"`

	// Of kind ews.
	Auth        string   `toml:"auth" json:"auth"`
	TokenURL    string   `toml:"token_url" json:"token_url"`
	Scope       string   `toml:"scope" json:"scope"`
	Impersonate string   `toml:"impersonate" json:"impersonate"`
	DiscoverAs  string   `toml:"discover_as" json:"discover_as"`
	Trust       []string `toml:"trust" json:"trust"`

	// Of kind graph.
	Tenant   string `toml:"tenant" json:"tenant"`
	As       string `toml:"as" json:"as"`
	LoginURL string `toml:"login_url" json:"login_url"`
	Notify   string `toml:"notify_url" json:"notify_url"`

	// Of kind google.
	Key     Secret `toml:"key" json:"key"`
	KeyFile string `toml:"key_file" json:"key_file"`
	Subject string `toml:"subject" json:"subject"`
	Events  bool   `toml:"events" json:"events"`
}

// CalendarMap overrides one line of the preset's table (SEMANTICS S6.1).
// Availability 0 means that the event says nothing.
type CalendarMap struct {
	ShowAs       string `toml:"show_as" json:"show_as"`
	Category     string `toml:"category" json:"category"`
	Availability int    `toml:"availability" json:"availability"`
	Activity     string `toml:"activity" json:"activity"`
}

// CustomState is an operator's own state: a token with its text by language.
type CustomState struct {
	Name         string            `toml:"name" json:"name"`
	Availability int               `toml:"availability" json:"availability"`
	Activity     string            `toml:"activity" json:"activity"`
	Texts        map[string]string `toml:"texts" json:"texts"`
}

// Directory names the operator's file of names, addresses, phones and photos.
type Directory struct {
	File string `toml:"file" json:"file"`
}

// Audit says whether and for how long a trail is kept.
type Audit struct {
	Enabled   bool     `toml:"enabled" json:"enabled"`
	Retention Duration `toml:"retention" json:"retention"`
}

// Limits bounds what one user may cost (SEMANTICS S10) and the size of one
// stanza.
type Limits struct {
	Contacts  int  `toml:"contacts" json:"contacts"`
	Watchers  int  `toml:"watchers" json:"watchers"`
	Requests  int  `toml:"requests" json:"requests"`
	MaxStanza Size `toml:"max_stanza" json:"max_stanza"`
}

// HTTP names the listeners; an empty address switches one off.
type HTTP struct {
	Listen        string `toml:"listen" json:"listen"`
	MetricsListen string `toml:"metrics_listen" json:"metrics_listen"`
}

// Admin names the unix socket of administration.
type Admin struct {
	Socket string `toml:"socket" json:"socket"`
}

// Log sets the daemon's log on standard error.
type Log struct {
	Level  string `toml:"level" json:"level"`
	Format string `toml:"format" json:"format"`
}

// Default returns the configuration that holds before any file is read. It
// lacks what has no default: component.domain, component.secret and
// component.hosts.
func Default() *Config {
	return &Config{
		Component: Component{Address: "127.0.0.1:5347", Farewell: true},
		Store:     Store{Path: "/var/lib/presenced", Prefix: "presenced:"},
		Enrolment: Enrolment{Mode: "opt-in"},
		Presence: Presence{
			IdleAfter: minutes(5), AwayAfter: minutes(10), Liveness: minutes(1),
			Language: "en", Timezone: "UTC",
		},
		Privacy: Privacy{
			ServerLists: "auto", Refresh: minutes(1), MaxStale: hours(24),
			Egress: "off", OfflineDetails: "out-of-office",
		},
		Policy: Policy{
			LastActive: "off", LastActiveGranularity: hours(1),
			Photo: "all", Links: "warn", Audit: true,
		},
		Calendar: Calendar{
			Preset: "cisco", PollInterval: minutes(30), MaxStale: hours(24), Until: true,
		},
		Audit:   Audit{Retention: hours(90 * 24)},
		Limits:  Limits{Contacts: 1000, Watchers: 1000, Requests: 200, MaxStanza: 256 << 10},
		HTTP:    HTTP{Listen: "127.0.0.1:8085", MetricsListen: "127.0.0.1:9085"},
		Admin:   Admin{Socket: "/run/presenced/admin.sock"},
		Log:     Log{Level: "info", Format: "text"},
		origins: map[string]Origin{},
	}
}

func minutes(n int64) Duration { return Duration(time.Duration(n) * time.Minute) }
func hours(n int64) Duration   { return Duration(time.Duration(n) * time.Hour) }
