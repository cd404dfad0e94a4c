#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Messages that a daemon looks for instead of sleeping: for whom, for whom not, and that it
# sleeps when nobody asks.

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar small.tar <<'END'
d("./")
f("a", "one\n")
f("b", "two\n")
END
as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
printf '/.* a:b:c:s0\n' >policy
as_user "$LIVERY" label --policy policy rootfs >/dev/null || bail "no labels"

# ask FILE TIMES: one question after the other, each some time after its answer, as if the
# two were on different processors. Which they are depends on what else runs.
ask=$(cat <<'END'
import os, sys, time
for i in range(int(sys.argv[2])):
    assert os.getxattr(sys.argv[1], "security.selinux") == b"a:b:c:s0\0"
    end = time.monotonic_ns() + 40000
    while time.monotonic_ns() < end:
        pass
END
)
asks() { as_user "${@:3}" /usr/bin/python3 -c "$ask" "$1" "$2"; }
looked_for() {
	as_user getfattr --only-values -n livery.stats view 2>/dev/null |
		awk '$1 == "looked-for" { n = $2 } END { print n + 0 }'
}
# On a busy machine it may take some time.
found_by_looking() {
	for _ in {1..20}; do
		"$@" || return
		[ "$(looked_for)" != 0 ] && return
	done
	return 1
}
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# --- who asks and asks

ok "mount -o stats" mount_view rootfs view -o stats
is "$(looked_for)" 0 "at first the daemon sleeps"
ok "one program that asks a lot is looked for" found_by_looking asks view/a 10000
pid=$(daemons)
sleep 0.2
before=$(ticks "$pid")
sleep 1
ok "when nobody asks the daemon sleeps" test "$(($(ticks "$pid") - before))" -lt 3
asks view/a 10000 & one=$!
asks view/b 10000 & two=$!
ok "two at once are answered" wait "$one"
ok "both" wait "$two"
ok "umount" as_user "$LIVERY" umount view
ok "no daemon is left" wait_for 10 no_daemon

# --- who does not need it

ok "mount again" mount_view rootfs view -o stats
asks view/a 10000 taskset -c "$(taskset -cp $$ | sed 's/.*[ ,-]//')"
is "$(looked_for)" 0 "a program on one processor is followed there instead"
ok "umount" as_user "$LIVERY" umount view
ok "mount -o threads=1" mount_view rootfs view -o stats,threads=1
asks view/a 10000
is "$(looked_for)" 0 "one thread sleeps"
ok "umount" as_user "$LIVERY" umount view
ok "no daemon is left" wait_for 10 no_daemon
exits 0 "livery run" as_user "$LIVERY" run --ro -o stats rootfs -- /usr/bin/python3 -c "$ask" @/a 10000
is "$(grep -c GETXATTR <<<"$ERR") $(grep -c looked-for <<<"$ERR")" "2 0" "holds programs instead"

# --- a view that writes, and its end while it looks

touches=$(cat <<'END'
import os, sys, time
for i in range(int(sys.argv[2])):
    os.utime(sys.argv[1], (i, i))
    assert os.stat(sys.argv[1]).st_mtime == i
    end = time.monotonic_ns() + 40000
    while time.monotonic_ns() < end:
        pass
END
)
ok "mount -o rw,stats" mount_fg rootfs view -o rw,stats
ok "one that changes a lot is looked for" \
	found_by_looking as_user /usr/bin/python3 -c "$touches" view/a 5000
asks view/a 100000000 2>/dev/null &
wait_for 10 found_by_looking true
kill -TERM "$fg_pid"
ok "the daemon ends while it is asked" foreground_ended 0
wait
no_sanitizer_report view
finish
