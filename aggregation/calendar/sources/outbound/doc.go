// Package outbound sends the HTTP requests of the calendar sources.
//
// Guarantees:
//   - Unless the operator allows it, no request reaches an address that is not
//     public: loopback, link-local, private, shared (CGNAT), multicast, cloud
//     metadata, in IPv4, IPv6 and where one stands for the other. What is judged
//     is the address that is dialled, so neither a name that resolves into the
//     house nor a redirect gets around it.
//   - Credentials, and every header that may hold one, go to the host they were
//     given for: not to another one after a redirect, not from https to http.
//   - An answer costs at most Options.MaxBody bytes, unpacked, and at most
//     Options.Timeout.
//   - Each failure is a *sources.Fault with its kind and, where one is known,
//     what to do about it. Errors name the host and nothing else of an address:
//     its path and query may be a secret. They quote nothing of an answer.
//   - A web page where data was expected is a fault, also with status 200.
//
// It knows no calendar format; what an answer says is for the source to read. It
// keeps no cookies and uses no proxy.
package outbound
