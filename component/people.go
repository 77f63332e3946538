package component

import (
	"encoding/base64"

	"presenced/internal/directory"
	"presenced/internal/presence"
)

// SetDirectory gives the Component the operator's directory, nil for none. It may
// be called again at any time, as a reload does.
func (c *Component) SetDirectory(b *directory.Book) { c.directory.Store(b) }

// byEmail returns whom an e-mail address means: nobody where the directory has no
// such address, who looks like somebody offline.
func (c *Component) byEmail(email string) presence.Addr {
	if a, ok := c.directory.Load().ByEmail(email); ok {
		return a
	}
	return nobody
}

// picture returns the photo that a view grants by its hash. A view without one, or
// with one that is no longer there, has none.
func (c *Component) picture(v *presence.View) (directory.Picture, bool) {
	hash := v.Text[presence.FieldPhoto]
	if hash == "" {
		return directory.Picture{}, false
	}
	return c.directory.Load().Picture(hash)
}

// appendPhoto appends a photo as vCards hold it (XEP-0054).
func appendPhoto(dst []byte, p directory.Picture) []byte {
	dst = append(dst, "<PHOTO><TYPE>"...)
	dst = append(dst, p.Type...)
	dst = append(dst, "</TYPE><BINVAL>"...)
	dst = base64.StdEncoding.AppendEncode(dst, p.Data)
	return append(dst, "</BINVAL></PHOTO>"...)
}
