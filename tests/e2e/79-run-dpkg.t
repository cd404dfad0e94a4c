#!/bin/bash
# SPDX-License-Identifier: MIT
#
# dpkg --root of a hundred packages, with all their maintainer scripts, into a small Debian: an
# ordinary user under livery run --userns gets what root gets natively by the same command, and is
# told the same.

# shellcheck disable=SC2016,SC2154 # text for other shells, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"
# shellcheck disable=SC2034 # the library's
E2E_TIMEOUT=300

fixture --small
fetched=$("$e2e_top/tests/fixtures/mkpackages" "$FIXTURES") || bail "there are no packages"
mkdir packages && tar -C packages -xf "$fetched" --strip-components=1 debs
chmod -R a+rX packages
is "$(find packages -name '*.deb' | wc -l)" 100 "a hundred packages"
scripts=0
for deb in packages/*.deb; do
	dpkg-deb --ctrl-tarfile "$deb" | tar -t | grep -qE '/(preinst|postinst)$' && scripts=$((scripts + 1))
done
result $((scripts < 50)) "of which many have maintainer scripts ($scripts)"

cat >steps <<'END'
# ROOT PACKAGES STARTED: some of them cannot be configured, since what they depend on is not
# among the hundred. Then what is newer than the start gets one fixed time, since nobody can know
# the clock's before.
umask 022
unset TMPDIR HOME
export DEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH=1700000000 LC_ALL=C.UTF-8
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
root=$1
does() {
	dpkg --root="$root" --log=/dev/null --force-depends "$@" 2>&1 </dev/null |
		grep -vE '^(Local|Universal) [Tt]ime is now:' | sed "s|$root|ROOT|g"
	echo "exit ${PIPESTATUS[0]}"
}
does --unpack "$2"/*.deb
does --configure --pending
dpkg-query --admindir="$root/var/lib/dpkg" -W -f='${Package} ${db:Status-Status}\n'
rm -f "$root"/tmp/dma.conf.* # a name drawn by one that fails
find "$root" -newermt "@$3" -exec touch -h -d '2024-02-29 01:02:03.456789012Z' {} +
END
started=$(($(date +%s) - 1))
native() {
	as_root mkdir native && as_root tar -C native -xpf "$FIXTURE" --numeric-owner --xattrs --xattrs-include='*' &&
		as_root bash steps "$SCRATCH/native" "$SCRATCH/packages" "$started" >native.out 2>native.err
}
if have_root; then
	native &
	native_pid=$!
fi
ok "unpack" as_user "$LIVERY" unpack "$FIXTURE" tree
ok "dpkg under --userns" as_user "$LIVERY" run --userns tree bash steps @ "$SCRATCH/packages" "$started"
mv .out session.out
is "$ERR" "" "nothing goes wrong beside it"
is "$(grep -c '^exit' session.out) $(grep -m 1 '^exit' session.out)" "2 exit 0" "all is unpacked"
as_user "$LIVERY" run tree /usr/bin/python3 .bin/lib/scan.py @ >session.list
configured=$(awk 'NF == 2 && $2 == "installed"' session.out | wc -l)
result $((configured < 140)) "most packages are configured ($configured)"
like "$(cat session.out)" "update-alternatives: using /bin/nano" "their scripts have run"

# Times in its lines; inode numbers and change times of libraries.
others=(--ignore=/var/log/alternatives.log --ignore=/var/cache/ldconfig/aux-cache)
if have_root; then
	ok "as root natively" wait "$native_pid"
	is "$(cat native.err)" "" "nothing goes wrong beside it either"
	is "$(diff native.out session.out | head -n 20)" "" "dpkg and the scripts say the same"
	as_root /usr/bin/python3 .bin/lib/scan.py native >native.list
	owned=$(awk -F'\t' '$4 != 0 || $5 != 0' native.list | wc -l)
	result $((owned < 30)) "30 and more are not 0:0 ($owned)"
	result $(($(grep -c "	c	" native.list) < 5)) "there are device nodes"
	same "the tree equals root's" native.list session.list "${others[@]}"
else
	skip "the tree equals root's" "making that needs root"
fi
ok "database and tree agree" as_user "$LIVERY" status tree
ok "no process is left" wait_for 10 no_daemon
is "$(mounts_left)" "" "no mount is left"
no_sanitizer_report "all"
finish
