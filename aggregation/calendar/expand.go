package calendar

import (
	"slices"
	"time"

	"github.com/teambition/rrule-go"
)

// work is what all rules of one text may still cost.
type work struct{ left int64 }

// cycle is 400 years: after it the days of the week and the leap years repeat.
const cycle = 146_097 * day

// lastYear is where rrule-go gives up looking for a next instance.
const lastYear = rrule.MAXYEAR

// never is an UNTIL that does not end anything.
const never = int64(1) << 60

// expand calls emit with the instances of r in [lo, hi), in wall-clock time and
// ascending. The first instance is start, whether the rule says so or not (RFC
// 5545 §3.8.5.3), but for exceptions; until is the last second one may begin in. It returns why not
// all were given, "" if they were.
func (w *work) expand(r *rule, start, until, lo, hi int64, emit func(sec int64)) string {
	if start >= hi {
		return ""
	}
	if start >= lo && !r.except {
		emit(start)
	}
	c := r.cursor(start)
	left := r.count - 1
	if r.count == 0 {
		left = -1
		c.jump(lo)
	} else if left -= c.jumpCounted(lo, start); left <= 0 {
		return ""
	}
	if c.base > until {
		return ""
	}
	next, wrong := w.iterate(c, hi)
	if wrong != "" {
		return wrong
	}
	for range maxSteps {
		sec, ok := next()
		if !ok || sec >= hi || sec > until {
			return w.spent()
		}
		if sec < start || (sec == start && !r.except) || !c.wanted(sec) {
			continue
		}
		if sec >= lo {
			emit(sec)
		}
		if left--; left == 0 {
			return w.spent()
		}
	}
	return "its instances before the window are too many to count"
}

func (w *work) spent() string {
	if w.left < 0 {
		return "the rules of this calendar ask for too much work"
	}
	return ""
}

// iterate returns the instances of c's rule from its base on, at least up to hi.
func (w *work) iterate(c *cursor, hi int64) (func() (int64, bool), string) {
	if wrong := w.spent(); wrong != "" {
		return nil, wrong
	}
	// rrule-go looks for a next instance until the year 9999 and cannot be
	// stopped. So it counts in a year close to that one whose calendar is the
	// same: a rule that never happens is found out in 400 years instead of 8000.
	shift := max(0, (lastYear-8-int64(civil(hi).Year()))/400) * cycle
	option := c.option
	option.Dtstart = civil(c.base + shift)
	option.Until = time.Date(lastYear, 12, 31, 23, 59, 59, 0, time.UTC)
	parsed, err := rrule.NewRRule(option)
	if err != nil {
		return nil, err.Error()
	}
	end, last := option.Until.Unix()-shift, c.base
	next := parsed.Iterator()
	return func() (int64, bool) {
		if w.left < 0 {
			return 0, false
		}
		t, ok := next()
		sec := t.Unix() - shift
		if !ok {
			sec = end
		}
		w.left -= c.cost(sec - last)
		last = sec
		return sec, ok
	}, ""
}

// cursor is a rule made explicit for one start: what the rule leaves open is
// taken from it, so that base may be moved without changing the instances.
type cursor struct {
	rule   *rule
	option rrule.ROption
	base   int64 // the beginning of a period: year, month, week, day, hour, minute
	times  []int64
	hours  []int // HOURLY and below: the ones wanted; nil: all
	minute []int
}

// cursor stands at the period in which start is.
func (r *rule) cursor(start int64) *cursor {
	t := civil(start)
	c := &cursor{rule: r}
	o := &c.option
	o.Freq, o.Interval, o.Wkst = r.freq, r.interval, rruleDays[r.wkst]
	o.Bymonth, o.Bymonthday, o.Byyearday, o.Byweekno, o.Bysetpos = r.months, r.monthDays, r.yearDays, r.weeks, r.positions
	days := r.days
	if len(days)+len(r.monthDays)+len(r.yearDays) == 0 {
		switch {
		case r.freq == rrule.WEEKLY, r.freq == rrule.YEARLY && len(r.weeks) > 0:
			days = []weekday{{day: (int(t.Weekday()) + 6) % 7}}
		case r.freq == rrule.MONTHLY, r.freq == rrule.YEARLY:
			o.Bymonthday = []int{t.Day()}
			if r.freq == rrule.YEARLY && len(r.months) == 0 {
				o.Bymonth = []int{int(t.Month())}
			}
		}
	}
	for _, d := range days {
		o.Byweekday = append(o.Byweekday, nth(d))
	}
	c.clock(t)
	c.base = r.period(start)
	return c
}

