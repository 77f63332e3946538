package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// sourceRules are the keys of [[calendar.sources]].
func sourceRules() map[string]rule {
	return map[string]rule{
		"calendar.sources.name":          {doc: "Named in checks and logs.", example: `"groupware"`, required: true, check: word},
		"calendar.sources.kind":          {doc: "How it is read.", example: `"caldav"`, required: true, allowed: []string{"ics", "caldav", "ews", "graph", "google"}},
		"calendar.sources.url":           {doc: "Its address; for ics and caldav {user} is the local part, {jid} the bare JID; for ics also a file. ews finds it with discover_as, graph and google know their own.", example: `"https://dav.example.org/{user}/"`, check: sourceURL},
		"calendar.sources.username":      {doc: "Whom to sign in as; for graph the id of the application.", example: `"presenced"`, optional: true},
		"calendar.sources.password":      {doc: "With what; for graph the application's secret. Give it here or in password_file.", example: `"…"`, optional: true},
		"calendar.sources.password_file": {doc: "A file that holds the password.", example: `"/etc/presenced/dav"`, optional: true},
		"calendar.sources.free_busy":     {doc: "Ask a CalDAV server for free/busy times only, where the account may read no more. Many servers answer that wrongly.", example: "false"},
		"calendar.sources.users":         {doc: `Bare JIDs or domains of users it is read for; "*" is everybody. Left out: everybody.`, example: `["alice@example.org"]`, check: wallJID},

		"calendar.sources.mailbox":           {doc: "ews, graph, google: the address of a user's mailbox; {user} is the local part, {jid} the bare JID, {email} what directory.file has, and who has none there has no calendar. Left out: her address in directory.file, else her JID.", example: `"{user}@example.org"`, optional: true, check: mailbox},
		"calendar.sources.automatic_replies": {doc: "ews, graph, google: whether automatic replies make people out of office; note shows their text, too. Left out: off.", example: `"period"`, optional: true, allowed: []string{"off", "period", "note"}},
		"calendar.sources.batch":             {doc: "ews, graph, google: mailboxes per request. Left out: 100, 20, 50.", example: "20", max: 100},
		"calendar.sources.in_flight":         {doc: "Requests at once. Left out: 8.", example: "8", max: 32},
		"calendar.sources.ca_file":           {doc: "Authorities in PEM that are trusted for this server instead of the machine's.", example: `"/etc/presenced/ca.pem"`, optional: true, check: absolutePath},

		"calendar.sources.auth":        {doc: "ews: how to sign in. Left out: ntlm.", example: `"ntlm"`, optional: true, allowed: []string{"ntlm", "basic", "oauth"}},
		"calendar.sources.token_url":   {doc: "ews with oauth: where tokens are given.", example: `"https://adfs.example.org/adfs/oauth2/token"`, optional: true, check: secureURL},
		"calendar.sources.scope":       {doc: "ews with oauth: what the token is for.", example: `"https://mail.example.org/.default"`, optional: true, check: word},
		"calendar.sources.impersonate": {doc: `ews: the mailbox to act as; "*" is the first that is asked about.`, example: `"presenced@example.org"`, optional: true, check: addressOrAll},
		"calendar.sources.discover_as": {doc: "ews without url: the address Autodiscover is asked about; its domain is sent the password.", example: `"presenced@example.org"`, optional: true, check: mailAddress},
		"calendar.sources.trust":       {doc: "ews: hosts outside that domain which Autodiscover may lead to.", example: `["mail.example.net"]`, check: domain},

		"calendar.sources.tenant":     {doc: "graph: the id of the directory, or one of its domains.", example: `"example.onmicrosoft.com"`, optional: true, check: word},
		"calendar.sources.as":         {doc: "graph: the user to ask as, where addresses are not user names. Left out: those asked about, in turn.", example: `"presenced@example.onmicrosoft.com"`, optional: true, check: mailAddress},
		"calendar.sources.login_url":  {doc: "graph: where tokens are given. Left out: what belongs to url.", example: `"https://login.microsoftonline.com"`, optional: true, check: secureURL},
		"calendar.sources.notify_url": {doc: "graph: the public address under which Microsoft reaches /v1/notices/graph of http.listen, to tell of changes. Left out: none.", example: `"https://presence.example.org/v1/notices/graph"`, optional: true, check: publicURL},

		"calendar.sources.key":      {doc: "google: the JSON key of a service account. Give it here or in key_file.", example: `"…"`, optional: true},
		"calendar.sources.key_file": {doc: "A file that holds the key.", example: `"/etc/presenced/google.json"`, optional: true},
		"calendar.sources.subject":  {doc: `google: the user the account stands for; "*" is each who is asked about. Left out: none, and calendars are shared with the account.`, example: `"*"`, optional: true, check: addressOrAll},
		"calendar.sources.events":   {doc: "google: ask for events, which tell more than busy, one request per user.", example: "false"},
	}
}

