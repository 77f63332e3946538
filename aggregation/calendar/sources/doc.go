// Package sources fetches calendars: from files and URLs (iCalendar), CalDAV,
// Exchange Web Services, Microsoft Graph and Google. It gives package calendar's
// schedules and says, per user, what went wrong and what to do about it.
//
// One user's failure is never another's, and one server's never another
// server's. Credentials and the texts of events appear in no error.
package sources
