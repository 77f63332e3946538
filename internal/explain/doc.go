// Package explain puts into words why a watcher sees a user as he does (S12), and
// what exactly he is sent (view-as).
//
// Guarantees:
//   - Every input, tier, veto and category of an explanation has its words, in
//     every language of package text.
//   - It says nothing that is not in the explanation, which is made of the user's
//     own settings and of what the watcher sent to her mirror.
//   - What view-as lists is the view the watcher is sent, item by item.
//
// It decides nothing and asks nobody; the engine explains, this package tells.
package explain
