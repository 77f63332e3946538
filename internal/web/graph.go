package web

import (
	"net/http"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/token"
)

// graphPresence is a presence in the shape of Microsoft Graph v1.0, for programs
// that were written for that. It says what the view does, in fewer words.
type graphPresence struct {
	ID            string       `json:"id"` // as asked
	Availability  string       `json:"availability"`
	Activity      string       `json:"activity"`
	StatusMessage *graphStatus `json:"statusMessage"` // null: none, or not granted
}

type graphStatus struct {
	Message struct {
		Content     string `json:"content"`
		ContentType string `json:"contentType"`
	} `json:"message"`
}

func graphOf(id string, v *presence.View) graphPresence {
	words := graphWords(v.Availability.Class())
	p := graphPresence{ID: id, Availability: words.availability, Activity: words.activity}
	if a := graphActivity(v.Activity); a != "" {
		p.Activity = a
	}
	if note := v.Text[presence.FieldNotePersonal]; note != "" {
		p.StatusMessage = new(graphStatus)
		p.StatusMessage.Message.Content, p.StatusMessage.Message.ContentType = note, "text"
	}
	return p
}

// graphPair is what Graph calls a class, and what somebody does of whom no more
// is known.
type graphPair struct{ availability, activity string }

func graphWords(c presence.Class) graphPair {
	switch c {
	case presence.ClassAvailable:
		return graphPair{"Available", "Available"}
	case presence.ClassAvailableIdle:
		return graphPair{"AvailableIdle", "Inactive"}
	case presence.ClassBusy:
		return graphPair{"Busy", "Busy"}
	case presence.ClassBusyIdle:
		return graphPair{"BusyIdle", "Inactive"}
	case presence.ClassDoNotDisturb:
		return graphPair{"DoNotDisturb", "DoNotDisturb"}
	case presence.ClassBeRightBack:
		return graphPair{"BeRightBack", "BeRightBack"}
	case presence.ClassAway:
		return graphPair{"Away", "Away"}
	}
	return graphPair{"Offline", "Offline"}
}

// graphActivity is Graph's word for a token; empty: it has none.
func graphActivity(a presence.Activity) string {
	switch a {
	case presence.OnThePhone:
		return "InACall"
	case presence.InAConf:
		return "InAConferenceCall"
	case presence.InAMeeting:
		return "InAMeeting"
	case presence.Presenting:
		return "Presenting"
	case presence.UrgentOnlyA:
		return "UrgentInterruptionsOnly"
	case presence.OutOfOfficeA:
		return "OutOfOffice"
	case presence.OffWork:
		return "OffWork"
	}
	return ""
}

// getGraph answers with one user in Graph's shape.
func (s *Server) getGraph(w http.ResponseWriter, r *http.Request, h *token.Holder) {
	name := r.PathValue("name")
	if !named(w, "id", name) || !s.take(w, h, 1) {
		return
	}
	s.reply(w, r, h, render(graphOf(name, s.look(r, h, engine.WayGraph, name))))
}

// postGraph answers with many in Graph's shape.
func (s *Server) postGraph(w http.ResponseWriter, r *http.Request, h *token.Holder) {
	var want struct {
		IDs []string `json:"ids"`
	}
	if !s.read(w, r, &want) {
		return
	}
	views, ok := s.lookAll(w, r, h, engine.WayGraph, "ids", want.IDs)
	if !ok {
		return
	}
	out := struct {
		Value []graphPresence `json:"value"`
	}{make([]graphPresence, len(views))}
	for i := range views {
		out.Value[i] = graphOf(want.IDs[i], &views[i])
	}
	s.reply(w, r, h, render(out))
}
