package text

import "strings"

// language is the index of a translation in every phrase.
type language uint8

const (
	english language = iota
	german
	numLanguages
)

var languages = [numLanguages]string{english: "en", german: "de"}

// phrase is one text in all languages, in the order of their indexes.
type phrase [numLanguages]string

// Languages returns the tags of the translations, the default first.
func Languages() []string { return append([]string(nil), languages[:]...) }

// Match returns the translation, "en" or "de", that serves a BCP 47 tag such as
// "de-AT" best: lang's, else fallback's, else "en". Case does not matter.
func Match(lang, fallback string) string {
	if l, ok := find(lang); ok {
		return languages[l]
	}
	l, _ := find(fallback)
	return languages[l]
}

// find returns the language of a tag's first part; English when there is none.
func find(tag string) (language, bool) {
	primary := tag
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		primary = tag[:i]
	}
	for l, name := range languages {
		if strings.EqualFold(primary, name) {
			return language(l), true
		}
	}
	return english, false
}

func (p *phrase) in(lang string) string {
	l, _ := find(lang)
	return p[l]
}
