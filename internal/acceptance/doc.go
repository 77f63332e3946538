// Package acceptance holds the tests of the product as a whole: the built
// binary attached to real XMPP servers, seen through real clients. It has no
// code of its own; the tests need the build tag integration.
package acceptance
