package intern

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
)

func TestMake_OnePointerForEqualStrings(t *testing.T) {
	var wait sync.WaitGroup
	got := make([][]String, 8)
	for g := range got {
		wait.Go(func() {
			for i := range 5000 {
				got[g] = append(got[g], Make(fmt.Sprint("user", i)))
			}
		})
	}
	wait.Wait()
	for g := range got {
		for i, p := range got[g] {
			if p != got[0][i] || *p != fmt.Sprint("user", i) {
				t.Fatalf("goroutine %d has %q at %p for user%d, the first at %p", g, *p, p, i, got[0][i])
			}
		}
	}
	if Make("user1") == Make("user2") {
		t.Error("different strings are one")
	}
}

// TestMake_GivesBack: a roster that changes all the time leaves nothing behind.
func TestMake_GivesBack(t *testing.T) {
	kept := Make("somebody who stays")
	for i := range 400_000 {
		Make(fmt.Sprint("stranger", i))
		if i%50_000 == 0 {
			runtime.GC()
		}
	}
	total := 0
	for i := range tables {
		total += len(tables[i].of)
	}
	if total > 250_000 {
		t.Errorf("%d strings are held of which one is used", total)
	}
	if Make("somebody who stays") != kept {
		t.Error("a string that is held was forgotten")
	}
	runtime.KeepAlive(kept)
}
