package daemon

import (
	"presenced/config"
	"presenced/internal/directory"
	"presenced/internal/engine"
	"presenced/internal/text"
)

// peopleOf reads the operator's directory and adds to the rules what it and
// [presence] say of people. Like rulesOf it changes nothing where it fails.
func (d *Daemon) peopleOf(c *config.Config, rules *engine.Rules) (*directory.Book, error) {
	book, err := directory.Load(c.Directory.File)
	if err != nil {
		return nil, setup("correct each line of directory.file, or leave the key out", "directory.file: %w", err)
	}
	rules.Zone = text.Zone(c.Presence.Timezone) // config has checked the name
	if book != nil {
		d.log.Info("directory read", "file", c.Directory.File, "people", book.Len(), "photos", book.Photos())
		rules.Directory = book.Profile
	}
	if book.HasGroups() {
		rules.Groups = book.Groups
	}
	return book, nil
}
