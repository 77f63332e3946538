// Command bench measures the ratios of docs/performance.md on the shipped
// binary and writes them as JSON.
//
// Guarantees:
//   - the binary under load is what go build makes, with one configuration for
//     all rows and no switch that only a benchmark knows;
//   - what is counted is counted at the other end of the stream, by this
//     program; the daemon's own metrics are used only where nothing else can
//     tell (allocations, write calls) and are held to that count;
//   - every figure is the median of several runs, with all runs beside it;
//   - an event that was lost, or a presence that never came, is an error and
//     never a better figure.
//
// Generator and daemon share the machine, so times are pessimistic. It does not
// start an XMPP server: rows that compare with one need more than this.
package main
