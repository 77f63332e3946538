// Package testbed starts the real servers presenced is tested against and
// plays their clients: Prosody and ejabberd processes on free ports of
// 127.0.0.1, an XMPP client that records every stanza it receives, a scripted
// component server for faults no real server produces on demand, Redis (alone,
// behind Sentinel, as a cluster, behind a proxy that fails), PostgreSQL, the
// calendar servers Radicale and Xandikos, and the presenced binary itself. Tests, the demo and the benchmarks use it.
//
// Guarantees:
//   - nothing started here outlives the process that started it: servers get
//     SIGKILL when their parent dies, and Stop returns only after the server
//     and all its helper processes are gone;
//   - no Erlang distribution and no epmd: ejabberd runs as a nameless node;
//   - every port is on the loopback interface and is kept over a restart;
//   - every goroutine ends with the Close, Drop or Stop of its owner, which
//     waits for it.
//
// It does not encrypt (streams are plaintext, SASL PLAIN), it is not a load
// balancer of any kind, and it is never linked into the shipped binary.
package testbed
