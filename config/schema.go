package config

import (
	"maps"
	"sync"
	"time"
)

// rule is what is known about one key besides its name and type: the comment
// of the default file and the values that are accepted.
type rule struct {
	doc      string
	example  string   // a TOML value, for keys that have no default
	allowed  []string // the only texts accepted
	check    check    // of a text, or of every item of a list
	required bool     // has no default and must be set
	optional bool     // the empty text means "none"
	exact    bool     // items are compared letter by letter, not as addresses
	min, max int64    // of a number, duration or size; both 0: any
}

// check returns what is wrong with a text and what to write, or nothing.
type check func(s string) (message, remedy string)

// Bounds that several keys share.
const (
	second   = int64(time.Second)
	minute   = int64(time.Minute)
	day      = int64(24 * time.Hour)
	century  = 100 * 365 * day
	maxCount = 1_000_000 // per user; more is a typing mistake

	// RFC 6120 section 13.12 allows no limit below 10000 bytes. The upper
	// bound keeps one stanza from taking the daemon's memory.
	minStanza = 10_000
	maxStanza = 64 << 20

	// SEMANTICS S4.1.
	minAvailability, maxAvailability = 3000, 18999
	// SEMANTICS S1.
	minContainer, maxContainer = 4, 31999
)

// ruleOf returns the rule of a key; indexes are ignored, and a named policy
// follows the rules of [policy].
func ruleOf(key string) rule {
	key = withoutIndexes(key)
	if r, ok := ruleTable()[key]; ok {
		return r
	}
	if section, name := cutLast(key); section == "policies" {
		return ruleTable()["policy."+name]
	}
	return rule{}
}

// sectionDocs are the comments above the sections of the default file.
func sectionDocs() map[string]string {
	return map[string]string{
		"component": "The link to the XMPP server (XEP-0114). Only this section is needed.",
		"store":     "Where settings and states are kept.",
		"enrolment": "Who becomes a presentity.",
		"networks":  "Domains by network; each in one list only.",
		"presence":  "How the presence of many devices becomes one.",
		"privacy":   "The operator's side of privacy. Users' own rules come on top.",
		"policy":    "What may be shown of last activity, photos and links; the global policy.",
		"calendar":  "Presence from calendars.",
		"directory": "The operator's directory of people.",
		"audit":     "A trail of who asked for whose presence, and who changed who may see it.",
		"limits":    "What one user, and one stanza, may cost.",
		"http":      `Listeners; "" switches one off.`,
		"admin":     "Administration on a unix socket; its file rights are the authority.",
		"log":       "The log on standard error.",

		"privacy.containers": "A custom audience; any number of them.",
		"privacy.walls":      "Hides users from others whatever anybody's rules say; any number of them.",
		"privacy.lists_sql":  "Reads privacy lists from the XMPP server's database, one per host.",
		"policies":           "A named policy. It takes any key of [policy]; what it leaves out is as there. \"presenced policy grant\" beats users, which beats groups; of several the first by name counts.",
		"calendar.sources":   "A place to read calendars from; any number of them.",
		"calendar.map":       "Overrides one line of the preset; any number of them.",
		"states":             "A custom state for users to choose; any number of them.",
	}
}

// ruleTable is the table of every key, built once and only read. It is written
// as four only to keep each on a few screens.
var ruleTable = sync.OnceValue(func() map[string]rule {
	table := daemonRules()
	maps.Copy(table, presenceRules())
	maps.Copy(table, calendarRules())
	maps.Copy(table, sourceRules())
	return table
})

