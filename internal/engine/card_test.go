package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
)

// vcardOf is a profile as a vCard gives it.
func vcardOf(name, mobile, photo string) *presence.Profile {
	p := &presence.Profile{}
	p.Text[presence.FieldName], p.Text[presence.FieldMobilePhone] = name, mobile
	if photo != "" {
		p.Text[presence.FieldPhoto], p.PhotoSource = photo, presence.UserPhoto
	}
	return p
}

func (w *world) card(found *presence.Profile) {
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	w.out.cards = map[string]*presence.Profile{alice: found}
}

// TestCard_IsReadSoonAndThenDaily: at enrolment, and a day later, not with every
// login.
func TestCard_IsReadSoonAndThenDaily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.card(vcardOf("Alice", "12", ""))
		w.attach()
		w.apply(alice, Enable{})
		w.out.take()
		time.Sleep(cardLogin)
		w.expect("card " + alice)
		if v := w.view(boss); v.Text[presence.FieldName] != "" {
			t.Errorf("shown although she is offline: %+v", v.Text)
		}
		w.device(alice+"/desk", Device{})
		w.device(alice+"/desk", Device{Gone: true})
		w.device(alice+"/desk", Device{})
		time.Sleep(cardLife - 2*cardLogin)
		w.expect()
		w.card(vcardOf("Alice Bell", "", ""))
		time.Sleep(cardSpread + cardLogin)
		w.expect("card " + alice)
		if v := w.view(bob); v.Text[presence.FieldName] != "Alice Bell" {
			t.Errorf("after a day bob sees %+v", v.Text)
		}
	})
}

// TestCard_AttachReadsWhatIsOld: an attach does not ask for what was read today, and
// a login does ask for what is older.
func TestCard_AttachReadsWhatIsOld(t *testing.T) {
	live(t, func(w *world) {
		w.card(vcardOf("Alice", "", ""))
		time.Sleep(cardLogin)
		w.expect("card " + alice)
		w.Detached(time.Now())
		w.attach()
		time.Sleep(cardSpread)
		w.expect()
		w.Detached(time.Now())
		time.Sleep(2 * cardLife) // due meanwhile: nobody can be asked
		w.expect()
		w.attach()
		time.Sleep(cardSpread)
		w.expect("card " + alice)
	})
}

// TestCard_DirectoryGoesFirstFieldByField, and what she said herself before both.
func TestCard_DirectoryGoesFirstFieldByField(t *testing.T) {
	live(t, func(w *world) {
		base := &presence.Profile{PhotoSource: presence.DirectoryPhoto}
		base.Text[presence.FieldName], base.Text[presence.FieldPhoto] = "Adams, Alice", "beef"
		rules := testRules(t)
		rules.Directory = func(presence.Addr) *presence.Profile { return base }
		w.Reload(rules)
		w.device(alice+"/desk", Device{})
		hers := vcardOf("ali", "12", "cafe")
		hers.Text[presence.FieldLocation] = "Berlin"
		w.CardRead(presence.MustAddr(alice), hers, nil)
		synctest.Wait()
		v := w.view(alice)
		if v.Text[presence.FieldName] != "Adams, Alice" || v.Text[presence.FieldPhoto] != "beef" || v.Text[presence.FieldMobilePhone] != "12" || v.Text[presence.FieldLocation] != "Berlin" {
			t.Errorf("with a directory: %+v", v.Text)
		}
		w.apply(alice, SetProfile{Profile{Location: "Home"}})
		w.Reload(testRules(t))
		synctest.Wait()
		v = w.view(alice)
		if v.Text[presence.FieldName] != "ali" || v.Text[presence.FieldPhoto] != "cafe" || v.Text[presence.FieldLocation] != "Home" {
			t.Errorf("without one: %+v", v.Text)
		}
		w.CardRead(presence.MustAddr(alice), nil, errors.New("no answer"))
		synctest.Wait()
		if got := w.view(alice).Text[presence.FieldName]; got != "ali" {
			t.Errorf("no answer made her name %q", got)
		}
		w.CardRead(presence.MustAddr(alice), nil, nil)
		synctest.Wait()
		if got := w.view(alice).Text[presence.FieldName]; got != "" {
			t.Errorf("a vCard that is gone is shown: %q", got)
		}
	})
}

// TestCard_DisablingForgetsIt, and what comes late is not kept.
func TestCard_DisablingForgetsIt(t *testing.T) {
	live(t, func(w *world) {
		who := presence.MustAddr(alice)
		w.CardRead(who, vcardOf("Alice", "", ""), nil)
		w.apply(alice, Disable{})
		w.CardRead(who, vcardOf("Alice", "", ""), nil)
		w.CardRead(presence.MustAddr("nobody@example.org"), vcardOf("Nobody", "", ""), nil)
		w.apply(alice, Enable{})
		w.device(alice+"/desk", Device{})
		synctest.Wait()
		if got := w.view(alice).Text[presence.FieldName]; got != "" {
			t.Errorf("still known as %q", got)
		}
	})
}

// TestCard_IsReadLaterWhereTooManyWait: who logs in with everybody else is not left
// without for a day.
func TestCard_IsReadLaterWhereTooManyWait(t *testing.T) {
	live(t, func(w *world) {
		w.card(vcardOf("Alice", "", ""))
		time.Sleep(cardLogin)
		w.expect("card " + alice)
		w.Detached(time.Now())
		time.Sleep(2 * cardLife)
		w.crowd(true)
		w.attach()
		time.Sleep(cardSpread)
		w.expect()
		w.crowd(false)
		time.Sleep(cardSpread + cardLogin)
		w.expect("card " + alice)
	})
}

// crowd says whether nobody else's card can be asked for.
func (w *world) crowd(on bool) {
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	w.out.crowded = on
}
