package calendars

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The ways Exchange asks who is there.
const (
	Basic = "basic"
	NTLM  = "ntlm"
	OAuth = "oauth"
)

// Exchange answers GetUserAvailability and GetMailTips of Exchange Web Services,
// POX Autodiscover, and gives tokens at /token.
type Exchange struct {
	server
	mailboxes
	tokens
	// Auth is Basic, NTLM or OAuth; Username and Password are the id and the secret
	// of the client with OAuth.
	Auth, Username, Password string
	// Times are how it writes them: naive (2013 and newer), offset (2007), z.
	Times string
	// Largest is how many mailboxes one request may have; Longest how long its
	// window may be.
	Largest int
	Longest time.Duration
	// Old is Exchange 2010, which knows no later version to be asked as.
	Old bool
	// NeedImpersonation refuses requests that impersonate nobody.
	NeedImpersonation bool
	// Discover answers Autodiscover for an address; nil: its own URL.
	Discover func(address string) (status int, body string)

	asked   sync.Mutex // guards batches
	batches []int
}

// NewExchange starts one. Fields may be set until the first request.
func NewExchange(o Options) (*Exchange, error) {
	e := &Exchange{
		Auth: Basic, Username: `CONTOSO\presence`, Password: "pa55-Exchange!", Times: "naive",
		Largest: 100, Longest: 42 * 24 * time.Hour,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /EWS/Exchange.asmx", e.soap)
	mux.HandleFunc("POST /autodiscover/autodiscover.xml", e.autodiscover)
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		e.clientCredentials(w, r, e.Username, e.Password)
	})
	return e, e.start(o, mux)
}

// Batches returns how many mailboxes each request of availability had.
func (e *Exchange) Batches() []int {
	e.asked.Lock()
	defer e.asked.Unlock()
	return append([]int(nil), e.batches...)
}

