//go:build !race

package component

const raced = false
