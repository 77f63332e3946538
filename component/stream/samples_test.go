package stream

// Stanzas as Prosody sends them; the three sizes of the measured prototype.
const (
	rich = `<presence xml:lang='en' from='alice@example.localhost/desktop.7f3a' to='presence.example.localhost' id='p-1042'>` +
		`<show>dnd</show><status>In a meeting &amp; not reading this until three</status><priority>5</priority>` +
		`<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/>` +
		`<x xmlns='vcard-temp:x:update'><photo>0123456789abcdef0123456789abcdef01234567</photo></x>` +
		`<idle xmlns='urn:xmpp:idle:1' since='2026-11-22T10:00:00Z'/></presence>`
	plain = `<presence xml:lang='en' from='alice@example.localhost/r1' to='presence.example.localhost'>` +
		`<show>away</show><status>out to lunch</status></presence>`
	gone = `<presence from='alice@example.localhost/desktop.7f3a' type='unavailable' to='presence.example.localhost' id='p-1043'/>`

	opening = `<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'` +
		` xmlns='jabber:component:accept' id='s&amp;1' from='presence.example.localhost' version='1.0' xml:lang='en'>`
)

// seeds are frames, well-formed and not, for both fuzz targets.
var seeds = []string{
	rich, plain, gone,
	`<iq type='get'/>`,
	`<iq type='get' id='1'>text<x xmlns='urn:x'/></iq>`,
	`<iq type='result' id="2"><query xmlns='jabber:iq:roster'><item jid='a@b' name='Bob &amp; co'><group>F</group></item></query></iq>`,
	`<presence><priority>999</priority></presence>`,
	`<presence><!-- c --><status>a<!-- x -->b</status></presence>`,
	`<presence><status>&nbsp;</status></presence>`,
	"<presence><status>\xff\xfe</status></presence>",
	"<presence><status>\x01</status></presence>",
	`<presence><status>&#1;</status></presence>`,
	`<presence><status>&#xD800;&#55296;</status></presence>`,
	`<presence><status>&#x1F600;&#10;&apos;&lt;&gt;&quot;</status></presence>`,
	`<presence><status><![CDATA[a]]&gt;<b>]]></status></presence>`,
	`<presence><status>a]]>b</status></presence>`,
	`<presence from='a>b' to="c'd" id='e"f'/>`,
	`<presence from='a' from='b'/>`,
	`<presence xmlns:a='u' xmlns:b='u' a:x='1' b:x='2'/>`,
	`<presence><show/><show>away</show><status></status></presence>`,
	`<presence><show>a<b/>c</show></presence>`,
	`<presence xmlns='jabber:client'><show>xa</show><show xmlns='other'>dnd</show></presence>`,
	`<presence><enhanced xmlns='urn:presenced:1'/></presence>`,
	`<presence><x xmlns='a' xmlns:p='urn:presenced:1' p:y='1'/></presence>`,
	`<presence><x xmlns='a'><y xmlns=''><z xmlns='urn:presenced:1'/></y></x></presence>`,
	`<presence><query xmlns='jabber:iq:last' seconds='77'/><delay xmlns='urn:xmpp:delay' from='x' stamp='2026-01-01T00:00:00Z'/></presence>`,
	`<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`,
	`<handshake/>`,
	`<presence><a></presence></a>`,
	`<presence>`, `</presence>`, `<presence/><presence/>`, ``, ` `, `x`,
	`<presence a=b/>`, `<presence a/>`, `<presence a='<'/>`, `<presence / >`, `< presence/>`,
	`<presence a='1'b='2'/>`, `<presence a = '1' />`, "<presence\ra='\r\n1'\t>\r\n</presence\n>",
	`<!DOCTYPE x [<!ENTITY a 'b'>]><presence/>`, `<presence><!DOCTYPE x></presence>`,
	`<presence><?pi a?></presence>`, `<?xml version='1.0'?><presence/>`,
	`<presence><status>grüße 😀</status></presence>`, "<presence><status>\uFFFF</status></presence>",
	`<présence/>`, `<xmlns/>`, `<xml:a/>`, `<presence xml:space='x'/>`, `<presence xmlns='&amp;'/>`,
	`<a:b:c/>`, `<presence :a='1'/>`, `<a:/>`, `</stream:stream><presence/>`,
	`<message from='a@b' to='c' type='chat'><body>hi</body><x xmlns='urn:y'/></message>`,
}