// daemonRules are the keys of running the daemon.
func daemonRules() map[string]rule {
	return map[string]rule{
		"component.domain": {doc: "The component's own domain, as the server knows it.",
			example: `"presence.example.org"`, required: true, check: domain},
		"component.resource": {doc: "The resource presence is sent from; Gajim and Dino show no presence without one. Empty: none.",
			example: `"presence"`, check: resource},
		"component.address": {doc: "The server's component port: host:port.", check: address},
		"component.secret": {doc: "The secret shared with the server. Give it here or in secret_file.",
			example: `"…"`, required: true},
		"component.secret_file": {doc: "A file that holds the secret; one newline at its end is ignored.",
			example: `"/etc/presenced/secret"`, optional: true},
		"component.hosts": {doc: "The served hosts: domains of the users.",
			example: `["example.org"]`, required: true, check: domain},
		"component.farewell": {doc: `Whether a clean stop tells watchers "unavailable"; false for quick restarts and behind a standby.`},

		"store.redis": {doc: "Redis 7.0 or later: redis://host:port/db, rediss:// (TLS), redis+sentinel://host:port,…/master/db or redis+cluster://host:port,…. Left out: the embedded store.",
			example: `"redis://127.0.0.1:6379/0"`, optional: true, check: redisURL},
		"store.redis_file": {doc: "A file that holds the Redis URL, where it has a password.",
			example: `"/etc/presenced/redis"`, optional: true},
		"store.path":   {doc: "The embedded store's directory; with Redis, of the marker and the safety snapshot.", check: absolutePath},
		"store.prefix": {doc: "Begins the name of every Redis key.", check: prefix},

		"enrolment.mode": {doc: "opt-in: users enable it themselves; all: everybody seen; list: the users below.",
			allowed: []string{"opt-in", "all", "list"}},
		"enrolment.users": {doc: "Bare JIDs of served hosts, for mode list.", example: `["alice@example.org"]`, check: bareJID},
		"enrolment.bots":  {doc: "Bare JIDs whose claims count without a device.", example: `["lift@example.org"]`, check: bareJID},
		"enrolment.apps":  {doc: "Bare JIDs of apps that may claim for every user; others need her consent.", example: `["phones@example.org"]`, check: bareJID},

		"audit.enabled":   {doc: "Whether the trail is kept, in store.path; \"presenced audit\" reads it."},
		"audit.retention": {doc: "Entries older than this are removed.", min: day, max: century},

		"limits.contacts":   {doc: "Contacts per user.", min: 1, max: maxCount},
		"limits.watchers":   {doc: "Watchers per user.", min: 1, max: maxCount},
		"limits.requests":   {doc: "Pending subscription requests per user.", min: 1, max: maxCount},
		"limits.max_stanza": {doc: "The largest stanza accepted.", min: minStanza, max: maxStanza},

		"http.listen":         {doc: "API, badges and page: host:port.", optional: true, check: listenAddress},
		"http.metrics_listen": {doc: "/metrics, /livez and /readyz: host:port.", optional: true, check: listenAddress},

		"admin.socket": {doc: "The socket's path.", check: socketPath},

		"log.level":  {doc: "The least level logged.", allowed: []string{"debug", "info", "warn", "error"}},
		"log.format": {doc: "The form of a line.", allowed: []string{"text", "json"}},
	}
}

