package scenario

import (
	"fmt"

	"gopkg.in/yaml.v3"

	"presenced/privacy"
)

// Server lists are data under test: whatever does not fit their form is kept as
// a broken list, which package privacy must answer by failing closed.

// blockList reads a XEP-0191 list.
func blockList(n *yaml.Node) privacy.BlockList {
	if n.Kind != yaml.SequenceNode {
		return privacy.BlockList{Broken: "not a list"}
	}
	var out privacy.BlockList
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode || c.ShortTag() != "!!str" {
			return privacy.BlockList{Broken: fmt.Sprintf("line %d is no JID", c.Line)}
		}
		out.JIDs = append(out.JIDs, c.Value)
	}
	return out
}

// privacyLists reads a list of XEP-0016 lists.
func privacyLists(n *yaml.Node) []privacy.List {
	if n.Kind != yaml.SequenceNode {
		return []privacy.List{{Broken: "not a list of lists"}}
	}
	var out []privacy.List
	for _, c := range n.Content {
		out = append(out, privacyList(c))
	}
	return out
}

// privacyList reads one XEP-0016 list.
func privacyList(n *yaml.Node) privacy.List {
	if n.Kind != yaml.MappingNode {
		return privacy.List{Broken: "not a map with items"}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "items" {
			return privacy.List{Broken: fmt.Sprintf("unknown key %q", n.Content[i].Value)}
		}
	}
	items := child(n, "items")
	if items == nil || items.Kind != yaml.SequenceNode {
		return privacy.List{Broken: "items is not a list"}
	}
	var out privacy.List
	for _, c := range items.Content {
		out.Items = append(out.Items, listItem(c))
	}
	return out
}

// listItem reads one item, leaving its words as they are.
func listItem(n *yaml.Node) privacy.Item {
	var it privacy.Item
	if n.Kind != yaml.MappingNode {
		return privacy.Item{Broken: "not a map"}
	}
	word := func(key string, v *yaml.Node) string {
		if v.Kind != yaml.ScalarNode {
			it.Broken = key + " is not a word"
		}
		if key == "type" && v.Value == "" {
			it.Broken = "an empty type"
		}
		return v.Value
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i].Value, n.Content[i+1]
		if isNull(v) {
			continue
		}
		switch key {
		case "order":
			it.Order = word(key, v)
		case "action":
			it.Action = word(key, v)
		case "type":
			it.Type = word(key, v)
		case "value":
			it.Value = word(key, v)
		case "stanzas":
			it.Stanzas = stanzas(v, &it)
		case "managed":
			if v.ShortTag() != "!!bool" || v.Decode(&it.Managed) != nil {
				it.Broken = "managed is neither true nor false"
			}
		default:
			it.Broken = fmt.Sprintf("unknown key %q", key)
		}
	}
	return it
}

func stanzas(n *yaml.Node, it *privacy.Item) []string {
	if n.Kind != yaml.SequenceNode {
		it.Broken = "stanzas is not a list"
		return nil
	}
	var out []string
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode {
			it.Broken = "stanzas holds no word"
		}
		out = append(out, c.Value)
	}
	return out
}
