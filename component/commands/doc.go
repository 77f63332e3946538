// Package commands lets people change their own settings from any client: ad-hoc
// commands (XEP-0050) with forms (XEP-0004, XEP-0122), and registration with the
// component (XEP-0077). Both work over one table of commands, each of which turns
// answers into changes of package engine; a rule is checked there, once.
//
// Guarantees:
//   - Every reply is well-formed XML, whatever came in.
//   - Only users of served hosts change anything, and only their own settings;
//     everybody else gets one constant answer that depends on nobody's settings.
//   - Open forms are bounded in number, per user and in all, and expire.
//   - Each execution ends in one sentence a person understands, in her language.
//   - What was typed comes back with a rejected form.
//
// It knows no stream: payloads come in as bytes, payloads go out as bytes. It
// stores nothing and decides nothing about who sees what.
package commands
