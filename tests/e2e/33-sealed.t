#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A sealed view: what changes under it is told, by name and with exit 1, and no reader gets
# a mix of old and new. A daemon that is killed leaves a mount point that can be freed.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar small.tar <<'END'
d("./")
d("etc")
f("etc/a", "a" * 100)
f("etc/b", "b" * 100)
h("etc/b-too", "etc/b")
f("etc/new\nline", "n")
d("etc/sub")
f("etc/sub/c", "c")
l("etc/link", "a")
c("etc/null", 1, 3)
d("unseen")
f("unseen/x", "x")
f("big", b"A" * (8 << 20))
END
as_user "$LIVERY" unpack small.tar pristine >/dev/null || bail "nothing to go on with"
fresh() {
	rm -rf rootfs rootfs-2 rootfs.livery
	as_user cp -a pristine rootfs
	as_user cp pristine.livery rootfs.livery
}
look() { as_user find view/etc -ls >/dev/null; }

# --- a change under a view that was looked at

change() { # DESCRIPTION REGEX COMMAND: found by umount, and by a daemon in the foreground
	fresh
	mount_view rootfs view || bail "cannot mount"
	look
	as_user bash -c "cd rootfs && $3"
	exits 1 "$1: umount" as_user "$LIVERY" umount view
	like "$ERR" "livery: $SCRATCH/view: $2" "$1: it is named"
	like "$ERR" "not all was shown as it should be .see above.: what was made from this view may be wrong" "$1: and judged"
	result "$(! is_mounted "$SCRATCH/view"; echo $?)" "$1: the view is gone all the same"
	fresh
	mount_fg rootfs view || bail "cannot mount"
	look
	as_user bash -c "cd rootfs && $3"
	as_user fusermount3 -u view
	ok "$1: the daemon in the foreground exits 1" foreground_ended 1
	like "$(cat view.log)" "$2" "$1: and names it"
}
change "content" "/etc/a: changed" 'echo more >>etc/a'
change "content of the same size, times put back" "/etc/a: changed" \
	'touch -r etc/a ../stamp; tr a z <etc/a >../z; cat ../z >etc/a; touch -r ../stamp etc/a'
change "a truncated file" "/etc/a: changed" 'truncate -s 10 etc/a'
change "a removed file" "/etc/a: was removed" 'rm etc/a'
change "a replaced file" "/etc/a: changed" 'cp -p etc/a ../copy; mv ../copy etc/a'
change "a removed directory" "/etc/sub" 'rm -r etc/sub'
change "a new file" "/etc: changed" 'touch etc/new'
change "a new file in the root" "/: changed" 'touch new'
change "a moved file" "/etc/a: was removed" 'mv etc/a etc/z'
change "a hard link's content" "/etc/b(-too)?: changed" 'echo more >>etc/b-too'
change "a link" "/etc/link: changed" 'ln -sfn b etc/link'
change "a mode" "/etc/a: changed" 'chmod 700 etc/a'
change "an attribute" "/etc/a: changed" 'touch -c etc/a; setfattr -n user.x -v 1 etc/a 2>/dev/null; :'
change "content in a placeholder" "/etc/null: changed" 'echo >etc/null'
change "a name with a newline" '/etc/new\\nline: was removed' 'rm etc/new?line'
change "the whole tree moved away" "/: $SCRATCH/rootfs: No such file" 'mv ../rootfs ../moved; mv ../moved ../rootfs-2'
change "another tree in its place" "/: $SCRATCH/rootfs: another directory is there now" 'mv ../rootfs ../rootfs-2; cp -a ../pristine ../rootfs'

fresh
mount_view rootfs view
look
as_user chmod 600 rootfs/etc/a
as_user chmod 644 rootfs/etc/a
exits 1 "a change and back" as_user "$LIVERY" umount view
fresh
mount_view rootfs view
look
as_user bash -c 'cat rootfs/etc/a rootfs/big >/dev/null; ls -R rootfs >/dev/null'
ok "reading the staging tree is no change" as_user "$LIVERY" umount view

# --- readers

