package sites

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
	"presenced/aggregation/calendar/sources/bearer"
	"presenced/aggregation/calendar/sources/caldav"
	"presenced/aggregation/calendar/sources/ews"
	"presenced/aggregation/calendar/sources/google"
	"presenced/aggregation/calendar/sources/graph"
	"presenced/aggregation/calendar/sources/ics"
	"presenced/aggregation/calendar/sources/outbound"
	"presenced/config"
	"presenced/internal/polling"
)

// maxCA bounds a file of authorities; those of a whole machine take 300 KB.
const maxCA = 1 << 20

// Open makes the source of one entry, which may ask every address. Its errors end
// in a hint and hold no secret.
func Open(s *config.CalendarSource) (sources.Source, error) {
	roots, _, err := authorities(s.CAFile)
	if err != nil {
		return nil, err
	}
	return open(s, roots)
}

func open(s *config.CalendarSource, roots *x509.CertPool) (sources.Source, error) {
	switch s.Kind {
	case "ews":
		return exchange(s, roots)
	case "graph":
		return graph.New(graph.Options{
			NotifyURL: notices(s), URL: s.URL.Reveal(), LoginURL: s.LoginURL, Tenant: s.Tenant, ClientID: s.Username, Secret: s.Password.Reveal(), As: s.As,
			Replies: replies(s.AutomaticReplies), Size: s.Batch, InFlight: s.InFlight, RootCAs: roots,
		})
	case "google":
		return workspace(s, roots)
	}
	client := outbound.New(outbound.Options{Anywhere: true, Conns: InFlight(s), RootCAs: roots})
	switch s.Kind {
	case "ics":
		return ics.New(ics.Options{Client: client, Username: s.Username, Password: s.Password.Reveal(), Files: true}), nil
	case "caldav":
		return caldav.New(caldav.Options{Client: client, Username: s.Username, Password: s.Password.Reveal(), FreeBusy: s.FreeBusy}), nil
	}
	return nil, fmt.Errorf("no source is of kind %q: see \"presenced config defaults\"", s.Kind)
}

// notices is where Microsoft tells of changes at a source.
func notices(s *config.CalendarSource) string {
	if s.Notify == "" {
		return ""
	}
	return s.Notify + "?source=" + url.QueryEscape(s.Name)
}

// InFlight is how many requests the source is sent at once.
func InFlight(s *config.CalendarSource) int {
	if s.InFlight > 0 {
		return s.InFlight
	}
	return polling.PerServer
}

func exchange(s *config.CalendarSource, roots *x509.CertPool) (sources.Source, error) {
	auth, _ := ews.ParseAuth(s.Auth) // config has checked the name
	return ews.New(ews.Options{
		URL: s.URL.Reveal(), DiscoverAs: s.DiscoverAs, Trust: s.Trust, Auth: auth, Username: s.Username, Password: s.Password.Reveal(),
		TokenURL: s.TokenURL, Scope: s.Scope, Impersonate: s.Impersonate, Replies: replies(s.AutomaticReplies), SendAs: s.DiscoverAs,
		Size: s.Batch, InFlight: s.InFlight, RootCAs: roots,
	})
}

// workspace asks Google. An address of the operator's stands for both of Google's:
// what is there passes requests on.
func workspace(s *config.CalendarSource, roots *x509.CertPool) (sources.Source, error) {
	key, err := bearer.ParseKey([]byte(s.Key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("google: %w", err)
	}
	o := google.Options{
		Key: key, Subject: s.Subject, Events: s.Events, Replies: replies(s.AutomaticReplies), URL: s.URL.Reveal(), MailURL: s.URL.Reveal(),
		Size: s.Batch, InFlight: s.InFlight, RootCAs: roots,
	}
	if o.Size == 0 && (o.Events || o.Subject == google.EachUser) {
		o.Size = InFlight(s) // one request for each: more would only wait for their turn
	}
	return google.New(o)
}

func replies(name string) away.Replies {
	switch name {
	case "period":
		return away.Period
	case "note":
		return away.Note
	default:
		return away.Off
	}
}

// errAuthorities ends in what to do.
var errAuthorities = errors.New("holds no certificate: write the authorities into it in PEM, from BEGIN CERTIFICATE to END CERTIFICATE")

// Authorities reads the file of those that are trusted; nil without one: the
// machine's are.
func Authorities(s *config.CalendarSource) (*x509.CertPool, error) {
	roots, _, err := authorities(s.CAFile)
	return roots, err
}

func authorities(path string) (*x509.CertPool, []byte, error) {
	if path == "" {
		return nil, nil, nil
	}
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxCA) {
		return nil, nil, fmt.Errorf("ca_file = %q %w", path, errAuthorities)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("ca_file: %w; let the daemon's user read it", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, nil, fmt.Errorf("ca_file = %q %w", path, errAuthorities)
	}
	return roots, text, nil
}