// admit reports whether the request is somebody's; otherwise it has answered.
func (e *Exchange) admit(w http.ResponseWriter, r *http.Request) bool {
	switch e.Auth {
	case NTLM:
		return ntlm(w, r, e.Username, e.Password)
	case OAuth:
		if _, ok := e.use(r); ok {
			return true
		}
		w.Header().Set("WWW-Authenticate", `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", token_types="app_asserted_user_v1"`)
	default:
		if user, password, ok := r.BasicAuth(); ok && user == e.Username && password == e.Password {
			return true
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="mail"`)
	}
	w.WriteHeader(http.StatusUnauthorized)
	return false
}

// envelope is a request, as far as it is looked at.
type envelope struct {
	Version struct {
		Version string `xml:"Version,attr"`
	} `xml:"Header>RequestServerVersion"`
	Impersonated []string `xml:"Header>ExchangeImpersonation>ConnectingSID>PrimarySmtpAddress"`
	Availability *struct {
		Bias    *int     `xml:"TimeZone>Bias"`
		Address []string `xml:"MailboxDataArray>MailboxData>Email>Address"`
		Start   string   `xml:"FreeBusyViewOptions>TimeWindow>StartTime"`
		End     string   `xml:"FreeBusyViewOptions>TimeWindow>EndTime"`
		Slot    int      `xml:"FreeBusyViewOptions>MergedFreeBusyIntervalInMinutes"`
		View    string   `xml:"FreeBusyViewOptions>RequestedView"`
	} `xml:"Body>GetUserAvailabilityRequest"`
	MailTips *struct {
		As      string   `xml:"SendingAs>EmailAddress"`
		Address []string `xml:"Recipients>Mailbox>EmailAddress"`
		What    string   `xml:"MailTipsRequested"`
	} `xml:"Body>GetMailTips"`
}

func (e *Exchange) soap(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || !e.admit(w, r) {
		return
	}
	var q envelope
	if err := xml.Unmarshal(body, &q); err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/xml") {
		soapFault(w, "ErrorSchemaValidation", "The request failed schema validation: "+fmt.Sprint(err), "")
		return
	}
	switch {
	case e.Old && q.Version.Version > oldVersion:
		soapFault(w, "ErrorInvalidServerVersion", "The specified server version is invalid.", "")
	case e.NeedImpersonation && len(q.Impersonated) == 0:
		soapFault(w, "ErrorInvalidRequest", "ExchangeImpersonation SOAP header must be present for this type of OAuth token.", "")
	case len(q.Impersonated) > 0 && r.Header.Get("X-AnchorMailbox") == "":
		w.WriteHeader(http.StatusServiceUnavailable)
	case q.Availability != nil:
		e.availability(w, r, &q)
	case q.MailTips != nil:
		e.mailTips(w, &q)
	default:
		soapFault(w, "ErrorSchemaValidation", "The request failed schema validation.", "")
	}
}

func (e *Exchange) availability(w http.ResponseWriter, r *http.Request, q *envelope) {
	a := q.Availability
	e.asked.Lock()
	e.batches = append(e.batches, len(a.Address))
	e.asked.Unlock()
	if p := e.poison(a.Address); p != nil {
		p.play(w, r, http.NotFoundHandler())
		return
	}
	from, err1 := time.Parse("2006-01-02T15:04:05", a.Start)
	to, err2 := time.Parse("2006-01-02T15:04:05", a.End)
	switch {
	case len(a.Address) > e.Largest:
		soapFault(w, "ErrorMailboxDataArrayTooBig", "The number of mailboxes in the request exceeds "+strconv.Itoa(e.Largest)+".", "5002")
		return
	case a.Bias == nil || *a.Bias != 0 || err1 != nil || err2 != nil || !from.Before(to):
		soapFault(w, "ErrorInvalidTimeInterval", "The time window is not valid.", "5003")
		return
	case to.Sub(from) > e.Longest:
		soapFault(w, "ErrorTimeIntervalTooBig", "The requested time window is too big.", "5011")
		return
	case a.View == "" || a.View == "None":
		soapFault(w, "ErrorInvalidFreeBusyViewType", "The requested view is not valid.", "5009")
		return
	}
	var b strings.Builder
	b.WriteString(`<GetUserAvailabilityResponse xmlns="` + nsMessages + `"><FreeBusyResponseArray>`)
	for _, address := range a.Address {
		e.freeBusy(&b, address, from, to, a.Slot, a.View, q.Version.Version > oldVersion)
	}
	b.WriteString(`</FreeBusyResponseArray></GetUserAvailabilityResponse>`)
	soapAnswer(w, http.StatusOK, b.String())
}

const (
	// oldVersion is the last version in which nobody works elsewhere: who asks as it
	// is told that they are free.
	oldVersion = "Exchange2010_SP2"
	nsMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"
	nsTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
)

func (e *Exchange) freeBusy(b *strings.Builder, address string, from, to time.Time, slot int, view string, elsewhere bool) {
	box, ok := e.get(address)
	if !ok {
		box.Error, box.ErrorText = "ErrorMailRecipientNotFound", "Unable to resolve e-mail address "+address+" to an Active Directory object."
	}
	if box.Error != "" {
		fmt.Fprintf(b, `<FreeBusyResponse><ResponseMessage ResponseClass="Error"><MessageText>%s</MessageText>`+
			`<ResponseCode>%s</ResponseCode><DescriptiveLinkKey>0</DescriptiveLinkKey></ResponseMessage>`+
			`<FreeBusyView><FreeBusyViewType xmlns="%s">None</FreeBusyViewType></FreeBusyView></FreeBusyResponse>`,
			escape(box.ErrorText), box.Error, nsTypes)
		return
	}
	if box.View != "" {
		view = box.View
	}
	fmt.Fprintf(b, `<FreeBusyResponse><ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode></ResponseMessage>`+
		`<FreeBusyView><FreeBusyViewType xmlns="%[1]s">%[2]s</FreeBusyViewType>`, nsTypes, view)
	if strings.Contains(view, "Merged") {
		if slot == 0 {
			slot = 30
		}
		fmt.Fprintf(b, `<MergedFreeBusy xmlns="%s">%s</MergedFreeBusy>`, nsTypes, box.digits(from, to, time.Duration(slot)*time.Minute))
	}
	if strings.HasPrefix(view, "FreeBusy") || strings.HasPrefix(view, "Detailed") {
		fmt.Fprintf(b, `<CalendarEventArray xmlns="%s">`, nsTypes)
		for _, ev := range box.within(from, to) {
			if ev.Kind == "elsewhere" && !elsewhere {
				ev.Kind = "free"
			}
			e.event(b, ev, strings.HasPrefix(view, "Detailed"))
		}
		b.WriteString(`</CalendarEventArray>`)
	}
	b.WriteString(`</FreeBusyView></FreeBusyResponse>`)
}

var busyTypes = map[string]string{"free": "Free", "tentative": "Tentative", "busy": "Busy", "oof": "OOF", "elsewhere": "WorkingElsewhere"}

func (e *Exchange) event(b *strings.Builder, ev Event, details bool) {
	kind := busyTypes[ev.Kind]
	if kind == "" {
		kind = ev.Kind
	}
	fmt.Fprintf(b, `<CalendarEvent><StartTime>%s</StartTime><EndTime>%s</EndTime><BusyType>%s</BusyType>`, e.time(ev.Start), e.time(ev.End), kind)
	if details {
		fmt.Fprintf(b, `<CalendarEventDetails><ID>%d</ID><Subject>%s</Subject><Location>%s</Location><IsMeeting>%t</IsMeeting>`+
			`<IsRecurring>false</IsRecurring><IsException>false</IsException><IsReminderSet>false</IsReminderSet><IsPrivate>%t</IsPrivate></CalendarEventDetails>`,
			ev.Start.Unix(), escape(ev.Subject), escape(ev.Location), ev.Meeting, ev.Private)
	}
	b.WriteString(`</CalendarEvent>`)
}

func (e *Exchange) time(t time.Time) string {
	switch e.Times {
	case "offset":
		return t.In(time.FixedZone("", -7*3600)).Format("2006-01-02T15:04:05-07:00")
	case "z":
		return t.UTC().Format("2006-01-02T15:04:05Z")
	default:
		return t.UTC().Format("2006-01-02T15:04:05")
	}
}

// pending lists the mail tips that are not known yet.
func pending(r *Reply) string {
	if r == nil || !r.Pending {
		return ""
	}
	return "OutOfOfficeMessage MailboxFullStatus"
}

func (e *Exchange) mailTips(w http.ResponseWriter, q *envelope) {
	if q.MailTips.As == "" || q.MailTips.What == "" {
		soapFault(w, "ErrorSchemaValidation", "The request failed schema validation.", "")
		return
	}
	var b strings.Builder
	b.WriteString(`<GetMailTipsResponse ResponseClass="Success" xmlns="` + nsMessages + `" xmlns:t="` + nsTypes + `"><ResponseCode>NoError</ResponseCode><ResponseMessages>`)
	for _, address := range q.MailTips.Address {
		box, ok := e.get(address)
		if !ok {
			b.WriteString(`<MailTipsResponseMessageType ResponseClass="Error"><MessageText>no such mailbox</MessageText>` +
				`<ResponseCode>ErrorInvalidRecipients</ResponseCode></MailTipsResponseMessageType>`)
			continue
		}
		fmt.Fprintf(&b, `<MailTipsResponseMessageType ResponseClass="Success"><ResponseCode>NoError</ResponseCode><MailTips>`+
			`<t:RecipientAddress><t:Name/><t:EmailAddress>%s</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType></t:RecipientAddress>`+
			`<t:PendingMailTips>%s</t:PendingMailTips><t:OutOfOffice><t:ReplyBody>`, escape(address), pending(box.Reply))
		if box.Reply == nil || box.Reply.Pending {
			b.WriteString(`<t:Message/></t:ReplyBody>`)
		} else {
			fmt.Fprintf(&b, `<t:Message>%s</t:Message></t:ReplyBody>`, escape(box.Reply.Internal))
			if !box.Reply.End.IsZero() {
				fmt.Fprintf(&b, `<t:Duration><t:StartTime>%s</t:StartTime><t:EndTime>%s</t:EndTime></t:Duration>`, e.time(box.Reply.Start), e.time(box.Reply.End))
			}
		}
		b.WriteString(`</t:OutOfOffice></MailTips></MailTipsResponseMessageType>`)
	}
	b.WriteString(`</ResponseMessages></GetMailTipsResponse>`)
	soapAnswer(w, http.StatusOK, b.String())
}
