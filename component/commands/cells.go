package commands

import (
	"slices"
	"strconv"
	"strings"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/privacy"
)

// changeCells is the choice of levels that shows or hides one category.
const changeCells = "cells"

// What can be said of a cell.
const (
	cellShow  = "show"
	cellHide  = "hide"
	cellTable = "table"
)

var cellChoices = map[string]engine.CellChoice{cellShow: engine.CellShown, cellHide: engine.CellHidden, cellTable: engine.CellByTable}

// cellForm asks for one cell of the table of levels (S3). What is said of the
// cells already stands above.
func (r *run) cellForm() *form {
	level := field{name: "container", kind: listSingle, required: true, label: r.t("field.container"), desc: r.t("field.cell.level.desc"), values: []string{itoa(int(presence.Colleagues))}}
	f := &form{title: r.t("form.cells.title"), instructions: r.t("form.cells")}
	for _, id := range r.levels() {
		if id == presence.DefaultContainer || id == presence.Blocked {
			continue
		}
		level.options = append(level.options, option{itoa(int(id)), r.numbered(id)})
		f.fields = append(f.fields, say(r.t("form.level", r.numbered(id), r.shows(id))))
	}
	category := field{name: "category", kind: listSingle, required: true, label: r.t("field.category"), desc: r.t("field.category.desc")}
	for _, c := range privacy.Categories() {
		category.options = append(category.options, option{c.String(), text.Category(r.lang, c.String())})
	}
	f.fields = append(f.fields, level, category,
		field{name: "shown", kind: listSingle, required: true, label: r.t("field.cell"), desc: r.t("field.cell.desc"), values: []string{cellHide}, options: []option{
			{cellHide, r.t("option.cell.hide")}, {cellShow, r.t("option.cell.show")}, {cellTable, r.t("option.cell.table")},
		}})
	return f
}

var cellNotes = map[string]text.Key{cellShow: "note.cell.shown", cellHide: "note.cell.hidden", cellTable: "note.cell.table"}

func (r *run) setCell() (plan, []fault) {
	n, _ := strconv.Atoi(r.in.text("container")) // one of the choices
	id, category, choice := presence.ContainerID(n), r.in.text("category"), r.in.text("shown")
	return one(engine.SetCell{Container: id, Category: category, Choice: cellChoices[choice]},
		r.t(cellNotes[choice], r.level(id), text.Category(r.lang, category))), nil
}

// shows tells what a level shows, with what the user changed of that.
func (r *run) shows(id presence.ContainerID) string {
	return strings.Join(append([]string{text.ContainerShows(r.lang, id)}, r.ownCells(id)...), " ")
}

// ownCells tells what the user changed in a level, a sentence for what she shows and
// one for what she hides.
func (r *run) ownCells(id presence.ContainerID) (sentences []string) {
	for _, part := range [...]struct {
		shown bool
		key   text.Key
	}{{true, "level.alsoshown"}, {false, "level.hidden"}} {
		var names []string
		for _, c := range r.have.Cells {
			if c.Container == id && c.Shown == part.shown {
				names = append(names, text.Category(r.lang, c.Category))
			}
		}
		if names != nil {
			sentences = append(sentences, r.t(part.key, strings.Join(names, ", ")))
		}
	}
	return sentences
}

// toWhom is a phrase that says which levels are shown some fields, with what the user
// changed of that.
func (r *run) toWhom(phrase text.Key, of ...presence.Field) string {
	changed := func(c privacy.OwnCell) bool {
		f, ok := presence.ParseField(c.Category)
		return c.Category == privacy.CatState.String() || ok && slices.Contains(of, f)
	}
	if !slices.ContainsFunc(r.have.Cells, changed) {
		return r.t(phrase)
	}
	return strings.Join(append([]string{r.t(phrase)}, r.cellLines()...), " ")
}

// cellLines tells what the user changed, level by level.
func (r *run) cellLines() (lines []string) {
	for _, id := range r.levels() {
		if own := r.ownCells(id); own != nil {
			lines = append(lines, r.t("form.level", r.level(id), strings.Join(own, " ")))
		}
	}
	return lines
}
