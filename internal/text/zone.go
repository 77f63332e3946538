package text

import (
	"sync"
	"time"
)

// zones remembers the zones that were found; the time zone database bounds it.
var zones sync.Map // name to *time.Location

// Zone returns the zone of that name, nil when there is none. "Local" and the empty name are refused: the one
// would tell where the daemon runs, the other is no name.
func Zone(name string) *time.Location {
	if found, ok := zones.Load(name); ok {
		return found.(*time.Location)
	}
	if name == "Local" || name == "" {
		return nil
	}
	found, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	zones.Store(name, found)
	return found
}
