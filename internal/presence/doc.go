// Package presence is the vocabulary every room of presenced speaks: addresses,
// the availability scale, activities, what a user's devices, calendar and apps
// say (inputs), what comes out of aggregation (State) and what one container
// may see of it (View).
//
// It holds values and their arithmetic only: no goroutine, lock, clock, context,
// logger or I/O, and no rule about who sees what (package privacy) or how inputs
// are merged (package aggregation).
package presence
