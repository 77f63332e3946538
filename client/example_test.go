package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"presenced/client"
)

// daemon stands for a presenced in these examples.
func daemon() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/presence/alice@example.org":
			_, _ = io.WriteString(w, `{"user":"alice@example.org","availability":6500,"activity":"in-a-meeting","show":"dnd",`+
				`"status":"In a meeting","until":"2026-03-02T14:00:00Z","interrupt":false,"fields":{"name":"Alice Bell"}}`)
		case "/v1/stream":
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "id: a-1\nevent: presence\ndata: {\"user\":\"alice@example.org\",\"availability\":3500,\"interrupt\":false,\"fields\":{}}\n\n")
		}
	}))
}

func ExampleClient_Presence() {
	d := daemon()
	defer d.Close()
	c, err := client.New(d.URL, "the token", client.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	alice, err := c.Presence(context.Background(), "alice@example.org")
	if err != nil {
		fmt.Println(err)
		return
	}
	if !alice.Availability.Free() {
		fmt.Printf("%s: %s until %s\n", alice.Fields["name"], alice.Status, alice.Until.Format("15:04 MST"))
	}
	// Output: Alice Bell: In a meeting until 14:00 UTC
}

func ExampleClient_Watch() {
	d := daemon()
	defer d.Close()
	c, err := client.New(d.URL, "the token", client.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	enough := errors.New("she is free")
	err = c.Watch(context.Background(), []string{"alice@example.org"}, func(p client.Presence) error {
		if p.Availability.Free() {
			return enough
		}
		return nil
	})
	fmt.Println(err)
	// Output: she is free
}
