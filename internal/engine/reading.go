package engine

import (
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// UserSummary is one line of a list of users, for the operator.
type UserSummary struct {
	User    string `json:"user"`
	Enabled bool   `json:"enabled"`
	Online  bool   `json:"online"`
	Devices int    `json:"devices"`
	Learned string `json:"learned"` // how presence is learned: privilege, consent, asked, none
	Loaded  bool   `json:"loaded"`
}

// Inspection is everything a user, or the operator, may see of her settings.
type Inspection struct {
	UserSummary
	Availability presence.Availability `json:"availability"`
	Activity     presence.Activity     `json:"activity,omitempty"`
	Manual       *presence.Manual      `json:"manual,omitempty"`
	Note         string                `json:"note,omitempty"`
	OutOfOffice  *presence.OutOfOffice `json:"out_of_office,omitempty"`
	Profile      Profile               `json:"profile,omitzero"`
	Timezone     string                `json:"timezone,omitempty"` // in force: hers or the operator's; empty: UTC
	PrivacyMode  bool                  `json:"privacy_mode"`
	Rules        []privacy.Rule        `json:"rules"`
	Requests     []Watcher             `json:"requests"`
	Watchers     []Watcher             `json:"watchers"`
	RosterAge    time.Duration         `json:"roster_age_ns,omitempty"` // zero: not read
	Policy       *privacy.HeldPolicy   `json:"policy,omitempty"`        // nil: the global one
	ServerBlocks bool                  `json:"server_blocks,omitempty"` // her server blocks for her where she wants (S8.7)
	Timed        []TimedRule           `json:"timed,omitempty"`         // rules for a while
	Plans        []presence.Manual     `json:"plans,omitempty"`         // states set for later
	Priority     []string              `json:"priority,omitempty"`      // who may interrupt her
	Cells        []privacy.OwnCell     `json:"cells,omitempty"`         // what she changed of S3's table
	States       []State               `json:"-"`                       // the operator's, to choose from
	Claims       []ClaimLine           `json:"claims,omitempty"`
	Apps         []string              `json:"apps,omitempty"` // that she lets claim for her
	// Calendars are those she added, SiteCalendars those of the operator's sources
	// that were read for her, which she may refuse.
	Calendars        []CalendarSummary `json:"calendars,omitempty"`
	SiteCalendars    []CalendarSummary `json:"site_calendars,omitempty"`
	CalendarsRefused bool              `json:"calendars_refused,omitempty"`
	Publishing       PublishingTold    `json:"publishing"` // of what she does, to her native contacts
}

// CalendarSummary is one calendar of a user, without where it is.
type CalendarSummary struct {
	ID     string    `json:"id,omitempty"`   // of one she added
	Name   string    `json:"name"`           // hers, or the source's
	Kind   string    `json:"kind,omitempty"` // of one she added
	ReadAt time.Time `json:"read_at,omitzero"`
}

// Watcher is one subscription, or request for one, to a user's mirror.
type Watcher struct {
	JID       string               `json:"jid"`
	Standing  roster.Standing      `json:"-"`
	Container presence.ContainerID `json:"container"`
	Reason    string               `json:"reason"`
	Since     time.Time            `json:"since,omitzero"`
}
