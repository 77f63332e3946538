#!/bin/sh
# Installs the Debian packages of which the tests and the demo start programs,
# or the packages named as arguments. Packages already there are left alone,
# so a second run does nothing. As root it installs, otherwise through sudo;
# where neither is to be had it prints the command to run and exits with 2.
#
# No service is started: the tests run servers of their own, on free ports of
# 127.0.0.1 and in directories of their own. While apt runs, policy-rc.d tells
# Debian's scripts not to start anything; afterwards the file is as it was.
# What this script installed is also kept from starting at boot.
set -eu

programs='prosody prosody-modules ejabberd redis-server profanity-light python3-slixmpp tmux chromium fonts-dejavu-core
	postgresql erlang-p1-pgsql erlang-p1-sqlite3
	radicale python3-passlib xandikos'
[ $# -gt 0 ] || set -- $programs

say() { printf '%s\n' "$*" >&2; }

installed() {
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# have: profanity-light is Profanity without a hundred packages of desktop; who
# has the other one keeps it.
have() {
	installed "$1" || { [ "$1" = profanity-light ] && installed profanity; }
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	say "The tests start Debian's own servers, and this machine has no apt-get."
	say "Run them on Debian 12, or in a container of it. Packages: $*"
	exit 2
fi

missing=
for package in "$@"; do
	have "$package" || missing="$missing $package"
done
missing=${missing# }
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
		say "Missing: $missing. Installing through sudo."
		exec sudo -- /bin/sh "$0" "$@"
	fi
	say "These Debian packages are missing: $missing"
	say "Run this as root, then try again:"
	say "    apt-get install --no-install-recommends $missing"
	exit 2
fi

# One at a time: two would undo each other's policy-rc.d.
exec 9>/run/lock/presenced-packages
flock 9

say "Installing from Debian, which takes a minute: $missing. No service will be started."

policy=/usr/sbin/policy-rc.d
saved=$policy.before-presenced
log=
mark='# Put here by presenced while it installs packages.'

restore() {
	[ -z "$log" ] || rm -f "$log"
	if [ -e "$saved" ] || [ -L "$saved" ]; then
		mv -f "$saved" "$policy"
	elif grep -qsF "$mark" "$policy"; then
		rm -f "$policy"
	fi
}

# A run that was killed may have left its files: begin from what was there.
restore
log=$(mktemp)
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if [ -e "$policy" ] || [ -L "$policy" ]; then
	mv "$policy" "$saved"
fi
printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
get() { apt-get -q -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$log" 2>&1; }
get update || say "The package lists could not be refreshed; going on with those at hand."
# shellcheck disable=SC2086 # a list of package names
if ! get install --no-install-recommends $missing; then
	cat "$log" >&2
	exit 1
fi

for package in $missing; do
	if [ -e "/etc/init.d/$package" ]; then
		update-rc.d "$package" disable >/dev/null 2>&1 || say "$package may start at the next boot."
	fi
done
say "Installed: $missing. Nothing was started, and nothing of it starts at boot."
