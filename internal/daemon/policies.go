package daemon

import (
	"fmt"
	"slices"
	"strings"

	"presenced/config"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// operatorOf reads the words of [policy], or of a named one. config has checked
// them; one that is not known all the same narrows most, which is the zero value of
// each.
func operatorOf(c *config.Config, p *config.Policy) privacy.Operator {
	lastActive, _ := privacy.ParseLastActive(p.LastActive)
	photo, _ := privacy.ParsePhoto(p.Photo)
	offline, _ := privacy.ParseOfflineDetails(c.Privacy.OfflineDetails)
	links, known := privacy.ParseLinkMode(p.Links)
	if !known {
		links = privacy.LinksBlock
	}
	withheld, _ := privacy.ParseWithheld(p.Withhold)
	return privacy.Operator{
		LastActive: lastActive, Granularity: p.LastActiveGranularity.Std(),
		Photo: photo, OfflineDetails: offline, Until: c.Calendar.Until,
		Links:    privacy.Links{Mode: links, Intranet: p.Intranet, Extensions: p.FileExtensions},
		Withheld: withheld, Wordings: wordingsOf(c), Unaudited: !p.Audit,
	}
}

// policiesOf reads [[policies]]; what one leaves out config has taken from
// [policy]. Who is in a group the directory file tells (peopleOf).
func policiesOf(c *config.Config) ([]engine.Policy, error) {
	out := make([]engine.Policy, 0, len(c.Policies))
	for i := range c.Policies {
		p := &c.Policies[i]
		users, err := addrsOf(fmt.Sprintf("policies[%d].users", i), p.Users)
		if err != nil {
			return nil, err
		}
		named := engine.Policy{
			Operator: operatorOf(c, &p.Policy), Groups: p.Groups, Users: make(map[presence.Addr]bool, len(users)),
		}
		named.Operator.Name = p.Name
		for _, a := range users {
			named.Users[a] = true
		}
		out = append(out, named)
	}
	slices.SortFunc(out, func(a, b engine.Policy) int { return strings.Compare(a.Operator.Name, b.Operator.Name) })
	return out, nil
}
