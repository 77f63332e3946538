package presence

import "time"

// ContainerID is the id of an audience (S1).
type ContainerID uint16

// The containers of S1.
const (
	DefaultContainer ContainerID = 0
	Self             ContainerID = 1
	External         ContainerID = 100
	Colleagues       ContainerID = 200
	Workgroup        ContainerID = 300
	Friends          ContainerID = 400
	Blocked          ContainerID = 32000
)

// Field names one projected datum beyond number and token.
type Field uint8

// The fields, in the order they are listed to people.
const (
	FieldName Field = iota
	FieldEmail
	FieldTitle
	FieldCompany
	FieldPhoto
	FieldOffice
	FieldWorkPhone
	FieldMobilePhone
	FieldHomePhone
	FieldOtherPhone
	FieldLocation
	FieldTimezone
	FieldWorkingHours
	FieldFreeBusy
	FieldDevice
	FieldNotePersonal
	FieldNoteOOF
	FieldMeetingSubject
	FieldMeetingLocation
	FieldLastActive
	NumFields
)

var fieldNames = [NumFields]string{
	"name", "email", "title", "company", "photo", "office", "workPhone", "mobilePhone",
	"homePhone", "otherPhone", "location", "timezone", "workingHours", "freeBusy", "device",
	"notePersonal", "noteOOF", "meetingSubject", "meetingLocation", "lastActive",
}

// String returns the field's name on the wire and in scenario files.
func (f Field) String() string {
	if f >= NumFields {
		return ""
	}
	return fieldNames[f]
}

// ParseField returns the field with that name.
func ParseField(s string) (Field, bool) {
	for i, n := range fieldNames {
		if n == s {
			return Field(i), true
		}
	}
	return 0, false
}

// PhotoSource tells where a photo comes from (S9).
type PhotoSource uint8

// The values of PhotoSource.
const (
	NoPhoto PhotoSource = iota
	DirectoryPhoto
	UserPhoto
)

// Profile is what is known of a person apart from her state: plain strings by
// field, from FieldName to FieldFreeBusy. The photo field holds its hash.
type Profile struct {
	Text        [FieldDevice]string
	PhotoSource PhotoSource
}

// View is one projection: what a container lets through of a State (S3). Only
// what is set was granted; whatever is derived from it (show, status text,
// bytes) may use nothing else.
type View struct {
	Container    ContainerID
	Availability Availability
	Activity     Activity  // empty: none or not granted
	Wording      *Wording  // of an activity the operator declared; nil: none
	Until        time.Time // zero: none or not granted
	LastActive   time.Time // quantised as policy says; zero: none or not granted
	Interrupt    bool      // this container's right, now (S7)
	Zone         bool      // the presentity's time zone may be used for texts (S3)
	ByEmail      bool      // her e-mail address is no secret to him: an answer to it may tell the rest
	// Text holds the granted texts by field; empty: none or not granted.
	Text [NumFields]string
}

// Show is what a plain client displays for the view (S4.2).
func (v *View) Show() Show { return ShowOf(v.Availability, v.Activity) }

// Asked is the view as it is told somebody who named her by an e-mail address: nothing,
// where that would tell him that the address is hers.
func (v *View) Asked(byEmail bool) *View {
	if !byEmail || v.ByEmail {
		return v
	}
	nothing := OfflineView(DefaultContainer)
	return &nothing
}

// OfflineView is what an offline, unknown or hidden presentity yields (I2).
func OfflineView(c ContainerID) View { return View{Container: c, Availability: Offline} }
