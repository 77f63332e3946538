package caldav

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"presenced/aggregation/calendar"
	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/outbound"
)

const (
	maxObjects = 20_000 // of one calendar
	perGet     = 50     // objects of one multiget
	// around widens the window for the server: it knows no zone for all-day and
	// floating events.
	around = 24 * time.Hour
)

// errPart: the server says that it did not give everything.
var errPart = errors.New("the server gave only a part")

// objects are texts by href.
type objects map[string]string

// objects fetches what of a calendar may happen in the window.
func (v *visit) objects(ctx context.Context, c collection) (objects, error) {
	got := objects{}
	wide := sources.Window{From: v.w.From.Add(-around), To: v.w.To.Add(around)}
	for _, filter := range []string{timeRange(wide), recurring, withDates} {
		if err := v.query(ctx, c, filter, got); err != nil {
			if !unable(err) {
				return nil, err
			}
			return got, v.everything(ctx, c, got)
		}
	}
	return got, nil
}

// everything fetches a whole calendar where the server cannot filter it.
func (v *visit) everything(ctx context.Context, c collection, got objects) error {
	err := v.query(ctx, c, everyEvent, got)
	if err == nil || !unable(err) {
		return err
	}
	all, at, err := v.props(ctx, c.url, "1", askTag)
	if err != nil {
		return err
	}
	var hrefs []string
	for i := range all {
		r := &all[i]
		to, err := resolve(at, r.href)
		if err != nil || samePlace(to, c.url) || r.status != 0 || r.found[dav("resourcetype")].child(dav("collection")) != nil {
			continue
		}
		if _, known := got[r.href]; !known {
			hrefs = append(hrefs, r.href)
		}
	}
	return v.multiget(ctx, c, hrefs, got)
}

// unable reports whether a failure may be of the question: the same may be asked
// otherwise.
func unable(err error) bool {
	if errors.Is(err, errPart) {
		return true
	}
	if _, ok := errors.AsType[*sources.Fault](err); !ok {
		return false
	}
	switch sources.KindOf(err) {
	case sources.Broken, sources.Malformed, sources.Forbidden:
		return true
	default:
		return false
	}
}

// query asks for the events that pass a filter.
func (v *visit) query(ctx context.Context, c collection, filter string, got objects) error {
	resp, err := v.ask(ctx, "REPORT", c.url, "1", query(filter))
	if err != nil {
		return err
	}
	without, err := v.take(resp, c, got)
	if err != nil {
		return err
	}
	return v.multiget(ctx, c, without, got)
}

// multiget asks for objects by name.
func (v *visit) multiget(ctx context.Context, c collection, hrefs []string, got objects) error {
	for some := range slices.Chunk(hrefs, perGet) {
		resp, err := v.ask(ctx, "REPORT", c.url, "1", multiget(some))
		if err != nil {
			return err
		}
		without, err := v.take(resp, c, got)
		switch {
		case err != nil:
			return err
		case len(without) > 0 && len(got) == 0:
			return malformed(resp.Host(), errors.New("the events came without their texts"))
		case len(without) > 0:
			v.warn(fmt.Sprintf("%d events came without their texts", len(without)))
		}
	}
	return nil
}

// take adds the objects of an answer. It returns the hrefs that came without
// their text.
func (v *visit) take(resp *outbound.Response, c collection, got objects) (without []string, err error) {
	all, err := multistatus(resp)
	if err != nil {
		return nil, err
	}
	refused := map[int]int{}
	for i := range all {
		r := &all[i]
		text := r.gives(cal("calendar-data"))
		status := r.status
		if status == 0 {
			status = r.failed[cal("calendar-data")]
		}
		switch {
		case r.status == http.StatusInsufficientStorage:
			return nil, &sources.Fault{
				Kind: sources.TooLarge, Err: fmt.Errorf("%s: %w", resp.Host(), errPart),
				Remedy: "let the server answer with more, or move old events to a calendar of their own",
			}
		case text != "":
			if err := v.keep(resp.Host(), r.href, text, got); err != nil {
				return nil, err
			}
		case r.status == http.StatusNotFound || r.status == http.StatusGone:
		case status != 0 && status != http.StatusNotFound:
			refused[status]++
		case !samePlace(r.href, c.url):
			without = append(without, r.href)
		}
	}
	for status, n := range refused {
		if len(got) == 0 && len(without) == 0 {
			return nil, inside(resp.Host(), status)
		}
		v.warn(fmt.Sprintf("%d events may not be read (status %d)", n, status))
	}
	return without, nil
}

// keep adds one object, within bounds.
func (v *visit) keep(host, href, text string, got objects) error {
	if _, known := got[href]; known {
		return nil
	}
	v.bytes += len(text)
	if v.bytes > calendar.MaxSize || len(got) >= maxObjects {
		return &sources.Fault{
			Kind: sources.TooLarge, Err: fmt.Errorf("%s: the calendars are larger than is read", host),
			Remedy: "move old events to a calendar that does not count",
		}
	}
	got[href] = text
	return nil
}
