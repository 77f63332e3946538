package stream

// Kind is the sort of a top-level element.
type Kind uint8

// The kinds. The three stanzas are recognised in NSAccept, NSClient and
// NSServer only; everything else, stream errors included, is KindOther.
const (
	KindOther Kind = iota
	KindPresence
	KindMessage
	KindIQ
)

// String returns the element's name, or "other".
func (k Kind) String() string {
	switch k {
	case KindPresence:
		return "presence"
	case KindMessage:
		return "message"
	case KindIQ:
		return "iq"
	}
	return "other"
}

// Name is an expanded XML name.
type Name struct {
	Space, Local []byte
}

// Is reports whether the name is local in the namespace space.
func (n Name) Is(space, local string) bool {
	return string(n.Local) == local && string(n.Space) == space
}

// Caps is the element of XEP-0115.
type Caps struct {
	Node, Ver, Hash []byte
}

// Stanza is what Scan reads from one frame. It is meant to be reused.
//
// The slices are decoded text. They point into the frame or into memory that
// the Stanza owns, may only be read, and are valid until the frame or the
// Stanza is used again. A nil slice means absent, an empty one present and
// empty. Of elements that may come once only the first counts.
type Stanza struct {
	Kind Kind
	// Name is the name of the root element.
	Name Name
	// From, To, ID, Type and Lang are the root's attributes; Lang is xml:lang.
	From, To, ID, Type, Lang []byte

	// Child is the name of the root's first child element.
	Child Name
	// Children counts the root's child elements.
	Children int

	// Own tells that the root or any descendant, or an attribute of one, is in
	// NSOwn: the stanza carries something this component once wrote.
	Own bool

	// The rest is filled for presences only, from direct children.

	// Show, Status and Priority are texts, not judged.
	Show, Status, Priority []byte
	// IdleSince is the since attribute of XEP-0319.
	IdleSince []byte
	// LastSeconds is the seconds attribute of XEP-0256.
	LastSeconds []byte
	// DelayStamp is the stamp attribute of XEP-0203.
	DelayStamp []byte
	// Caps are the attributes of XEP-0115.
	Caps Caps

	inner   []byte
	scratch []byte
	// stack is the fast path's, kept here so that it is not cleared each time.
	stack [maxFastDepth]openElement
	attrs [maxFastAttrs]attr
}

// Inner returns the bytes between the root's start and end tags, as they came.
func (s *Stanza) Inner() []byte { return s.inner }

// reset empties the fields and keeps the memory.
func (s *Stanza) reset() {
	s.Kind, s.Name = KindOther, Name{}
	s.From, s.To, s.ID, s.Type, s.Lang = nil, nil, nil, nil, nil
	s.Child, s.Children, s.Own = Name{}, 0, false
	s.Show, s.Status, s.Priority = nil, nil, nil
	s.IdleSince, s.LastSeconds, s.DelayStamp = nil, nil, nil
	s.Caps = Caps{}
	s.inner = nil
	s.scratch = s.scratch[:0]
}

// SyntaxError says that a frame is not well-formed XML of the kind XMPP
// allows. It concerns that frame alone.
type SyntaxError struct {
	// Cause is what the XML decoder or this package found.
	Cause error
}

// Error returns the cause in context. It may quote names from the frame.
func (e *SyntaxError) Error() string { return "stream: malformed stanza: " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *SyntaxError) Unwrap() error { return e.Cause }

// Scan reads one frame, a single element as Framer.Next returns it, into s.
// What is plain is read in one pass without allocation; anything unusual
// (prefixes, CDATA, comments, carriage returns, deep nesting, and every
// malformation) goes through encoding/xml with the same result. An error is
// always a *SyntaxError; s is empty then.
//
// Beyond encoding/xml, Scan refuses repeated attributes, directives, and
// anything but one element. Like encoding/xml it does not refuse undeclared
// prefixes; such a name is in no namespace that this package names.
func Scan(frame []byte, s *Stanza) error {
	s.reset()
	if scanFast(frame, s) {
		return nil
	}
	s.reset()
	if err := scanSlow(frame, s); err != nil {
		s.reset()
		return &SyntaxError{Cause: err}
	}
	return nil
}

// namespace numbers the namespaces that Scan tells apart.
type namespace uint8

const (
	otherSpace namespace = iota
	acceptSpace
	clientSpace
	serverSpace
	idleSpace
	lastSpace
	delaySpace
	capsSpace
	ownSpace
)

func namespaceOf[S string | []byte](uri S) namespace {
	switch string(uri) {
	case NSAccept:
		return acceptSpace
	case NSClient:
		return clientSpace
	case NSServer:
		return serverSpace
	case nsIdle:
		return idleSpace
	case nsLast:
		return lastSpace
	case nsTime:
		return delaySpace
	case nsCaps:
		return capsSpace
	case NSOwn:
		return ownSpace
	}
	return otherSpace
}

// kindOf judges the root element.
func kindOf[S string | []byte](ns namespace, local S) Kind {
	if ns != acceptSpace && ns != clientSpace && ns != serverSpace {
		return KindOther
	}
	switch string(local) {
	case "presence":
		return KindPresence
	case "message":
		return KindMessage
	case "iq":
		return KindIQ
	}
	return KindOther
}

// rootField returns the field for an attribute of the root, or nil.
func (s *Stanza) rootField(local []byte) *[]byte {
	switch string(local) {
	case "from":
		return &s.From
	case "to":
		return &s.To
	case "id":
		return &s.ID
	case "type":
		return &s.Type
	}
	return nil
}

// textField returns the field for the text of a child of a presence, or nil.
func (s *Stanza) textField(local []byte) *[]byte {
	switch string(local) {
	case "show":
		return &s.Show
	case "status":
		return &s.Status
	case "priority":
		return &s.Priority
	}
	return nil
}

// childField returns the field for an attribute of a child of a presence, or
// nil. The first element of each kind counts, so a caller asks wants first.
func (s *Stanza) childField(ns namespace, local []byte) *[]byte {
	switch {
	case ns == idleSpace && string(local) == "since":
		return &s.IdleSince
	case ns == lastSpace && string(local) == "seconds":
		return &s.LastSeconds
	case ns == delaySpace && string(local) == "stamp":
		return &s.DelayStamp
	case ns == capsSpace && string(local) == "node":
		return &s.Caps.Node
	case ns == capsSpace && string(local) == "ver":
		return &s.Caps.Ver
	case ns == capsSpace && string(local) == "hash":
		return &s.Caps.Hash
	}
	return nil
}

// wants reports whether a child of a presence is an element whose attributes
// count and are not there yet. A later element of the same kind counts only
// if no earlier one had any of them.
func (s *Stanza) wants(ns namespace, local []byte) bool {
	switch ns {
	case idleSpace:
		return string(local) == "idle" && s.IdleSince == nil
	case lastSpace:
		return string(local) == "query" && s.LastSeconds == nil
	case delaySpace:
		return string(local) == "delay" && s.DelayStamp == nil
	case capsSpace:
		return string(local) == "c" && s.Caps.Node == nil && s.Caps.Ver == nil && s.Caps.Hash == nil
	}
	return false
}
