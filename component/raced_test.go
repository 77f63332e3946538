//go:build race

package component

// raced: the race detector makes a history ten times as long.
const raced = true
