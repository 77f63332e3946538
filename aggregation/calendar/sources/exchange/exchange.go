// Package exchange says what the codes mean that Exchange gives, on the premises
// through its web services and in the cloud through Microsoft Graph.
package exchange

import (
	"fmt"
	"regexp"
	"time"

	"presenced/aggregation/calendar/sources"
)

// word is what a code of Exchange looks like. Nothing else of what a server says
// is repeated.
var word = regexp.MustCompile(`\bError[A-Za-z]{1,60}\b`)

// Code returns the code in a text; empty: there is none.
func Code(text string) string { return word.FindString(text) }

// meaning is what a code of Exchange stands for.
type meaning struct {
	kind   sources.FaultKind
	remedy string
}

// meanings are of the codes that come up. What is not here is Broken.
var meanings = map[string]meaning{
	"ErrorMailRecipientNotFound":   {sources.Gone, "see the spelling of the address; the organisation has no such mailbox"},
	"ErrorNonExistentMailbox":      {sources.Gone, "see the spelling of the address; the organisation has no such mailbox"},
	"ErrorNonPrimarySmtpAddress":   {sources.Moved, "give the mailbox's primary address"},
	"ErrorMailboxMoveInProgress":   {sources.Moved, "the mailbox is being moved; wait, and if it went to Exchange Online give it to a source of kind graph"},
	"ErrorIncorrectSchemaVersion":  {sources.Broken, "the server is older than Exchange 2010"},
	"ErrorInvalidServerVersion":    {sources.Broken, "the server is older than Exchange 2010"},
	"ErrorNoFreeBusyAccess":        {sources.Forbidden, "let the account see free/busy times of this mailbox"},
	"ErrorAccessDenied":            {sources.Forbidden, "give the account the right it lacks"},
	"ErrorImpersonateUserDenied":   {sources.Forbidden, "give the account the role ApplicationImpersonation, or leave impersonate out"},
	"ErrorImpersonationDenied":     {sources.Forbidden, "give the account the role ApplicationImpersonation, or leave impersonate out"},
	"ErrorInvalidRequest":          {sources.Forbidden, "an application without a user has to impersonate a mailbox: set impersonate"},
	"ErrorServerBusy":              {sources.Busy, "the account is throttled: poll less, or give it a throttling policy of its own"},
	"ErrorExceededConnectionCount": {sources.Busy, "the account has too many connections: give it a throttling policy, or lower what runs at once"},
	"ErrorTimeoutExpired":          {sources.Broken, "the mailbox's server did not answer Exchange in time"},
	"ErrorMailboxLogonFailed":      {sources.Broken, "the mailbox cannot be opened: see that its database is mounted and the mailbox enabled"},
	"ErrorServiceDiscoveryFailed":  {sources.Broken, "Exchange does not find the server of this mailbox: see its organisation relationship"},
	"ErrorAutoDiscoverFailed":      {sources.Broken, "Exchange does not find the server of this mailbox: see Autodiscover of the other forest"},
	"ErrorProxyRequestProcessingFailed": {
		sources.Broken, "Exchange could not ask the server of this mailbox; an address unknown to the cloud also looks so: see its spelling",
	},
	"ErrorFreeBusyGenerationFailed": {sources.Broken, "Exchange could not read the calendar: try the mailbox in Outlook on the web"},
	"ErrorFreeBusyDLLimitReached":   {sources.TooLarge, "the address is a distribution list of more than 100: give the people instead"},
	"ErrorMailboxDataArrayTooBig":   {sources.TooLarge, "the server takes fewer mailboxes at once"},
	"ErrorTimeIntervalTooBig":       {sources.TooLarge, "the server takes shorter windows only"},
}

// Fault is the fault of a code, with how long the server asked to be left alone;
// 0: it did not.
func Fault(code string, wait time.Duration) *sources.Fault {
	code = Code(code)
	m, known := meanings[code]
	if !known {
		m = meaning{sources.Broken, "see the log of the Exchange server"}
	}
	if code == "" {
		code = "an error without a code"
	}
	f := &sources.Fault{Kind: m.kind, Err: fmt.Errorf("exchange says %s", code), Remedy: m.remedy}
	if m.kind == sources.Busy {
		f.RetryAfter = wait
	}
	return f
}