# Reads a file in pieces while it changes; prints what was read.
cat >pieces.py <<'END'
import errno, os, subprocess, sys
command, got, error = sys.argv[1], set(), ""
fd = os.open("view/big", os.O_RDONLY)
got |= set(os.read(fd, 65536))
subprocess.run(command, shell=True, check=True)
try:
    while True:
        piece = os.read(fd, 65536)
        if not piece:
            break
        got |= set(piece)
except OSError as e:
    error = errno.errorcode[e.errno]
print("".join(sorted(map(chr, got))), error or "end", os.lseek(fd, 0, os.SEEK_CUR) if not error else "")
END
reader() { # DESCRIPTION COMMAND
	fresh
	mount_view rootfs view
	read_back=$(as_user /usr/bin/python3 pieces.py "$2" 2>&1)
	like "$read_back" "^A (EIO|end 8388608)" "$1: an error or the old bytes, never a mix"
	capture as_user cat view/big
	like "$status $(head -c 1000 .out | tr -d A)" "^[01] $" "$1: the same for a new reader"
	exits 1 "$1: umount" as_user "$LIVERY" umount view
	like "$ERR" "big" "$1: it is named"
}
reader "content changed" "head -c 8388608 /dev/zero | tr '\\0' B | dd of=rootfs/big conv=notrunc status=none"
reader "the end changed" "printf B | dd of=rootfs/big bs=1 seek=8388607 conv=notrunc status=none"
reader "cut off" "truncate -s 100000 rootfs/big"
reader "cut off and grown again" "truncate -s 0 rootfs/big; truncate -s 8388608 rootfs/big"
reader "removed" "rm rootfs/big"
reader "replaced" "head -c 8388608 /dev/zero | tr '\\0' B >other; mv other rootfs/big"
reader "made a link" "ln -sf /etc/passwd rootfs/big"
reader "made a directory" "rm rootfs/big; mkdir rootfs/big"

fresh
mount_view rootfs view
look
as_user bash -c 'rm rootfs/etc/link; ln -s elsewhere rootfs/etc/link'
like "$(as_user readlink view/etc/link)" "^(a|)$" "a link that changed: the old target or none"
exits 1 "umount" as_user "$LIVERY" umount view
fresh
mount_view rootfs view
as_user ls view >/dev/null
as_user bash -c 'mv rootfs/unseen rootfs/old; mkdir rootfs/unseen; touch rootfs/unseen/y'
exits 2 "a directory replaced before it was read" as_user ls view/unseen
exits 1 "umount" as_user "$LIVERY" umount view
like "$ERR" "unseen" "it is named"

# --- staging files that cannot be read

fresh
as_user chmod 0 rootfs/etc/a
ok "mount with an unreadable file" mount_view rootfs view
capture as_user tar -C view -cf out.tar .
is "$status" 2 "tar fails"
like "$ERR" "etc/a: .*Permission denied" "and names it"
exits 1 "umount" as_user "$LIVERY" umount view
like "$ERR" "etc/a.*Permission denied" "umount names it too"
fresh
as_user chmod 0 rootfs/etc/sub
ok "mount with an unreadable directory" mount_view rootfs view
capture as_user tar -C view -cf out.tar .
is "$status" 2 "tar fails"
exits 1 "umount" as_user "$LIVERY" umount view
like "$ERR" "etc/sub.*Permission denied" "umount names it too"
as_user chmod 755 rootfs/etc/sub

# --- the database

database() { # DESCRIPTION COMMAND
	fresh
	mount_view rootfs view
	look
	as_user bash -c "$2" >/dev/null
	exits 1 "$1: umount" as_user "$LIVERY" umount view
	like "$ERR" "rootfs.livery: the database was changed, removed or replaced under the view" "$1: it is named"
	fresh
	mount_fg rootfs view
	look
	as_user bash -c "$2" >/dev/null
	# What was not read yet is shown by the database, old or new, or not at all.
	capture as_user ls -n view/unseen
	like "$status $OUT" "^([12] |0 .* (0|99) 0 1 )" "$1: no guess at what it held"
	as_user fusermount3 -u view
	ok "$1: the daemon in the foreground exits 1" foreground_ended 1
}
database "a database that was removed" "rm rootfs.livery"
database "one that was replaced" "cp rootfs.livery x.db; mv x.db rootfs.livery"
database "one that label made anew" "rm rootfs.livery; echo '/.* a:b:c:s0' >policy; '$LIVERY' label --policy policy rootfs"
# The same size and change counter as before, another content.
database "one that was changed in place" \
	"cp rootfs.livery x.db; sqlite3 rootfs.livery .dump >/dev/null; sleep 0.02
	cat x.db >rootfs.livery"
