package answer

import (
	"time"

	"presenced/internal/presence"
	"presenced/internal/text"
)

// Presence is one user's presence as somebody may see it; what is absent was
// not granted or is not known. The same shape serves query --json and HTTP.
type Presence struct {
	User         string            `json:"user"`
	Availability int               `json:"availability"`
	Show         string            `json:"show,omitempty"`
	Activity     string            `json:"activity,omitempty"`
	Status       string            `json:"status,omitempty"`
	Until        string            `json:"until,omitempty"` // RFC 3339 in UTC
	Interrupt    bool              `json:"interrupt"`
	Fields       map[string]string `json:"fields"`
}

// Of gives a view its shape. It adds nothing that the view does not hold.
func Of(user, lang string, v *presence.View) Presence {
	p := Presence{
		User: user, Availability: int(v.Availability), Show: v.Show().String(), Activity: string(v.Activity),
		Status: text.Status(lang, v), Until: stamp(v.Until), Interrupt: v.Interrupt, Fields: map[string]string{},
	}
	for f := range presence.NumFields {
		if v.Text[f] != "" {
			p.Fields[f.String()] = v.Text[f]
		}
	}
	if !v.LastActive.IsZero() {
		p.Fields[presence.FieldLastActive.String()] = stamp(v.LastActive)
	}
	return p
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
