package commands

import (
	"presenced/internal/engine"
	"presenced/internal/text"
)

// command is one row of the table: what is asked, and the changes it comes to.
// Forms and chat use the same rows.
type command struct {
	node  string
	name  text.Key
	open  bool // also for a user who is not enabled
	pages []func(*run) *form
	// change turns checked answers into changes. Its faults name fields of the
	// last page.
	change func(*run) (plan, []fault)
	// names maps the engine's field names to those of the form where they differ.
	names map[string]string
}

// table lists the commands in the order people see them. Page functions return
// nil where nothing is to be asked.
var table = []command{
	{node: "enable", name: "command.enable", open: true, pages: []func(*run) *form{enableForm}, change: enable},
	{node: "disable", name: "command.disable", change: disable},
	{node: "set-state", name: "command.set-state", pages: []func(*run) *form{stateForm}, change: setState},
	{node: "clear-state", name: "command.clear-state", pages: []func(*run) *form{clearForm}, change: clearState},
	{node: "note", name: "command.note", pages: []func(*run) *form{noteForm}, change: setNote, names: map[string]string{"note": "text"}},
	{node: "out-of-office", name: "command.out-of-office", pages: []func(*run) *form{officeForm}, change: setOutOfOffice},
	{node: "profile", name: "command.profile", pages: []func(*run) *form{profileForm}, change: setProfile},
	{node: "calendar", name: "command.calendar", pages: []func(*run) *form{calendarForm, calendarDetails}, change: changeCalendars},
	{node: "levels", name: "command.levels", pages: []func(*run) *form{levelsForm, ruleForm}, change: changeRules},
	{node: "block", name: "command.block", pages: []func(*run) *form{blockForm}, change: block, names: map[string]string{"value": "jid"}},
	{node: "unblock", name: "command.unblock", pages: []func(*run) *form{unblockForm}, change: unblock},
	{node: "requests", name: "command.requests", pages: []func(*run) *form{requestsForm}, change: decide, names: map[string]string{"watcher": "requests", "container": "decision"}},
	{node: "interruptions", name: "command.interruptions", pages: interruptRoll.pages(), change: interruptRoll.change},
	{node: "apps", name: "command.apps", pages: appRoll.pages(), change: appRoll.change, names: map[string]string{"app": "jid"}},
	{node: "badge", name: "command.badge", pages: []func(*run) *form{badgeForm}, change: setBadge},
	{node: "privacy-mode", name: "command.privacy-mode", pages: []func(*run) *form{modeForm}, change: setMode},
	{node: "view-as", name: "command.view-as", pages: []func(*run) *form{viewForm}, change: viewAs},
	{node: "explain", name: "command.explain", pages: []func(*run) *form{explainForm}, change: explainWhy},
	{node: "watchers", name: "command.watchers", pages: []func(*run) *form{watchersForm, revokeForm}, change: watchers, names: map[string]string{"watcher": "watchers"}},
	{node: "export", name: "command.export", open: true, pages: []func(*run) *form{exportForm}, change: export},
	{node: "erase", name: "command.erase", open: true, pages: []func(*run) *form{eraseForm}, change: erase},
}

// find returns the command of a node, nil for none.
func find(node string) *command {
	for i := range table {
		if table[i].node == node {
			return &table[i]
		}
	}
	return nil
}

// one is a plan of a single change.
func one(c engine.Change, done string) plan {
	return plan{changes: []engine.Change{c}, done: done}
}
