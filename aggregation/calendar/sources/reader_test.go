package sources

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestReader_AFewAtATime: large texts that come together are read one after the other.
func TestReader_AFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Reader
		var ends []func()
		for range maxReaders {
			ends = append(ends, r.begin())
		}
		done := false
		go func() {
			w := Window{From: time.Now(), To: time.Now().Add(time.Hour)}
			if _, err := r.Read("x", []byte("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"), w, &Mailbox{}); err != nil {
				t.Error(err)
			}
			done = true
		}()
		synctest.Wait()
		if done {
			t.Error("one more is read at the same time")
		}
		ends[0]()
		synctest.Wait()
		if !done {
			t.Error("it is not read in its turn")
		}
	})
}
