package main

import "time"

// sizes are how much is measured.
type sizes struct {
	runs     int // of each row, at least 5 where the figures count
	users    int // enrolled, online, watched
	alone    int // enrolled, online, watched by nobody
	watchers int // of each watched user

	quiet     int           // users per series of row 6
	steady    int           // users per series of row 7, steady
	flapping  int           // users per group of row 7, flapping
	flapEvery time.Duration // between two flaps of one device
	flapFor   time.Duration
	rate      int // events per second of row 8
	loadFor   time.Duration
	parsed    int // stanzas of each kind per series of row 14

	many     int           // users of rows 1 and 2, each with watchers
	people   int           // clients of a real server, of each kind of contact
	contacts int           // of each of them
	rounds   int           // in which all of them change, per run of rows 1 and 2
	pacedFor time.Duration // of each load of row 9
	grown    [3]int        // users of row 5
	weighed  int           // users of row 12, and then twice as many; and of row 11
	storing  int           // users of rows 3 and 4
	hsets    int           // of redis-benchmark
	meeting  int           // users of row 19
	events   int           // of the calendar of row 20
}

// full is the site of the figures. 12 000 users at 5 000 events/s change every
// 2.4 s each, which is slower than the pace of S10 (one per 2 s): nothing is
// held back, so every event can be followed to its watchers.
func full() sizes {
	return sizes{
		runs: 5, users: 12_000, alone: 2000, watchers: 20,
		quiet: 1000, steady: 400, flapping: 20, flapEvery: 200 * time.Millisecond, flapFor: 20 * time.Second,
		rate: 5000, loadFor: 5 * time.Second, parsed: 20_000,
		many: 100_000, people: 200, contacts: 20, rounds: 10, pacedFor: 3 * time.Second, grown: [3]int{1000, 100_000, 1_000_000}, weighed: 50_000,
		storing: 50_000, hsets: 2_000_000, meeting: 50_000, events: 3060,
	}
}

// quick runs everything once or twice on a small site.
func quick() sizes {
	return sizes{
		runs: 2, users: 300, alone: 50, watchers: 4,
		quiet: 20, steady: 20, flapping: 2, flapEvery: 25 * time.Millisecond, flapFor: 4 * time.Second,
		rate: 100, loadFor: time.Second, parsed: 500,
		many: 1000, people: 20, contacts: 4, rounds: 1, pacedFor: time.Second, grown: [3]int{100, 1000, 3000}, weighed: 1000,
		storing: 2000, hsets: 100_000, meeting: 300, events: 100,
	}
}
