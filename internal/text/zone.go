package text

import (
	"sync"
	"time"
)

// zones remembers the zones that were found; the time zone database bounds it.
var zones sync.Map // name to *time.Location

// zone returns the zone of that name, nil when there is none. "Local" is refused:
// it would tell where the daemon runs.
func zone(name string) *time.Location {
	if found, ok := zones.Load(name); ok {
		return found.(*time.Location)
	}
	if name == "Local" {
		return nil
	}
	found, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	zones.Store(name, found)
	return found
}
