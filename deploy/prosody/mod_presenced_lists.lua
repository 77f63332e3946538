-- What Prosody 0.12's mod_privacy_lists lacks for presenced's
-- privacy.egress = "managed" (docs/egress.md). Load it on each VirtualHost:
--
--  1. A list's presence-out is about presence as it is shown to others (XEP-0016
--     section 2.11): probes and what is about subscriptions pass. mod_privacy_lists
--     drops them as well, so that who denies contacts presence-out can neither
--     see them at login nor revoke or ask for a subscription.
--  2. A privileged component may set the default list while its owner is online.
--     mod_privacy_lists refuses while any of her sessions uses the default, and
--     cannot do it while she has none.
--
-- It announces itself in disco#info of the host. presenced writes nothing where
-- it does not find that.

module:depends("privacy_lists");
module:add_feature("urn:presenced:lists:0");

local st = require "util.stanza";
local store = module:open_store("privacy");
local users = prosody.hosts[module.host].sessions;

-- mod_privacy_lists decides at 500, by the name of the stanza. Just before it gets
-- to see a copy that is no presence, so that only items about everything apply.
local function before(event)
	local kind = event.stanza.attr.type;
	if kind == nil or kind == "unavailable" then return; end
	local shadow = st.clone(event.stanza);
	shadow.name = "subscription";
	event.presenced_stanza, event.stanza = event.stanza, shadow;
end

local function after(event)
	if event.presenced_stanza then
		event.stanza, event.presenced_stanza = event.presenced_stanza, nil;
	end
end

for _, to in ipairs { "bare", "full", "host" } do
	module:hook("pre-presence/" .. to, before, 501);
	module:hook("pre-presence/" .. to, after, 499);
end

-- The sessions that mod_privilege makes up have no resource; those of clients do.
module:hook("iq/bare/jabber:iq:privacy:query", function (event)
	local origin, stanza = event.origin, event.stanza;
	local query = stanza.tags[1];
	local tag = query and #query.tags == 1 and query.tags[1];
	if origin.resource or stanza.attr.to or stanza.attr.type ~= "set" or not tag or tag.name ~= "default" then
		return;
	end
	local lists = users[origin.username] and users[origin.username].privacy_lists;
	local name = tag.attr.name;
	if not lists or not lists.lists or name and not lists.lists[name] then
		return; -- mod_privacy_lists tells what is wrong
	end
	local old = lists.default;
	lists.default = name;
	local keep = lists;
	if name == nil and next(lists.lists) == nil then keep = nil; end
	local ok, err = store:set(origin.username, keep);
	if not ok then
		lists.default = old;
		origin.send(st.error_reply(stanza, "wait", "internal-server-error", err));
		return true;
	end
	origin.send(st.reply(stanza));
	return true;
end, 1);
