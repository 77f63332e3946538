package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"presenced/internal/presence"
)

// dueName is the file of addresses that are to be taken out, one key a line, until
// that is done.
const dueName = "erasing"

// Erase takes a person out of the trail, by the key of her address: entries about
// her presence and her access are removed, elsewhere Erased stands for her. It
// returns when that is certain to happen, also after a crash.
func (t *Trail) Erase(key string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := os.Stat(t.o.Dir); errors.Is(err, fs.ErrNotExist) && !t.told.Load() {
		return nil // nothing was ever written, nor will be
	}
	t.erasures = append(t.erasures, key)
	err := t.writeDue()
	t.wakeErasing()
	return err
}

// owes reports whether somebody is still to be taken out.
func (t *Trail) owes() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.erasures) > 0
}

func (t *Trail) wakeErasing() {
	select {
	case t.erasing <- struct{}{}:
	default: // a token is there
	}
}

// writeDue stores whom to take out. The caller holds mu.
func (t *Trail) writeDue() error {
	path := filepath.Join(t.o.Dir, dueName)
	if len(t.erasures) == 0 {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := private(t.o.Dir); err != nil {
		return written(err)
	}
	text, err := json.Marshal(t.erasures)
	if err != nil {
		return err
	}
	return replace(path, func(w *bufio.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// resume goes on with what a crash interrupted.
func (t *Trail) resume() {
	raw, err := os.ReadFile(filepath.Join(t.o.Dir, dueName))
	if err == nil {
		err = json.Unmarshal(raw, &t.erasures)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		t.o.Log.Error("somebody who was erased may still stand in the audit trail; erase her again", "error", err)
	default:
		t.wakeErasing()
	}
}

// replace puts another file in place of one, when it is whole and on the disk.
func replace(path string, fill func(*bufio.Writer) error) (err error) {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return written(err)
	}
	defer func() {
		if err != nil {
			err = written(errors.Join(err, f.Close(), os.Remove(f.Name())))
		}
	}()
	buffer := bufio.NewWriterSize(f, 64<<10)
	if err := errors.Join(fill(buffer), buffer.Flush(), f.Sync()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	_ = f.Close() // it is synced
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil // the file is in place; only a power cut could undo that
	}
	_ = dir.Sync()
	_ = dir.Close()
	return nil
}

// erase takes out whoever is to be. What fails is tried again a little later.
func (w *writer) erase() {
	w.t.mu.Lock()
	due := slices.Clone(w.t.erasures)
	w.t.mu.Unlock()
	var people []person
	for _, key := range due {
		if a, err := presence.AddrFromKey(key); err == nil {
			w.repeats.forget(a)
			people = append(people, personOf(a))
		}
	}
	found, err := list(w.t.o.Dir)
	for _, day := range found {
		if err != nil {
			break
		}
		err = w.eraseDay(day, people)
		w.drain() // it may have taken a while
	}
	if err == nil {
		w.t.mu.Lock()
		w.t.erasures = slices.Clone(w.t.erasures[len(due):])
		err = w.t.writeDue()
		w.t.mu.Unlock()
	}
	if err != nil {
		w.t.o.Log.Error("somebody who was erased still stands in the audit trail; it is tried again", "error", err)
	}
}

// person is whom to take out.
type person struct {
	name   string
	needle []byte // as her name stands in a line
}

func personOf(a presence.Addr) person {
	text, err := json.Marshal(name(a))
	if err != nil {
		panic(fmt.Sprintf("audit: a name cannot be rendered: %v", err)) // strings cannot fail
	}
	return person{name(a), appendPlain(nil, text)}
}

// eraseDay takes people out of one file, where they are in it.
func (w *writer) eraseDay(day string, people []person) error {
	path := w.files.path(day)
	named := false
	err := eachLine(path, func(line []byte) error {
		named = named || slices.ContainsFunc(people, func(p person) bool { return bytes.Contains(line, p.needle) })
		return nil
	})
	if err != nil || !named {
		return err
	}
	if w.files.f != nil && w.files.day == day {
		w.files.close()
	}
	return replace(path, func(out *bufio.Writer) error {
		return eachLine(path, func(line []byte) error {
			_, err := out.Write(without(line, people))
			return err
		})
	})
}

// without returns a line, with its end, without people; nothing where it is about
// one of them.
func without(line []byte, people []person) []byte {
	whole := append(slices.Clip(line), '\n')
	touched := slices.DeleteFunc(slices.Clone(people), func(p person) bool { return !bytes.Contains(line, p.needle) })
	if len(touched) == 0 {
		return whole
	}
	var e Entry
	if json.Unmarshal(line, &e) != nil {
		return nil // torn, and her name is in it
	}
	for _, p := range touched {
		if e.User == p.name {
			return nil
		}
		e.pseudonymise(p.name)
	}
	return appendLine(nil, &e)
}

// pseudonymise puts Erased in place of an address.
func (e *Entry) pseudonymise(name string) {
	for _, at := range []*string{&e.Who, &e.User, &e.As, &e.About} {
		if *at == name {
			*at = Erased
		}
	}
	e.Rules = slices.Clone(e.Rules)
	for i := range e.Rules {
		if e.Rules[i].Value == name {
			e.Rules[i].Value = Erased
		}
	}
}