database "one that was cut off" "truncate -s 8192 rootfs.livery"
database "one that was overwritten" "head -c 30000 /dev/zero | tr '\\0' x | dd of=rootfs.livery conv=notrunc status=none"
database "one that was emptied" ": >rootfs.livery"

fresh
mount_view rootfs view
look
exits 1 "SQLite cannot write to a database that is shown" as_user /usr/bin/python3 -c '
import sqlite3
db = sqlite3.connect("rootfs.livery", timeout=0.2)
db.execute("UPDATE record SET uid = 99")
db.commit()'
like "$ERR" "database is locked" "it is locked"
ok "and the view stayed sealed" as_user "$LIVERY" umount view

# --- a daemon that is killed

fresh
mount_view rootfs view
look
as_user stat view >/dev/null # the kernel knows its root from now on, daemon or not
kill -KILL "$(daemons)"
ok "a killed daemon is gone" wait_for 10 no_daemon
exits 1 "the view answers no more" as_user stat view/unseen
like "$ERR" "not connected" "with ENOTCONN"
exits 2 "mount over it" as_user "$LIVERY" mount rootfs view
like "$ERR" "view: .*daemon died.*livery umount" "says what to do"
exits 2 "ls in it" as_user "$LIVERY" ls view/etc
like "$ERR" "view" "names it"
exits 1 "livery umount" as_user "$LIVERY" umount view
like "$ERR" "$SCRATCH/view: the view's daemon had died; the mount point is free again" "says so"
result "$(! is_mounted "$SCRATCH/view"; echo $?)" "it is free"
ok "the database is free as well" as_user "$LIVERY" chown 1:1 rootfs/etc/a
ok "mount works again" mount_view rootfs view
is "$(as_user stat -c %u view/etc/a)" 1 "and shows everything"
for path in view/ ./view "$SCRATCH//view/"; do
	kill -KILL "$(daemons)"
	exits 1 "umount as $path" eval 'wait_for 10 no_daemon; as_user "$LIVERY" umount "$path"'
	result "$(! is_mounted "$SCRATCH/view"; echo $?)" "frees it"
	mount_view rootfs view
done
kill -KILL "$(daemons)"
exits 1 "umount from another directory" eval 'wait_for 10 no_daemon; as_user env -C rootfs/etc "$LIVERY" umount ../../view'
mount_fg rootfs view
kill -KILL "$fg_pid"
ok "a daemon in the foreground is killed" foreground_ended 137
exits 1 "umount" as_user "$LIVERY" umount view
as_user mkdir -p $'odd \n,view'
as_user "$LIVERY" mount rootfs $'odd \n,view'
kill -KILL "$(daemons)"
exits 1 "umount of an odd name" eval 'wait_for 10 no_daemon; as_user "$LIVERY" umount "odd 
,view"'
if have_root && top=$(as_root mktemp -d /livery-e2e.XXXXXX); then
	as_root chown "$(as_user id -u)" "$top"
	for path in "$top" "${top#/}"; do
		as_user "$LIVERY" mount rootfs "$top"
		kill -KILL "$(daemons)"
		exits 1 "umount in the root directory" \
			eval 'wait_for 10 no_daemon; as_user env -C / "$LIVERY" umount "$path"'
		result "$(! is_mounted "$top"; echo $?)" "frees it"
		as_root umount -q "$top"
	done
	as_root rmdir "$top"
else
	skip "umount in the root directory" "nobody may make a mount point there"
fi
ok "it is usable" as_user "$LIVERY" mount rootfs $'odd \n,view'
ok "and ends well" as_user "$LIVERY" umount $'odd \n,view'
ok "no daemon is left" wait_for 10 no_daemon
no_sanitizer_report "all"
finish
