package component

import (
	"mellium.im/xmpp/disco"
	"mellium.im/xmpp/disco/info"

	"presenced/component/commands"
	"presenced/component/stream"
)

const (
	nsDiscoInfo  = disco.NSInfo
	nsDiscoItems = disco.NSItems

	// capsNode names this software in XEP-0115.
	capsNode = stream.NSOwn
)

// identity is what disco#info tells of a mirror or of the component.
type identity struct {
	plain  []byte // the query without node
	node   string // of XEP-0115: capsNode#hash
	echoed []byte // the query with that node
	caps   []byte // the element of XEP-0115
}

// mirrorInfo is what a mirror tells everybody (S14): it stands for an account.
func mirrorInfo() disco.Info {
	return disco.Info{
		Identity: []info.Identity{{Category: "account", Type: "registered"}},
		Features: features(disco.NSInfo, disco.NSItems, nsVersion, stream.NSOwn, nsPing, nsVCard),
	}
}

// selfInfo is what the component tells of itself.
func selfInfo() disco.Info {
	return disco.Info{
		Identity: []info.Identity{{Category: "component", Type: "presence", Name: "presenced"}},
		Features: features(disco.NSInfo, disco.NSItems, commands.NSCommands, commands.NSRegister, nsVersion,
			stream.NSOwn, nsPing, nsVCard),
	}
}

func features(names ...string) []info.Feature {
	out := make([]info.Feature, len(names))
	for i, n := range names {
		out[i].Var = n
	}
	return out
}

// noItems is the constant answer to disco#items.
var noItems = []byte("<query xmlns='" + nsDiscoItems + "'/>")

// newIdentity renders the answers and the caps of one entity.
func newIdentity(i disco.Info) identity {
	ver := verOf(capabilitiesOf(i).text())
	id := identity{node: capsNode + "#" + ver}
	id.plain = appendInfo(nil, i, "")
	id.echoed = appendInfo(nil, i, id.node)
	id.caps = append(id.caps, "<c xmlns='"+disco.NSCaps+"' hash='sha-1' node='"+capsNode+"' ver='"...)
	id.caps = append(stream.AppendAttr(id.caps, ver), "'/>"...)
	return id
}

func appendInfo(dst []byte, i disco.Info, node string) []byte {
	dst = append(dst, "<query xmlns='"+nsDiscoInfo+"'"...)
	dst = append(appendAttribute(dst, "node", node), '>')
	for _, id := range i.Identity {
		dst = append(dst, "<identity"...)
		dst = appendAttribute(dst, "category", id.Category)
		dst = appendAttribute(dst, "type", id.Type)
		dst = append(appendAttribute(dst, "name", id.Name), "/>"...)
	}
	for _, f := range i.Features {
		dst = append(dst, "<feature"...)
		dst = append(appendAttribute(dst, "var", f.Var), "/>"...)
	}
	return append(dst, "</query>"...)
}

// appendDisco appends an empty disco query with its node.
func appendDisco(dst []byte, space, node string) []byte {
	dst = append(dst, "<query xmlns='"...)
	dst = append(dst, space...)
	dst = append(dst, '\'')
	return append(appendAttribute(dst, "node", node), "/>"...)
}

// constants are the answers that never change while the daemon runs.
type constants struct {
	mirror, self identity
	version      []byte
	vcard        []byte
	available    []byte // the component's own presence, behind the addresses
}

func newConstants(version string) constants {
	t := constants{mirror: newIdentity(mirrorInfo()), self: newIdentity(selfInfo())}
	t.version = append(t.version, "<query xmlns='"+nsVersion+"'><name>presenced</name>"...)
	t.version = append(appendElement(t.version, "version", version), "</query>"...)
	t.vcard = []byte("<vCard xmlns='" + nsVCard + "'><FN>presenced</FN><DESC>Shows one presence per watcher.</DESC></vCard>")
	t.available = append(t.available, "><status>presenced</status>"...)
	t.available = append(append(t.available, t.self.caps...), "</presence>"...)
	return t
}
