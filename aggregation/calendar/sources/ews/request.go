package ews

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"time"

	"presenced/aggregation/calendar/sources"
)

const (
	nsMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"
	nsTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
	// slot is how fine the digits are that some servers give instead of events:
	// 5 minutes, the finest there is.
	slot = 5 * time.Minute
	// naive is how times are written: in UTC, which the request says it is in.
	naive = "2006-01-02T15:04:05"
)

// utc is a time zone without rules of its own, as the schema wants it. Month and
// day are never reached: neither rule changes anything.
const utc = `<t:TimeZone><t:Bias>0</t:Bias>` +
	`<t:StandardTime><t:Bias>0</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>` +
	`<t:DaylightTime><t:Bias>0</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>4</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>`

// header is the SOAP header of a request about boxes. Who asks as one before 2013 is
// told that those who work elsewhere are free.
func (s *Source) header(old bool, boxes []sources.Mailbox) []byte {
	version := "Exchange2013"
	if old {
		version = "Exchange2010"
	}
	var b bytes.Buffer
	b.WriteString(`<s:Header><t:RequestServerVersion Version="` + version + `"/>`)
	if as := s.impersonated(boxes); as != "" {
		b.WriteString(`<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>`)
		escape(&b, as)
		b.WriteString(`</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`)
	}
	b.WriteString(`</s:Header>`)
	return b.Bytes()
}

// impersonated returns whom the account acts as; empty: nobody.
func (s *Source) impersonated(boxes []sources.Mailbox) string {
	if s.o.Impersonate == FirstMailbox {
		return boxes[0].Address
	}
	return s.o.Impersonate
}

func envelope(b *bytes.Buffer, header []byte) {
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="` +
		nsMessages + `" xmlns:t="` + nsTypes + `">`)
	b.Write(header)
	b.WriteString(`<s:Body>`)
}

const end = `</s:Body></s:Envelope>`

// availabilityRequest asks for the details of boxes, and for digits for servers
// that give no events.
func availabilityRequest(header []byte, w sources.Window, boxes []sources.Mailbox) []byte {
	from, to := bounds(w)
	var b bytes.Buffer
	envelope(&b, header)
	b.WriteString(`<m:GetUserAvailabilityRequest>` + utc + `<m:MailboxDataArray>`)
	for i := range boxes {
		b.WriteString(`<t:MailboxData><t:Email><t:Address>`)
		escape(&b, boxes[i].Address)
		b.WriteString(`</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType><t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData>`)
	}
	b.WriteString(`</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>` + from.Format(naive) +
		`</t:StartTime><t:EndTime>` + to.Format(naive) + `</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>` +
		strconv.Itoa(int(slot/time.Minute)) + `</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>DetailedMerged</t:RequestedView>` +
		`</t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>` + end)
	return b.Bytes()
}

// bounds are those of the window in whole slots.
func bounds(w sources.Window) (from, to time.Time) {
	from, to = w.From.UTC().Truncate(slot), w.To.UTC().Truncate(slot)
	if to.Before(w.To) {
		to = to.Add(slot)
	}
	return from, to
}

// repliesRequest asks what boxes would answer somebody now.
func repliesRequest(header []byte, as string, boxes []sources.Mailbox) []byte {
	var b bytes.Buffer
	envelope(&b, header)
	b.WriteString(`<m:GetMailTips><m:SendingAs><t:EmailAddress>`)
	escape(&b, as)
	b.WriteString(`</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType></m:SendingAs><m:Recipients>`)
	for i := range boxes {
		b.WriteString(`<t:Mailbox><t:EmailAddress>`)
		escape(&b, boxes[i].Address)
		b.WriteString(`</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType></t:Mailbox>`)
	}
	b.WriteString(`</m:Recipients><m:MailTipsRequested>OutOfOfficeMessage</m:MailTipsRequested></m:GetMailTips>` + end)
	return b.Bytes()
}

func escape(b *bytes.Buffer, text string) {
	_ = xml.EscapeText(b, []byte(text)) // a Buffer takes everything
}