// kindsOf says which kinds act on a key; a key that is not here counts for all.
var kindsOf = map[string][]string{
	"free_busy": {"caldav"}, "username": {"ics", "caldav", "ews", "graph"}, "password": {"ics", "caldav", "ews", "graph"},
	"mailbox": enterprise, "automatic_replies": enterprise, "batch": enterprise,
	"auth": {"ews"}, "token_url": {"ews"}, "scope": {"ews"}, "impersonate": {"ews"}, "discover_as": {"ews"}, "trust": {"ews"},
	"tenant": {"graph"}, "as": {"graph"}, "login_url": {"graph"}, "notify_url": {"graph"},
	"key": {"google"}, "subject": {"google"}, "events": {"google"},
}

// enterprise are the kinds that ask one server about many mailboxes.
var enterprise = []string{"ews", "graph", "google"}

func (l *loader) checkSources() {
	for i := range l.config.Calendar.Sources {
		s, key := &l.config.Calendar.Sources[i], fmt.Sprintf("calendar.sources[%d].", i)
		l.unique(key+"name", s.Name, i, func(k int) string { return l.config.Calendar.Sources[k].Name })
		l.checkServed(key+"users", s.Users)
		l.checkIdle(key, s.Kind)
		if s.CAFile != "" {
			l.readable(key+"ca_file", s.CAFile, "write the authorities into it, in PEM")
		}
		local := strings.HasPrefix(s.URL.Reveal(), "/") || strings.HasPrefix(s.URL.Reveal(), "file:")
		switch {
		case s.URL.IsZero() && (s.Kind == "ics" || s.Kind == "caldav"):
			l.problem(key+"url", "", "is missing", "write url = "+ruleOf("calendar.sources.url").example)
		case local && s.Kind != "ics":
			l.problem(key+"url", hidden, "is a file, which only kind ics reads", `write a web address, or kind = "ics"`)
		}
		if slices.Contains(enterprise, s.Kind) {
			l.checkEnterprise(key, s)
		}
		if s.Username == "" && !s.Password.IsZero() {
			l.problem(key+"username", "", "is missing beside a password", "write whom to sign in as")
		}
	}
}

// checkIdle warns of keys that are of another kind.
func (l *loader) checkIdle(section, kind string) {
	for key, kinds := range kindsOf {
		if kind != "" && l.config.origins[section+key].set() && !slices.Contains(kinds, kind) {
			l.warning(section+key, "", "has no effect with kind "+kind, "leave it out; it is of kind "+strings.Join(kinds, ", "))
		}
	}
}

// readable tells of a file that cannot be read.
func (l *loader) readable(key, path, remedy string) {
	if l.told(key) {
		return
	}
	if _, _, err := l.read(path, maxSecret); err != nil {
		l.problem(key, quote(path), "cannot be read: "+plainError(err), remedy+", and let the daemon's user read it")
	}
}

// checkEnterprise checks what one server is asked with for many people.
func (l *loader) checkEnterprise(key string, s *CalendarSource) {
	if at := s.URL.Reveal(); strings.ContainsAny(at, "{}") {
		l.problem(key+"url", hidden, "holds a placeholder, but the server is the same for everybody", "write the address of the server, and {user} into mailbox")
	}
	if strings.Contains(s.Mailbox, "{email}") && l.config.Directory.File == "" {
		l.problem(key+"mailbox", quote(s.Mailbox), "names the address in directory.file, which is not set", "name a directory.file with a column email, or write {user} or {jid}")
	}
	switch s.Kind {
	case "ews":
		l.checkExchange(key, s)
	case "graph":
		l.checkGraph(key, s)
	case "google":
		l.checkGoogle(key, s)
	}
}

