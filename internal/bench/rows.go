package main

import (
	"encoding/json"
	"strconv"
)

// row says what a figure is held to: the number of a row of docs/performance.md,
// or the name of one that is in no numbered table.
type row int

// The rows with names, behind the numbered ones.
const (
	rowHTTP   = 101 + iota // presence over HTTP
	rowBatch               // a list of users
	rowStream              // server-sent events
)

var rowNames = map[row]string{rowHTTP: "http", rowBatch: "batch", rowStream: "sse"}

// String is how the row is written on the command line and in tables.
func (r row) String() string {
	if name, ok := rowNames[r]; ok {
		return name
	}
	return strconv.Itoa(int(r))
}

// MarshalJSON writes a numbered row as its number, another as its name.
func (r row) MarshalJSON() ([]byte, error) {
	if name, ok := rowNames[r]; ok {
		return json.Marshal(name)
	}
	return json.Marshal(int(r))
}

// parseRow reads what String writes.
func parseRow(word string) (n int, ok bool) {
	for r, name := range rowNames {
		if name == word {
			return int(r), true
		}
	}
	n, err := strconv.Atoi(word)
	_, named := rowNames[row(n)]
	return n, err == nil && !named
}
