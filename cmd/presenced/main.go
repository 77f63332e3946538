// Command presenced is the daemon and the tool around it: one small file per
// subcommand. It turns flags and signals into calls and errors into exit codes,
// and does nothing else.
//
// What it prints for people is plain English; an error ends in what to do. What
// it prints for programs (--json) has the shapes that other programs rely on.
package main

import (
	"os"
	_ "time/tzdata" // time zones must not depend on the machine's files
)

// version is set by the release build (-ldflags "-X main.version=1.2.3").
var version = "dev"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