// presenceRules are the keys of what is shown to whom.
func presenceRules() map[string]rule {
	return map[string]rule{
		"networks.enterprise": {doc: "The own organisation. Left out: the served hosts.",
			example: `["example.org"]`, check: domain},
		"networks.federated":    {doc: "Partners.", example: `["partner.example"]`, check: domain},
		"networks.public_cloud": {doc: "Public services.", example: `["jabber.example"]`, check: domain},

		"presence.idle_after":    {doc: "Without input for so long a device is idle.", min: second, max: day},
		"presence.away_after":    {doc: "Without input for so long a device is away; longer than idle_after.", min: second, max: 7 * day},
		"presence.liveness":      {doc: "Within so long a dropped session is offline, where the server does not tell.", min: second, max: day},
		"presence.language":      {doc: "The language of texts where the watcher gives none.", allowed: []string{"en", "de"}},
		"presence.timezone":      {doc: "The time zone of users who gave none, such as Europe/Berlin.", check: timezone},
		"presence.shared_groups": {doc: "Whether shared roster groups count as groups in rules. No server marks them, so they always do."},

		"privacy.server_lists": {doc: "Block and privacy lists that cannot be read: auto serves containers alone, require serves nobody.",
			allowed: []string{"auto", "require"}},
		"privacy.refresh":   {doc: "Rosters and lists are read again at least this often; at least 1s.", min: second, max: day},
		"privacy.max_stale": {doc: "A list older than this hides its owner.", min: second, max: century},
		"privacy.egress": {doc: "managed: keeps items in users' privacy lists that stop raw presence.",
			allowed: []string{"off", "managed"}},
		"privacy.offline_details": {doc: "What is shown of somebody offline; all makes blocks detectable.",
			allowed: []string{"none", "out-of-office", "all"}},
		"privacy.provisioning": {doc: "Whether mirror contacts may be put into rosters."},

		"privacy.containers.id": {doc: "4 to 31999, not 100, 200, 300 or 400; a higher id outranks a lower one.",
			example: "150", required: true, min: minContainer, max: maxContainer},
		"privacy.containers.name": {doc: "What users call it.", example: `"Partners"`, required: true, check: notEmpty},
		"privacy.containers.base": {doc: "Whose categories it shows: 100, 200, 300 or 400.", example: "100", required: true},

		"privacy.walls.users":       {doc: `Bare JIDs or domains of served users; "*" is everybody.`, example: `["alice@example.org"]`, required: true, check: wallJID},
		"privacy.walls.hidden_from": {doc: `Bare JIDs or domains; "*" is everybody.`, example: `["bob@example.org"]`, required: true, check: wallJID},

		"privacy.lists_sql.host":     {doc: "The served host.", example: `"example.org"`, required: true, check: domain},
		"privacy.lists_sql.driver":   {doc: "The database.", example: `"postgres"`, required: true, allowed: []string{"postgres", "sqlite"}},
		"privacy.lists_sql.dsn":      {doc: "How to reach it. Give it here or in dsn_file.", example: `"…"`, required: true},
		"privacy.lists_sql.dsn_file": {doc: "A file that holds the dsn.", example: `"/etc/presenced/dsn"`, optional: true},

		"policy.last_active":             {doc: "Whether last activity may be shown.", allowed: []string{"off", "coarse", "exact"}},
		"policy.last_active_granularity": {doc: "What coarse rounds down to.", min: second, max: 7 * day},
		"policy.photo":                   {doc: "Whose photos may be shown.", allowed: []string{"none", "directory", "all"}},
		"policy.links":                   {doc: "Links in notes and statuses: warn the author, neutralise with _, or block.", allowed: []string{"warn", "neutralise", "block"}},
		"policy.intranet":                {doc: "Hosts, exact or as *.suffix, whose links are always let through.", example: `["intranet.example.org"]`, check: domainPattern},
		"policy.file_extensions":         {doc: "Extensions that make a text a link.", example: `["exe"]`, exact: true, check: word},
		"policy.audit":                   {doc: "Whether the audit trail, if audit.enabled is true, tells of a user."},

		"policy.withhold": {doc: "What is shown to nobody, or to nobody in 100, 200, 300 or 400, whatever users choose.",
			example: `["location", "mobilePhone 200"]`, exact: true, check: cell},

		"policies.name":   {doc: "Named in grants.", example: `"sales"`, required: true, check: word},
		"policies.users":  {doc: "Bare JIDs it is granted to.", example: `["alice@example.org"]`, check: bareJID},
		"policies.groups": {doc: "Groups of directory.file it is granted to; users' own roster groups do not count.", example: `["Sales"]`, exact: true, check: notEmpty},

		"states.name":         {doc: "What users choose.", example: `"lunch"`, required: true, check: word},
		"states.availability": {doc: "3000 to 18999.", example: "12500", required: true, min: minAvailability, max: maxAvailability},
		"states.activity":     {doc: "The token shown. Left out: the name.", example: `"lunch"`, optional: true, check: token},
		"states.texts":        {doc: "Its text by language.", example: `{ en = "Lunch", de = "Mittagspause" }`, required: true},

		"directory.file": {doc: "A CSV file of names, e-mail addresses, titles, phones, photos and groups by JID; read again on SIGHUP.", example: `"/etc/presenced/directory.csv"`, optional: true, check: absolutePath},
	}
}

// calendarRules are the keys of [calendar].
func calendarRules() map[string]rule {
	return map[string]rule{
		"calendar.preset":            {doc: "What an event makes of presence.", allowed: []string{"cisco", "lync"}},
		"calendar.poll_interval":     {doc: "Sources are read this often: 5m to 480m.", min: 5 * minute, max: 480 * minute},
		"calendar.max_stale":         {doc: "A calendar not read for so long has no opinion.", min: minute, max: century},
		"calendar.until":             {doc: "Whether watchers may learn when a meeting ends."},
		"calendar.require_attendees": {doc: "Whether only events with other attendees count."},
		"calendar.key_file": {doc: "A file that holds the key which encrypts users' calendar credentials at rest.",
			example: `"/etc/presenced/calendar.key"`, optional: true, check: absolutePath},
		"calendar.user_networks": {doc: "Networks in which users' own calendars may be although they are not public, such as 10.20.0.0/16.",
			example: `["10.20.0.0/16"]`, exact: true, check: network},

		"calendar.map.show_as": {doc: "The event's kind.", example: `"tentative"`, optional: true,
			allowed: []string{"free", "tentative", "busy", "oof", "away", "working_elsewhere"}},
		"calendar.map.category":     {doc: "The event's category.", example: `"Focus"`, optional: true},
		"calendar.map.availability": {doc: "3000 to 18999; 0: the event says nothing.", example: "6500", max: maxAvailability},
		"calendar.map.activity":     {doc: "The token shown.", example: `"in-a-meeting"`, optional: true, check: token},
	}
}
