package redisstore

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// tags is the number of hash tags; it is part of the layout.
const tags = 64

// schemaVersion is the layout of the package comment.
const schemaVersion = 1

// tagOf returns the tag of a user; it is part of the layout.
func tagOf(user string) int { return int(xxhash.Sum64String(user) % tags) }

func tagName(tag int) string { return fmt.Sprintf("%02d", tag) }

// layout names the keys under one prefix.
type layout struct {
	meta, lease, token string
	fence, presence    [tags]string
	user               [tags]string // with the user behind it
}

func newLayout(prefix string) *layout {
	l := &layout{meta: prefix + "{meta}:meta", lease: prefix + "{meta}:lease", token: prefix + "{meta}:token"}
	for tag := range tags {
		of := prefix + "{" + tagName(tag) + "}:"
		l.fence[tag], l.presence[tag], l.user[tag] = of+"f", of+"p", of+"u:"
	}
	return l
}

// userKey is where the documents of a user are.
func (l *layout) userKey(tag int, user string) string { return l.user[tag] + user }

// fence is the value of a tag's fence key; the zero fence stands for none, or for
// one that a script left behind that failed half-way.
type fence struct {
	token, sequence uint64
	filling         bool // the tag is being written again; sequence is 0
}

func (f fence) String() string {
	if f.filling {
		return strconv.FormatUint(f.token, 10) + "." + filling
	}
	return strconv.FormatUint(f.token, 10) + "." + strconv.FormatUint(f.sequence, 10)
}

// filling stands for the sequence of a tag that is being written again. It reads as
// zero and is no sequence a batch may wait for, so that one which was delayed on
// its way cannot slip in.
const filling = "00"

// parseFence reads what a fence key holds; anything else is no fence.
func parseFence(s string) (f fence) {
	token, sequence, _ := strings.Cut(s, ".")
	t, err1 := strconv.ParseUint(token, 10, 64)
	n, err2 := strconv.ParseUint(sequence, 10, 64)
	if err1 != nil || err2 != nil {
		return fence{}
	}
	return fence{t, n, sequence == filling}
}

// globbed escapes a prefix for a MATCH pattern.
func globbed(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}
