package ews

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/exchange"
	"presenced/aggregation/calendar/sources/outbound"
)

// soapFault is a request that failed as a whole.
type soapFault struct {
	Code   string `xml:"faultcode"`
	Text   string `xml:"faultstring"`
	Detail struct {
		Response string  `xml:"ResponseCode"`
		Number   string  `xml:"ErrorCode"`
		Values   []value `xml:"MessageXml>Value"`
	} `xml:"detail"`
}

// tooMany is the number of ErrorMailboxDataArrayTooBig, which some servers give
// instead of the name.
const tooMany = "5002"

// errVersion is in the fault of a request whose version the server may be too old for.
var errVersion = errors.New("the server does not take the request as it is")

// fault makes what a fault of SOAP says a fault of ours.
func (f *soapFault) fault() error {
	code := exchange.Code(f.Detail.Response)
	if code == "" {
		code = exchange.Code(f.Code)
	}
	if code == "" && strings.TrimSpace(f.Detail.Number) == tooMany || strings.Contains(f.Text, "ErrorMailboxDataArrayTooBig") {
		code = "ErrorMailboxDataArrayTooBig"
	}
	fault := exchange.Fault(code, backOff(f.Detail.Values))
	switch code {
	case "ErrorInvalidServerVersion", "ErrorIncorrectSchemaVersion", "ErrorSchemaValidation":
		fault.Err = &refused{fault.Err}
	}
	return fault
}

// refused marks an error as errVersion and says the same.
type refused struct{ error }

func (*refused) Is(target error) bool { return target == errVersion }

// backOff reads BackOffMilliseconds; 0: it is not there.
func backOff(values []value) time.Duration {
	for _, v := range values {
		if v.Name != "BackOffMilliseconds" {
			continue
		}
		ms, err := strconv.ParseUint(strings.TrimSpace(v.Text), 10, 31)
		if err == nil {
			return time.Duration(ms) * time.Millisecond
		}
	}
	return 0
}

// refine says what a status means that Exchange in particular gave.
func refine(auth Auth, status int, header http.Header, err error) error {
	f, ok := errors.AsType[*sources.Fault](err)
	if !ok {
		return err
	}
	g := *f
	if errors.Is(err, outbound.ErrLoginPage) {
		g.Remedy = "what stands before Exchange wants a person to log in: publish /EWS without pre-authentication, or give the URL of the server behind it"
	}
	switch status {
	case http.StatusUnauthorized:
		g.Remedy = offered(auth, header)
	case http.StatusForbidden:
		g.Remedy = "let the account use Exchange Web Services (EWSEnabled); Exchange Online has blocked them since October 2026: give its mailboxes to a source of kind graph"
	case http.StatusBadGateway:
		g.Kind = sources.Unreachable // by the proxy, whoever is asked about
	case http.StatusNotFound:
		// Of the whole server, not of a mailbox: nobody's calendar is gone.
		g.Kind, g.Remedy = sources.Moved, "see the URL: Exchange Web Services are at /EWS/Exchange.asmx"
	}
	return &g
}

// offered says how the server wants to be told who asks.
func offered(auth Auth, header http.Header) string {
	var schemes []string
	want := [...]string{NTLM: "ntlm negotiate", Basic: "basic", OAuth: "bearer"}[auth]
	match := false
	for _, line := range header.Values("WWW-Authenticate") {
		name, _, _ := strings.Cut(line, " ")
		if name = strings.ToLower(name); name == "ntlm" || name == "negotiate" || name == "basic" || name == "bearer" {
			schemes = append(schemes, name)
			match = match || strings.Contains(want, name)
		}
	}
	if len(schemes) > 0 && !match {
		return "the server takes " + strings.Join(schemes, ", ") + ": set auth to one of these (ntlm for negotiate, oauth for bearer)"
	}
	return "see the user name (DOMAIN\\user or user@domain), the password, and whether the account is locked"
}
