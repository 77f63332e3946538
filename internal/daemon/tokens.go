package daemon

import (
	"context"

	"presenced/config"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/token"
)

// What one token may ask for: a page that shows a whole company once, and then
// as fast as people can look.
const (
	tokenRate  = 2000 // presences a second
	tokenBurst = 6500 // ten full lists
)

// openTokens makes the keep of tokens, which the vault fills.
func (d *Daemon) openTokens(c *config.Config) error {
	domain, err := presence.ParseAddr(c.Component.Domain)
	if err != nil {
		return setup("write a domain such as presence.example.org", "component.domain: %w", err)
	}
	d.tokens = token.New(token.Options{Store: d.store, Domain: domain, Log: d.log, Rate: tokenRate, Burst: tokenBurst})
	return nil
}

// vault is the store as the engine sees it: what is kept beside the users'
// settings goes to whom it belongs, and hears when a user is erased.
type vault struct {
	engine.Store
	tokens *token.Keep
	erased func(user string)
}

// Load hands the tokens to their keep and everything else to each.
func (v vault) Load(ctx context.Context, each func(engine.Saved) error) error {
	return v.Store.Load(ctx, func(s engine.Saved) error {
		if s.User == token.User {
			return v.tokens.Load(s.Docs)
		}
		return each(s)
	})
}

// Save ends the tokens of a user who is erased, once that is durable.
func (v vault) Save(w engine.Write, done func(error)) {
	if !w.Erase {
		v.Store.Save(w, done)
		return
	}
	user, gone := w.User, w.Docs[engine.DocEnrol] == nil // an import puts other settings in place
	v.Store.Save(w, func(err error) {
		if err == nil {
			v.tokens.Forget(user)
			if gone {
				v.erased(user)
			}
		}
		done(err)
	})
}

// export is everything that is kept, as the store would hold it: what a Redis
// that lost it is filled with.
func (d *Daemon) export(ctx context.Context, each func(engine.Saved) error) error {
	if docs := d.tokens.Export(); len(docs) > 0 {
		if err := each(engine.Saved{User: token.User, Docs: docs}); err != nil {
			return err
		}
	}
	return d.engine.Export(ctx, each)
}
