package engine

import (
	"fmt"
	"slices"

	"presenced/internal/presence"
	"presenced/privacy"
)

// DocCells is the document of the single cells of S3's matrix that a user changed.
const DocCells = "cells"

// maxCells bounds what a user says of single cells: every cell there is with 40
// custom containers.
const maxCells = 1024

// CellChoice is what a user wants of one cell.
type CellChoice uint8

// The choices: what the table of S3 says, or her own word.
const (
	CellByTable CellChoice = iota
	CellShown
	CellHidden
)

// SetCell shows or hides one category in one level, in place of what S3's table
// says, as far as the operator's policy lets it.
type SetCell struct {
	Container presence.ContainerID
	Category  string // as privacy.Category.String gives it
	Choice    CellChoice
}

func (SetCell) change() {}

// words tells operators what she wants: "hides notePersonal from 200".
func (c SetCell) words() string {
	if c.Choice == CellByTable {
		return fmt.Sprintf("%s by the table in %d", c.Category, c.Container)
	}
	return c.own().String()
}

func (c SetCell) own() privacy.OwnCell {
	return privacy.OwnCell{Container: c.Container, Category: c.Category, Shown: c.Choice == CellShown}
}

type cellsDoc struct {
	V     version           `json:"v"`
	Cells []privacy.OwnCell `json:"cells"`
}

func (s *settings) cells() []privacy.OwnCell {
	if s.rare == nil {
		return nil
	}
	return s.rare.cells.Cells
}

func (u *user) setCell(c SetCell, answer answerFunc) {
	site := u.sh.e.rules().System.Site
	cell := c.own()
	if err := site.CheckCell(cell); err != nil && c.Choice != CellByTable {
		answer(Result{}, &RefusedError{Kind: Invalid, Field: "category", Reason: err.Error(), Err: err})
		return
	}
	have := u.set.cells()
	cells := slices.DeleteFunc(slices.Clone(have), func(o privacy.OwnCell) bool {
		return o.Container == c.Container && o.Category == c.Category
	})
	if c.Choice != CellByTable {
		cells = append(cells, cell)
	}
	switch {
	case slices.Contains(have, cell) && c.Choice != CellByTable, len(cells) == len(have) && c.Choice == CellByTable:
		answer(Result{Advice: []Advice{AdviceNothing}}, nil)
		return
	case len(cells) > maxCells:
		answer(Result{}, refuse(TooMany, "category", "you have changed %d cells, the most there may be; put some back first", maxCells))
		return
	}
	u.saveCells(cellsDoc{V: docVersion, Cells: cells}, func(err error) {
		var res Result
		cat, _ := privacy.ParseCategory(c.Category)
		if err == nil && c.Choice == CellShown && u.operator().Ceiling(site.Base(c.Container), cat) {
			res.Advice = append(res.Advice, AdviceCeiling)
		}
		answer(res, err)
	})
}

func (u *user) saveCells(doc cellsDoc, done func(error)) {
	var raw []byte
	if len(doc.Cells) > 0 {
		raw = encode(doc)
	}
	u.saveDoc(DocCells, raw, func() {
		u.set.chooseRare(func(r *rare) { r.cells = doc })
		u.recompile()
	}, done)
}

// readCells holds the cells of an import to what SetCell would accept.
func (e *Engine) readCells(cells []privacy.OwnCell) error {
	if len(cells) > maxCells {
		return refuse(TooMany, DocCells, "document %s has %d cells, and there may be %d; take some out", DocCells, len(cells), maxCells)
	}
	type place struct {
		id  presence.ContainerID
		cat string
	}
	seen := make(map[place]bool, len(cells))
	for _, c := range cells {
		if err := e.rules().System.Site.CheckCell(c); err != nil {
			return wrong(DocCells, err)
		}
		at := place{c.Container, c.Category}
		if seen[at] {
			return refuse(Invalid, DocCells, "document %s says two things of %s in %d; leave one", DocCells, c.Category, c.Container)
		}
		seen[at] = true
	}
	return nil
}
