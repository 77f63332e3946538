// Package sites makes the operator's calendar sources out of the configuration:
// for the daemon, which reads them, and for check, which tries them in the same
// way.
//
// It asks no server. It reads the files that authorities are in; passwords and
// keys are in the configuration already.
package sites
