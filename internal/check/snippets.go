package check

import (
	"fmt"
	"net"
	"strings"
)

// snippets are the lines that tell each server of the component and let it read
// presence and rosters, for the configured names. The secret is not in them.
func (c *checker) snippets() []Snippet {
	host, port, err := net.SplitHostPort(c.config.Component.Address)
	if err != nil {
		host, port = "127.0.0.1", "5347"
	}
	switch {
	case host == "localhost":
		host = "127.0.0.1"
	case net.ParseIP(host) == nil:
		host = "the address of " + host // a listener takes no name
	}
	domain := c.config.Component.Domain
	return []Snippet{
		{Server: "Prosody (the package prosody-modules has mod_privilege; add what is inside VirtualHost to the section that host has already)", Text: prosody(domain, c.config.Component.Hosts, host, port, c.secretText(), c.config.Privacy.Egress == "managed")},
		{Server: "ejabberd (into a file of its own, which ejabberd.yml names under include_config_file: its own sections stay as they are)", Text: ejabberd(domain, host, port, c.secretText())},
	}
}

// secretText stands where the secret has to be pasted.
func (c *checker) secretText() string {
	if file := c.config.Component.SecretFile; file != "" {
		return "the text of " + file
	}
	return "the text of component.secret"
}

func prosody(domain string, hosts []string, host, port, secret string, egress bool) string {
	var b strings.Builder
	modules, lists := "", "get"
	if egress {
		modules, lists = `, "presenced_lists"`, "both"
	}
	if port != "5347" || host != "127.0.0.1" {
		fmt.Fprintf(&b, "-- at the top of the file, before any VirtualHost\ncomponent_ports = { %s }\ncomponent_interfaces = { %q }\n\n", port, host)
	}
	for _, h := range hosts {
		fmt.Fprintf(&b, `VirtualHost %[1]q
    modules_enabled = { "privilege"%[3]s }
    privileged_entities = {
        -- "both": devices that are online when their user enables are seen at once;
        -- with "get", from their next change on
        -- iq: whom a user blocks on the server is hidden here too, the command "block"
        -- can block there, and her vCard is read; with
        -- ["http://jabber.org/protocol/pubsub"] = "set" in it, too, a user may have
        -- what she does published to her native contacts
        [%[2]q] = {
            roster = "both", presence = "managed_entity",
            iq = { ["urn:xmpp:blocking"] = "both", ["jabber:iq:privacy"] = %[4]q, ["vcard-temp"] = "get" },
        },
    }

`, h, domain, modules, lists)
	}
	fmt.Fprintf(&b, `Component %q
    component_secret = %q
    modules_enabled = { "privilege" }
`, domain, secret)
	return b.String()
}

func ejabberd(domain, host, port, secret string) string {
	return fmt.Sprintf(`listen:
  -
    port: %[3]s
    ip: %[2]q
    module: ejabberd_service
    access: all
    global_routes: false
    hosts:
      %[1]q:
        password: %[4]q

acl:
  presence_component:
    server: %[1]q

access_rules:
  presence_component_rule:
    allow: presence_component

modules:
  mod_privilege:
    roster:
      get: presence_component_rule
    presence:
      managed_entity: presence_component_rule
`, domain, host, port, secret)
}
