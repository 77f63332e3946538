package calendar

// What one text may cost. An honest calendar of ten years stays below a tenth of
// each; beyond is a mistake or an attack.
const (
	// MaxSize is the longest text that is read, in bytes.
	MaxSize = 32 << 20
	// maxEvents bounds the events, free/busy and availability parts kept.
	maxEvents = 50_000
	// maxOccurrences bounds what one Read returns.
	maxOccurrences = 20_000
	// maxLine is how long an unfolded line may be, in bytes. It leaves room for
	// an EXDATE of some 15,000 dates.
	maxLine = 256 << 10
	// maxDates bounds the dates of one event's RDATE and EXDATE together.
	maxDates = 20_000
	// maxRules bounds the RRULE and EXRULE of one event together.
	maxRules = 8
	// maxDepth is how deep components may stand in each other. RFC 5545 needs 3.
	maxDepth = 16
	// maxZones bounds the zone names one text may use.
	maxZones = 200
	// maxWarnings bounds the warnings of one Read; the rest is counted.
	maxWarnings = 50
	// maxText is how much of a subject, a location or a category is kept, in
	// bytes.
	maxText = 512
	// maxCategories is how many categories of an event are kept.
	maxCategories = 16
	// maxSteps is how many instances of one rule may be passed over.
	maxSteps = 300_000
	// maxWork bounds the days that all rules of one text are tested against:
	// some 100 ns each.
	maxWork = 4_000_000
	// maxTimes is how many times of day one rule may name: one a minute. A rule that
	// is HOURLY may name a 24th of it, of each hour.
	maxTimes = 1440
	// maxPositions is how many values BYSETPOS may have: each is looked for in each
	// period anew.
	maxPositions = 32
	// maxAvailability bounds the VAVAILABILITY parts: each is cut out of all others.
	maxAvailability = 100
	// replacing is what one override costs for each event it may belong to, in the
	// measure of maxWork.
	replacing = 3
)