func (l *loader) checkExchange(key string, s *CalendarSource) {
	if s.URL.IsZero() && s.DiscoverAs == "" {
		l.problem(key+"url", "", "is missing", `write url = "https://mail.example.org/EWS/Exchange.asmx", or discover_as with an address to find it by`)
	}
	l.needsAccount(key, s, `write 'DOMAIN\user' in single quotes, or user@domain; with auth = "oauth" the id of the client`)
	switch s.Auth {
	case "oauth":
		l.needs(key+"token_url", s.TokenURL, `auth = "oauth"`)
		l.needs(key+"scope", s.Scope, `auth = "oauth"`)
	case "basic":
		if message, remedy := secureURL(s.URL.Reveal()); message != "" && !s.URL.IsZero() {
			l.problem(key+"url", hidden, message, remedy)
		}
	}
}

func (l *loader) checkGraph(key string, s *CalendarSource) {
	l.needs(key+"tenant", s.Tenant, `kind = "graph"`)
	l.needsAccount(key, s, "write the id of the application registered in the tenant")
	l.secureIfSet(key+"url", s)
	if s.Notify != "" && l.config.HTTP.Listen == "" {
		l.problem(key+"notify_url", quote(s.Notify), "leads nowhere while http.listen is empty", "listen, and have a proxy pass that address on, or leave notify_url out")
	}
}

func (l *loader) checkGoogle(key string, s *CalendarSource) {
	const most = 50
	if s.Key.IsZero() {
		l.problem(key+"key", "", "is missing", `write key_file = "/etc/presenced/google.json", the key of a service account`)
	}
	if s.Batch > most {
		l.problem(key+"batch", fmt.Sprint(s.Batch), "is too large", fmt.Sprintf("Google takes %d calendars at once at most", most))
	}
	if s.AutomaticReplies != "" && s.AutomaticReplies != "off" && s.Subject != "*" {
		l.problem(key+"automatic_replies", quote(s.AutomaticReplies), "needs to stand for each user: the vacation responder is her own",
			`delegate to the service account and write subject = "*", or leave automatic_replies out`)
	}
	l.secureIfSet(key+"url", s)
}

func (l *loader) secureIfSet(key string, s *CalendarSource) {
	if message, remedy := secureURL(s.URL.Reveal()); message != "" && !s.URL.IsZero() {
		l.problem(key, hidden, message, remedy)
	}
}

// needs tells that a key is missing beside another.
func (l *loader) needs(key, value, beside string) {
	if value == "" {
		_, name := cutLast(key)
		l.problem(key, "", "is missing beside "+beside, "write "+name+" = "+ruleOf(key).example)
	}
}

func (l *loader) needsAccount(key string, s *CalendarSource, who string) {
	if s.Username == "" {
		l.problem(key+"username", "", "is missing", who)
	}
	if s.Password.IsZero() {
		l.problem(key+"password", "", "is missing", "name a file that holds it with password_file")
	}
}

// secureURL accepts an address of a server that is sent a secret.
func secureURL(s string) (message, remedy string) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "not a URL", `write an address that begins with "https://"`
	case u.Scheme == "http" && !isLoopback(u.Host) && !isLoopback(u.Host+":80"):
		return "is not encrypted, and a secret is sent there", `write "https://"`
	}
	return "", ""
}

// publicURL accepts an address that others call, without a query.
func publicURL(s string) (message, remedy string) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return "not an address Microsoft calls", `write one that begins with "https://", without ? and #`
	}
	return "", ""
}

// isMailAddress reports whether s looks like local@domain.
func isMailAddress(s string) bool {
	local, host, found := strings.Cut(s, "@")
	message, _ := word(s)
	return found && message == "" && local != "" && isDomain(host)
}

func mailAddress(s string) (message, remedy string) {
	if !isMailAddress(s) {
		return "not an address", `write one such as "presenced@example.org"`
	}
	return "", ""
}

func addressOrAll(s string) (message, remedy string) {
	if s == "*" {
		return "", ""
	}
	return mailAddress(s)
}

// mailbox accepts an address with placeholders that give each user her own.
func mailbox(s string) (message, remedy string) {
	const whole = "user@example.org"
	plain := strings.NewReplacer("{user}", "user", "{jid}", whole, "{email}", whole).Replace(s)
	if plain == s || !isMailAddress(plain) {
		return "not an address for each user", `write one such as "{user}@example.org", "{jid}" or "{email}"`
	}
	return "", ""
}
