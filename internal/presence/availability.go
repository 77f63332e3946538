package presence

// Availability is a number on the scale of SEMANTICS: 3000..18999, where a
// smaller number is more available; 0 is unset and 1..2999 are rejected (S4.1).
type Availability uint16

// The points published for each class, and the two special busy points.
const (
	Unset           Availability = 0
	Available       Availability = 3500
	AvailableIdle   Availability = 5000
	Busy            Availability = 6500
	UrgentOnly      Availability = 6900
	InConference    Availability = 7000
	BusyIdle        Availability = 7500
	DoNotDisturb    Availability = 9500
	BeRightBack     Availability = 12500
	Away            Availability = 15500
	Offline         Availability = 18500
	MinAvailability Availability = 3000
	MaxAvailability Availability = 18999
	OfflineFrom     Availability = 18000 // from here on somebody is offline
	IdleFrom        Availability = 5000  // from here on last activity may be told (S9)
	AwayTokensFrom  Availability = 12000 // from here on S5.5 may add a token
	MaxClaim        Availability = 17999 // claims never make anybody offline (S5.2)
)

// Class is one band of the availability scale.
type Class uint8

// The classes, most available first.
const (
	ClassUnset Class = iota
	ClassAvailable
	ClassAvailableIdle
	ClassBusy
	ClassBusyIdle
	ClassDoNotDisturb
	ClassBeRightBack
	ClassAway
	ClassOffline
)

// bands holds the first number and the published point of each class.
var bands = [...]struct{ from, point Availability }{
	ClassUnset:         {0, 0},
	ClassAvailable:     {3000, Available},
	ClassAvailableIdle: {4500, AvailableIdle},
	ClassBusy:          {6000, Busy},
	ClassBusyIdle:      {7500, BusyIdle},
	ClassDoNotDisturb:  {9000, DoNotDisturb},
	ClassBeRightBack:   {12000, BeRightBack},
	ClassAway:          {15000, Away},
	ClassOffline:       {18000, Offline},
}

var classNames = [...]string{
	"unset", "available", "available-idle", "busy", "busy-idle",
	"do-not-disturb", "be-right-back", "away", "offline",
}

// Valid reports whether a may be published: 3000..18999 (S4.1).
func (a Availability) Valid() bool { return a >= MinAvailability && a <= MaxAvailability }

// Class returns the band a lies in; ClassUnset below 3000.
func (a Availability) Class() Class {
	for c := ClassOffline; c > ClassUnset; c-- {
		if a >= bands[c].from {
			return c
		}
	}
	return ClassUnset
}

// Point returns the number published for the class, all that External sees (S3).
func (c Class) Point() Availability {
	if int(c) >= len(bands) {
		return Unset
	}
	return bands[c].point
}

// String returns the class name as SEMANTICS writes it.
func (c Class) String() string {
	if int(c) >= len(classNames) {
		return "unknown"
	}
	return classNames[c]
}

// ClassNamed returns the class with that name ("do-not-disturb"), or ClassUnset.
func ClassNamed(name string) Class {
	for c, n := range classNames {
		if n == name {
			return Class(c)
		}
	}
	return ClassUnset
}
