"""A new user whose program is written with slixmpp and knows nothing of presenced.

Usage: slixmpp_person.py JID PASSWORD ADDRESS PORT COMPONENT MIRROR

She finds the component's commands, enrols by its form, adds a mirror and sets
do-not-disturb, with slixmpp's own disco, forms, commands and capabilities. What she
reads goes to the standard output, one line for each thing; she stays online until
her standard input ends.
"""
import asyncio
import sys

import slixmpp

JID, PASSWORD, ADDRESS, PORT, COMPONENT, MIRROR = sys.argv[1:]


def tell(*words):
    print(*words, flush=True)


class Person(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(JID, PASSWORD, plugin_config={"feature_mechanisms": {"unencrypted_plain": True}})
        for xep in ("0004", "0030", "0050", "0054", "0077", "0115", "0153"):
            self.register_plugin("xep_" + xep)
        self.seen = asyncio.Queue()
        self.said = asyncio.Queue()
        self.add_event_handler("presence", self.sees)
        self.add_event_handler("message", self.said.put_nowait)

    def sees(self, presence):
        if presence["from"].bare == MIRROR and presence["caps"]["ver"]:
            self.seen.put_nowait(presence)

    def command(self, node, **answers):
        """Runs a command as slixmpp's session does; the result is its notes."""
        done = self.loop.create_future()
        commands = self["xep_0050"]

        def failed(iq, session):
            done.set_exception(RuntimeError("%s: %s" % (node, iq["error"])))

        def shown(iq, session):
            if iq["command"]["status"] == "completed":
                done.set_result(" ".join(text for _, text in iq["command"]["notes"]))
                return
            form = iq["command"]["form"]
            for var, answer in answers.items():
                tell(node, "asks", form.get_fields()[var]["label"])
                form.get_fields()[var]["value"] = answer
            form.reply()
            session["payload"] = form
            commands.complete_command(session)

        commands.start_command(COMPONENT, node, {"next": shown, "error": failed})
        return done

    async def story(self):
        info = (await self["xep_0030"].get_info(COMPONENT))["disco_info"]
        tell("is", *("/".join(part for part in one if part) for one in info["identities"]))
        form = await self["xep_0077"].get_registration(COMPONENT)
        tell("registered", form["register"]["registered"])
        items = (await self["xep_0050"].get_commands(COMPONENT))["disco_items"]["items"]
        tell("offers", *sorted(node for _, node, _ in items if node in ("enable", "set-state")))
        tell(await self.command("enable", confirm=True))

        self.send_presence_subscription(MIRROR)
        presence = await self.seen.get()
        tell("sees", presence["show"] or "available", presence["status"], "from", presence["from"].resource)
        info = (await self["xep_0030"].get_info(MIRROR, "%(node)s#%(ver)s" % presence["caps"].values))["disco_info"]
        tell("capabilities", self["xep_0115"].generate_verstring(info, "sha-1") == presence["caps"]["ver"])
        card = (await self["xep_0054"].get_vcard(MIRROR))["vcard_temp"]
        tell("card", card["FN"], presence["vcard_temp_update"]["photo"])

        tell(await self.command("set-state", state="do-not-disturb"))
        self.send_message(COMPONENT, "status", mtype="chat")
        tell("reads", (await self.said.get())["body"].splitlines()[0])

    async def play(self):
        await self.get_roster()
        self.send_presence()
        await self.story()
        await self.loop.run_in_executor(None, sys.stdin.read)
        await self.disconnect()


person = Person()
person.connect((ADDRESS, int(PORT)), force_starttls=False, disable_starttls=True)
person.loop.run_until_complete(person.wait_until("session_start", 10))
person.loop.run_until_complete(person.play())
