package calendar

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/teambition/rrule-go"
)

// rule is an RRULE as written, checked so that rrule-go neither panics nor runs
// for ever on it.
type rule struct {
	freq     rrule.Frequency
	interval int
	count    int // 0: without end
	until    moment
	hasUntil bool
	wkst     int  // 0 is Monday
	except   bool // an EXRULE

	months, monthDays, yearDays, weeks []int
	hours, minutes, seconds, positions []int
	days                               []weekday
}

// weekday is one part of BYDAY: a day, 0 for Monday, and which one of its month
// or year; 0 is each.
type weekday struct{ day, nth int }

var frequencies = map[string]rrule.Frequency{
	"YEARLY": rrule.YEARLY, "MONTHLY": rrule.MONTHLY, "WEEKLY": rrule.WEEKLY,
	"DAILY": rrule.DAILY, "HOURLY": rrule.HOURLY, "MINUTELY": rrule.MINUTELY,
}

var weekdays = [...]string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}

var rruleDays = [...]rrule.Weekday{rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU}

// maxInterval keeps sums of intervals far from overflow; a longer one has no
// second instance before the year 2100.
const maxInterval = 100_000_000

// parseRule reads an RRULE (RFC 5545 §3.3.10). It returns why it is not to be
// followed, "" if it is.
func parseRule(value []byte) (*rule, string) {
	out := &rule{freq: -1, interval: 1}
	for part := range bytes.SplitSeq(bytes.ToUpper(value), []byte(";")) {
		part = bytes.TrimSpace(part)
		if len(part) == 0 {
			continue
		}
		key, v, _ := bytes.Cut(part, []byte("="))
		if wrong := out.part(string(bytes.TrimSpace(key)), bytes.TrimSpace(v)); wrong != "" {
			return nil, wrong
		}
	}
	return out, out.check()
}

func (r *rule) part(key string, v []byte) string {
	ok := true
	switch key {
	case "FREQ":
		if r.freq, ok = frequencies[string(v)]; !ok && string(v) == "SECONDLY" {
			return "it repeats every second"
		}
	case "INTERVAL":
		r.interval, ok = positive(v)
		r.interval = min(r.interval, maxInterval)
	case "COUNT":
		r.count, ok = positive(v)
	case "UNTIL":
		r.until, ok = parseMoment(v, floating)
		r.hasUntil = ok
	case "WKST":
		r.wkst = slices.Index(weekdays[:], string(v))
		ok = r.wkst >= 0
	case "BYDAY":
		ok = r.byDay(v)
	case "BYMONTH":
		r.months, ok = list(v, 1, 12, false)
	case "BYMONTHDAY":
		r.monthDays, ok = list(v, 1, 31, true)
	case "BYYEARDAY":
		r.yearDays, ok = list(v, 1, 366, true)
	case "BYWEEKNO":
		r.weeks, ok = list(v, 1, 53, true)
	case "BYHOUR":
		r.hours, ok = list(v, 0, 23, false)
	case "BYMINUTE":
		r.minutes, ok = list(v, 0, 59, false)
	case "BYSECOND":
		r.seconds, ok = list(v, 0, 59, false)
	case "BYSETPOS":
		if r.positions, ok = list(v, 1, 366, true); len(r.positions) > maxPositions {
			return "it names too many positions"
		}
	case "RSCALE":
		ok = string(v) == "GREGORIAN"
	}
	if !ok {
		return key + "=" + string(v[:min(len(v), 20)]) + " is not understood"
	}
	return ""
}

// check refuses what would cost too much or never happens, and prepares the
// rest for rrule-go.
func (r *rule) check() string {
	if r.freq < 0 {
		return "it has no FREQ"
	}
	if r.freq == rrule.MINUTELY && r.count == 0 && !r.hasUntil {
		return "it repeats every minute without end"
	}
	ofHour := max(1, len(r.minutes)) * max(1, len(r.seconds))
	if max(1, len(r.hours))*ofHour > maxTimes || r.freq == rrule.HOURLY && ofHour > maxTimes/24 {
		return "it names too many times of day"
	}
	return r.ordinals()
}

// ordinals brings BYDAY into a form that rrule-go reads as RFC 5545 means it:
// it takes days with and without an ordinal for two conditions where either is
// enough, and panics on an ordinal that a month cannot have.
func (r *rule) ordinals() string {
	most := 0 // ordinals have no meaning here
	switch {
	case r.freq == rrule.MONTHLY, r.freq == rrule.YEARLY && len(r.months) > 0:
		most = 5
	case r.freq == rrule.YEARLY:
		most = 53
	}
	if len(r.weeks) > 0 {
		most = 0
	}
	numbered := slices.ContainsFunc(r.days, func(d weekday) bool { return d.nth != 0 })
	if !numbered {
		return ""
	}
	var days []weekday
	for _, d := range r.days {
		switch {
		case most == 0:
			days = append(days, weekday{day: d.day})
		case d.nth == 0:
			for n := 1; n <= most; n++ {
				days = append(days, weekday{d.day, n})
			}
		case max(d.nth, -d.nth) <= most:
			days = append(days, d)
		}
	}
	if r.days = unique(days); len(days) == 0 {
		return "no month has such a day"
	}
	return ""
}

func unique(days []weekday) []weekday {
	slices.SortFunc(days, func(a, b weekday) int {
		if a.day != b.day {
			return a.day - b.day
		}
		return a.nth - b.nth
	})
	return slices.Compact(days)
}

func (r *rule) byDay(v []byte) bool {
	r.days = nil
	for one := range strings.SplitSeq(string(v), ",") {
		one = strings.TrimSpace(one)
		if len(one) < 2 {
			return false
		}
		at := len(one) - 2
		d := weekday{day: slices.Index(weekdays[:], one[at:])}
		if at > 0 {
			n, err := strconv.Atoi(one[:at])
			if err != nil || n == 0 || n < -53 || n > 53 {
				return false
			}
			d.nth = n
		}
		if d.day < 0 || len(r.days) > 7*107 {
			return false
		}
		r.days = append(r.days, d)
	}
	r.days = unique(r.days)
	return true
}

func positive(v []byte) (int, bool) {
	n, err := strconv.ParseInt(string(v), 10, 64)
	return int(min(n, math.MaxInt32)), err == nil && n > 0
}

// list reads numbers from lo to hi, or from -hi to -lo where signed, sorted and
// each once: rrule-go gives an instance for each that is doubled.
func list(v []byte, lo, hi int, signed bool) ([]int, bool) {
	var out []int
	for one := range strings.SplitSeq(string(v), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(one))
		if err != nil || len(out) > 2*maxTimes {
			return nil, false
		}
		if (n < lo || n > hi) && (!signed || n > -lo || n < -hi) {
			return nil, false
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return slices.Compact(out), true
}

// filtersDays reports whether a part but BYDAY chooses among the days.
func (r *rule) filtersDays() bool {
	return len(r.months)+len(r.monthDays)+len(r.yearDays)+len(r.weeks) > 0
}

// weight estimates what testing one day costs.
func (r *rule) weight() int64 {
	return 1 + int64(len(r.positions)) + int64(len(r.months)+len(r.monthDays)+len(r.yearDays)+len(r.days))/16
}
