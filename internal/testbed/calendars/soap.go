package calendars

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
)

func soapAnswer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>`+
		`<h:ServerVersionInfo MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507" MinorBuildNumber="6" xmlns:h="`+nsTypes+`"/></s:Header><s:Body>`+
		body+`</s:Body></s:Envelope>`)
}

// soapFault answers 500, as SOAP 1.1 says.
func soapFault(w http.ResponseWriter, code, text, number string) {
	soapAnswer(w, http.StatusInternalServerError, faultBody(code, text, number, 0))
}

func faultBody(code, text, number string, backOff int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<s:Fault xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><faultcode xmlns:a="%s">a:%s</faultcode><faultstring xml:lang="en-US">%s</faultstring><detail>`,
		nsTypes, code, escape(text))
	fmt.Fprintf(&b, `<e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">%s</e:ResponseCode>`, code)
	if number != "" {
		fmt.Fprintf(&b, `<e:ErrorCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">%s</e:ErrorCode>`, number)
	}
	fmt.Fprintf(&b, `<e:Message xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">%s</e:Message>`, escape(text))
	if backOff > 0 {
		fmt.Fprintf(&b, `<t:MessageXml xmlns:t="%s"><t:Value Name="BackOffMilliseconds">%d</t:Value></t:MessageXml>`, nsTypes, backOff)
	}
	b.WriteString(`</detail></s:Fault>`)
	return b.String()
}

// ServerBusy is ErrorServerBusy with its BackOffMilliseconds, as it arrives under
// 200, 500 or 503.
func ServerBusy(status, milliseconds int) Fault {
	return Fault{Path: "/EWS/", Status: status, Header: map[string]string{"Content-Type": "text/xml; charset=utf-8"}, Body: `<?xml version="1.0" encoding="utf-8"?>` +
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` +
		faultBody("ErrorServerBusy", "The server cannot service this request right now. Try again later.", "", milliseconds) +
		`</s:Body></s:Envelope>`}
}

// SOAPFault is a fault with a code of Exchange under 500, for poisoned mailboxes.
func SOAPFault(code string) Fault {
	return Fault{Path: "/EWS/", Status: http.StatusInternalServerError, Header: map[string]string{"Content-Type": "text/xml; charset=utf-8"},
		Body: `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` + faultBody(code, "An internal server error occurred.", "", 0) + `</s:Body></s:Envelope>`}
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

const nsAutodiscover = "http://schemas.microsoft.com/exchange/autodiscover/"

// autodiscover answers POX (plain old XML) requests.
func (e *Exchange) autodiscover(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || !e.admit(w, r) {
		return
	}
	var q struct {
		XMLName  xml.Name `xml:"Autodiscover"`
		Address  string   `xml:"Request>EMailAddress"`
		Response string   `xml:"Request>AcceptableResponseSchema"`
	}
	status, text := http.StatusOK, DiscoverURL(e.URL+"/EWS/Exchange.asmx")
	switch err := xml.Unmarshal(body, &q); {
	case err != nil || q.Address == "" || q.Response == "":
		text = discovered(`<Error Time="12:00:00" Id="1"><ErrorCode>600</ErrorCode><Message>Invalid Request</Message><DebugData/></Error>`)
	case e.Discover != nil:
		status, text = e.Discover(q.Address)
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func discovered(inner string) string {
	return `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="` + nsAutodiscover + `responseschema/2006"><Response xmlns="` +
		nsAutodiscover + `outlook/responseschema/2006a">` + inner + `</Response></Autodiscover>`
}

// DiscoverURL is an answer with where Exchange Web Services are.
func DiscoverURL(url string) string {
	return discovered(`<User><DisplayName>First Last</DisplayName></User><Account><AccountType>email</AccountType><Action>settings</Action>` +
		`<Protocol><Type>EXCH</Type><Server>mbx</Server><ASUrl>` + escape(url) + `</ASUrl><OOFUrl>` + escape(url) + `</OOFUrl></Protocol>` +
		`<Protocol><Type>WEB</Type><External/></Protocol></Account>`)
}

// DiscoverAddress is an answer that says to ask for another address.
func DiscoverAddress(address string) string {
	return discovered(`<Account><AccountType>email</AccountType><Action>redirectAddr</Action><RedirectAddr>` + escape(address) + `</RedirectAddr></Account>`)
}

// DiscoverRedirect is an answer that says to ask at another URL.
func DiscoverRedirect(url string) string {
	return discovered(`<Account><AccountType>email</AccountType><Action>redirectUrl</Action><RedirectUrl>` + escape(url) + `</RedirectUrl></Account>`)
}
