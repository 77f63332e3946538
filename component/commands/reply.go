package commands

import (
	"presenced/component/stream"
	"presenced/internal/text"
)

// The values of a command's status.
const (
	statusExecuting = "executing"
	statusCompleted = "completed"
	statusCanceled  = "canceled"
)

// severity is the type of a note (XEP-0050 §4.3).
type severity uint8

const (
	info severity = iota
	warn
	bad
)

var severities = [...]string{"info", "warn", "error"}

// note is the sentence an execution ends in, or why a form came back.
type note struct {
	severity severity
	text     string
}

// reply is a command element as it is sent.
type reply struct {
	node, session, status, lang string
	actions                     []string // the first is the default
	form                        *form
	note                        note
}

func (p *reply) append(dst []byte) []byte {
	dst = append(dst, "<command xmlns='"+NSCommands+"'"...)
	dst = attribute(dst, "xml:lang", p.lang)
	dst = attribute(dst, "node", p.node)
	dst = attribute(dst, "sessionid", p.session)
	dst = attribute(dst, "status", p.status)
	dst = append(dst, '>')
	if len(p.actions) > 0 {
		dst = attribute(append(dst, "<actions"...), "execute", p.actions[0])
		dst = append(dst, '>')
		for _, a := range [...]string{actionPrev, actionNext, actionComplete} {
			for _, offered := range p.actions {
				if a == offered {
					dst = append(append(append(dst, '<'), a...), "/>"...)
				}
			}
		}
		dst = append(dst, "</actions>"...)
	}
	if p.note.text != "" {
		dst = append(dst, "<note type='"+severities[p.note.severity]+"'>"...)
		dst = stream.AppendText(dst, p.note.text)
		dst = append(dst, "</note>"...)
	}
	if p.form != nil {
		dst = p.form.append(dst)
	}
	return append(dst, "</command>"...)
}

// Errors of XEP-0050 §4.4 and §7.
func (r *run) refuse(command string) *StanzaError {
	e := &StanzaError{Type: "modify", Condition: "bad-request", Command: command, Lang: r.lang}
	if r.cmd != nil && len(r.resumed) <= maxSession {
		e.Node, e.Session = r.cmd.node, r.resumed
	}
	switch command {
	case "session-expired":
		e.Type, e.Condition, e.Text = "cancel", "not-allowed", r.t("error.session")
	case "bad-sessionid":
		e.Text = r.t("error.session")
	case "bad-payload":
		e.Text = r.t("error.payload")
	default:
		e.Text = r.t("error.action")
	}
	return e
}

// outside is what everybody gets who is no user of a served host, whatever was
// asked: nothing can be learned from it.
func outside() *StanzaError { return &StanzaError{Type: "auth", Condition: "forbidden"} }

// t returns a phrase in the language of the execution.
func (r *run) t(key text.Key, args ...any) string { return text.T(r.lang, key, args...) }