func nth(d weekday) rrule.Weekday {
	if d.nth == 0 {
		return rruleDays[d.day]
	}
	return rruleDays[d.day].Nth(d.nth)
}

// clock fills in the times of day. What filters hours and minutes is kept from
// rrule-go, which never returns where INTERVAL steps over all of them.
func (c *cursor) clock(start time.Time) {
	or := func(list []int, v int) []int {
		if len(list) > 0 {
			return list
		}
		return []int{v}
	}
	o, r := &c.option, c.rule
	o.Bysecond = or(r.seconds, start.Second())
	switch r.freq {
	case rrule.MINUTELY:
		c.hours, c.minute = r.hours, r.minutes
	case rrule.HOURLY:
		c.hours = r.hours
		o.Byminute = or(r.minutes, start.Minute())
	default:
		o.Byminute, o.Byhour = or(r.minutes, start.Minute()), or(r.hours, start.Hour())
		for _, h := range o.Byhour {
			for _, m := range o.Byminute {
				for _, s := range o.Bysecond {
					c.times = append(c.times, int64(h*hour+m*minute+s))
				}
			}
		}
	}
}

// wanted applies the filters that clock kept.
func (c *cursor) wanted(sec int64) bool {
	t := civil(sec)
	return has(c.hours, t.Hour()) && has(c.minute, t.Minute())
}

func has(list []int, v int) bool { return len(list) == 0 || slices.Contains(list, v) }

// unit is how long a period is; of months and years the shortest.
func (r *rule) unit() int64 {
	switch r.freq {
	case rrule.YEARLY:
		return 365 * day
	case rrule.MONTHLY:
		return 28 * day
	case rrule.WEEKLY:
		return 7 * day
	case rrule.DAILY:
		return day
	case rrule.HOURLY:
		return hour
	}
	return minute
}

// cost is what passing over some seconds costs: each period is one round, and
// each of its days is tested.
func (c *cursor) cost(seconds int64) int64 {
	unit := c.rule.unit()
	return (seconds/unit/int64(c.rule.interval) + 1) * (5 + int64(len(c.rule.positions)) + unit/day*c.rule.weight()) / 5
}

// period returns the beginning of the period a second is in.
func (r *rule) period(sec int64) int64 {
	t := civil(sec)
	switch r.freq {
	case rrule.YEARLY:
		return time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	case rrule.MONTHLY:
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC).Unix()
	case rrule.WEEKLY:
		back := (int(t.Weekday()) + 6 - r.wkst) % 7
		return (dayOf(sec) - int64(back)) * day
	case rrule.DAILY:
		return dayOf(sec) * day
	case rrule.HOURLY:
		return sec - int64(t.Minute()*minute+t.Second())
	}
	return sec - int64(t.Second())
}

// jump moves base forward by whole intervals, to the last one that begins well
// before lo, and returns by how many.
func (c *cursor) jump(lo int64) int64 {
	interval := int64(c.rule.interval)
	from, to := civil(c.base), civil(lo)
	months := int64(to.Year()-from.Year())*12 + int64(to.Month()-from.Month())
	var n int64
	switch c.rule.freq {
	case rrule.YEARLY:
		n = (int64(to.Year()-from.Year()) - 1) / interval
	case rrule.MONTHLY:
		n = (months - 1) / interval
	default:
		n = ((lo-c.base)/c.rule.unit() - 1) / interval
	}
	if n <= 0 {
		return 0
	}
	switch c.rule.freq {
	case rrule.YEARLY:
		c.base = from.AddDate(int(n*interval), 0, 0).Unix()
	case rrule.MONTHLY:
		c.base = from.AddDate(0, int(n*interval), 0).Unix()
	default:
		c.base += n * interval * c.rule.unit()
	}
	return n
}

// jumpCounted is jump for a rule with a COUNT: it returns how many instances
// after start lie before the new base. Only where each period has as many can
// that be told without looking.
func (c *cursor) jumpCounted(lo, start int64) int {
	r := c.rule
	offsets := []int64{0}
	switch {
	case r.filtersDays() || len(r.positions) > 0:
		return 0
	case r.freq == rrule.WEEKLY:
		offsets = offsets[:0]
		for _, d := range c.option.Byweekday {
			offsets = append(offsets, int64((d.Day()+7-r.wkst)%7)*day)
		}
	case r.freq != rrule.DAILY || len(r.days) > 0:
		return 0
	}
	before := 0 // of the first period, those that are not after start
	for _, o := range offsets {
		for _, t := range c.times {
			if c.base+o+t <= start {
				before++
			}
		}
	}
	each := int64(len(offsets) * len(c.times))
	if n := c.jump(lo); n > 0 {
		return int(min(n*each, never>>30)) - before
	}
	return 0
}
