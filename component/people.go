package component

import (
	"context"
	"encoding/base64"
	"time"

	"presenced/internal/directory"
	"presenced/internal/presence"
)

// photoTime bounds the wait of an asker for a photo from the user's server; without
// an answer the card has none.
const photoTime = 5 * time.Second

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

// picture returns the photo that a view of the mirror asked grants: of the directory
// by its hash, else hers as her server has it now. Photos of users are not kept, they
// would take more memory than everything else; they are fetched for who asks, and a
// newer one than the view names is shown as well: what is granted is her photo.
func (l *link) picture(ctx context.Context, q *asked, v *presence.View) (directory.Picture, bool) {
	hash := v.Text[presence.FieldPhoto]
	if hash == "" {
		return directory.Picture{}, false
	}
	book := l.c.directory.Load()
	if p, ok := book.Picture(hash); ok {
		return p, true
	}
	if known := book.Profile(q.to.presentity); known != nil && known.PhotoSource == presence.DirectoryPhoto {
		return directory.Picture{}, false // its file has changed: the operator's word holds
	}
	ctx, cancel := context.WithTimeout(ctx, photoTime)
	defer cancel()
	return l.readCard(ctx, presence.JID{Addr: q.to.presentity, Bare: q.to.presentity.String()})
}

// appendPhoto appends a photo as vCards hold it (XEP-0054).
func appendPhoto(dst []byte, p directory.Picture) []byte {
	dst = append(dst, "<PHOTO><TYPE>"...)
	dst = append(dst, p.Type...)
	dst = append(dst, "</TYPE><BINVAL>"...)
	dst = base64.StdEncoding.AppendEncode(dst, p.Data)
	return append(dst, "</BINVAL></PHOTO>"...)
}
