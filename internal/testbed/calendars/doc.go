// Package calendars has servers that speak as Exchange, Microsoft Graph and
// Google do, as far as a source of calendars sees them, written from their
// documentation. They check what they are sent as strictly as the real ones, and
// play every fault those are known for: see Fault and the fields of each.
//
// They listen on 127.0.0.1 and know nothing of the product. What they hold may be
// changed at any time through their methods.
package calendars
