#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What a sealed view reads before its readers ask (fs/ahead.h): they get the same, by fewer
# messages, and what nobody asked for is nobody's fault.

# shellcheck disable=SC2154 # from the library
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user /usr/bin/python3 - <<'END' || bail "no tree"
import os
for d in range(20):
    os.makedirs(f"rootfs/{d:02}/sub")
    for f in range(10):
        with open(f"rootfs/{d:02}/{f}", "w") as out:
            out.write(f"{d} {f} " * (1 + 311 * f))
    with open(f"rootfs/{d:02}/sub/file", "w") as out:
        out.write("below")
with open("rootfs/05/5", "wb") as out: # more than is read ahead
    out.write(os.urandom(700000))
with open("rootfs/06/6", "wb") as out: # a hole
    out.truncate(100000)
END
printf '/.* a:b:c:s0\n' >policy
as_user "$LIVERY" label --policy policy rootfs >/dev/null || bail "no labels"
files=$(as_user find rootfs -type f | wc -l)
# reader ORDER PAUSE: reads all files as a walk comes to them, or backwards, with pauses between.
cat >reader <<'END'
import hashlib, os, sys, time
paths = []
def walk(d):
    for name in sorted(os.listdir(d)):
        p = os.path.join(d, name)
        walk(p) if os.path.isdir(p) else paths.append(p)
        time.sleep(float(sys.argv[3]))
walk(sys.argv[1])
for p in paths if sys.argv[2] == "forwards" else reversed(paths):
    with open(p, "rb") as f:
        print(hashlib.sha256(f.read()).hexdigest(), p.split("/", 1)[1])
    time.sleep(float(sys.argv[3]))
END
reader() { as_user /usr/bin/python3 reader "$@"; }
wanted=$(reader rootfs forwards 0)
reads() { as_user getfattr --only-values -n livery.stats view | awk '$1 == "READ" { n = $2 } END { print n + 0 }'; }
# The same, when nothing is under way any more that the kernel reads ahead by itself.
settled_reads() {
	local now last=none
	until now=$(reads) && [ "$now" = "$last" ]; do
		last=$now
		sleep 0.2
	done
	echo "$now"
}
end_view() { exits 0 "$1: umount" as_user "$LIVERY" umount view && ok "$1: the daemon has ended" wait_for 10 no_daemon; }

mount_view rootfs view -o stats || bail "no view"
is "$(reader view forwards 0.002)" "$wanted" "who reads at leisure gets all of it"
count=$(settled_reads)
result "$((count >= files / 2))" "by few messages: $count for $files files"
is "$(reader view forwards 0)" "$wanted" "and again"
is "$(reads)" "$count" "by none"
end_view "forwards"

mount_view rootfs view -o stats
is "$(reader view forwards 0)" "$wanted" "who hurries gets the same"
end_view "in a hurry"

mount_view rootfs view -o stats,threads=1
is "$(reader view forwards 0.002)" "$wanted" "with one thread"
count=$(reads)
result "$((count < files))" "nothing is read ahead: $count for $files files"
end_view "one thread"

mount_view rootfs view -o stats
is "$(reader view backwards 0.001 | sort)" "$(sort <<<"$wanted")" "who reads backwards"
count=$(reads)
result "$((count < files))" "is left alone: $count for $files files"
end_view "backwards"

ok "mount" mount_view rootfs view
ok "many readers at once" as_user bash -c 'for i in {1..8}; do
	tar -C view -cf - --sort=name --mtime=@0 --xattrs . | sha256sum >>sums & done; wait'
is "$(sort sums | uniq -c | awk '{ print $1 }')" 8 "all read the same"
rm sums
end_view "at once"

# --- what was read ahead and nobody asked for

# The first directory is walked; those behind it are read, no more.
look_at_first() { as_user bash -c 'ls -l view view/00/sub >/dev/null; cat view/00/[0-3] >/dev/null; sleep 0.3'; }
unnoticed() { # DESCRIPTION COMMAND [BEFORE]
	as_user cp -a rootfs saved
	as_user bash -c "${3-}"
	mount_view rootfs view
	look_at_first
	as_user bash -c "$2"
	exits 0 "$1: umount" as_user "$LIVERY" umount view
	is "$ERR" "" "$1: nothing is found"
	ok "$1: the daemon has ended" wait_for 10 no_daemon
	as_user chmod -R u+rwX rootfs
	rm -rf rootfs && mv saved rootfs
}
unnoticed "a file is removed where nobody looked" 'rm rootfs/01/sub/file'
unnoticed "a file there is changed" 'echo more >>rootfs/01/3'
unnoticed "files and directories that nobody may read" true "chmod 0 rootfs/00/9 rootfs/01/9 rootfs/02"
mount_view rootfs view
look_at_first
as_user bash -c 'rm rootfs/01/3; echo new >rootfs/01/new; echo changed >rootfs/02/4'
is "$(as_user ls view/01 | xargs)" "0 1 2 4 5 6 7 8 9 new sub" "a directory shows what it holds when it is first seen"
exits 1 "umount" as_user "$LIVERY" umount view
like "$ERR" "/01: changed" "that it changed since the directory above was seen is found"
ok "the daemon has ended" wait_for 10 no_daemon
no_sanitizer_report "all views"
finish
