#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Bad policies, bad staging trees, bad mount points and hosts that cannot mount: a clear
# error that names the thing, exit 2, and nothing lost.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar small.tar <<'END'
d("./")
d("etc")
f("etc/passwd", "root:x:0:0::/:\n")
f("etc/group", "root:x:0:\n")
d("a")
f("a/1", "one", uid=7)
END
as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
as_user mkdir empty

# Everything that an error must leave alone.
state() {
	{
		sha256sum rootfs.livery
		find rootfs -printf '%p %y %s %T@ %l\n' | sort
		find rootfs -type f -exec sha256sum {} + | sort
		find empty
	} | sha256sum
}
before=$(state)
# refused EXIT DESCRIPTION REGEX COMMAND...: as the user; exit status and message; all as
# before.
refused() {
	exits "$1" "$2" as_user "${@:4}"
	like "$ERR" "^livery" "$2: the message is livery's"
	like "$ERR" "$3" "$2: it names the thing"
	is "$(grep -c . <<<"$ERR")" 1 "$2: in one line"
	is "$(state)" "$before" "$2: nothing is lost"
}

# --- policies

as_user "$LIVERY" label rootfs >/dev/null 2>&1
refused 2 "no policy in the tree" "$SCRATCH/rootfs: no policy in it \(etc/selinux\).*--policy" \
	"$LIVERY" label rootfs
refused 2 "a policy that is not there" "absent/policy: No such file" \
	"$LIVERY" label --policy absent/policy rootfs
refused 2 "a directory without a policy" "empty: holds no file_contexts" \
	"$LIVERY" label --policy empty rootfs
as_user touch nothing
refused 2 "an empty policy" "nothing" "$LIVERY" label --policy nothing rootfs
printf '# only\n\n   # comments\n' >comments
refused 2 "a policy of comments" "comments" "$LIVERY" label --policy comments rootfs
bad_line() { # DESCRIPTION LINE-NUMBER REGEX TEXT
	printf '%b' "$4" >bad-policy
	refused 2 "$1" "bad-policy:$2(:[0-9]+)?: .*$3" "$LIVERY" label --policy bad-policy rootfs
}
bad_line "a bad expression" 2 "regular expression" '/.* a:b:c:s0\n/etc/(x a:b:d:s0\n'
bad_line "an unknown file type" 3 "file type" '# one\n/.* a:b:c:s0\n/etc -x a:b:d:s0\n'
bad_line "a line without a label" 2 "" '/.* a:b:c:s0\n/etc\n'
bad_line "a byte that is no ASCII" 2 "ASCII" '/.* a:b:c:s0\n/\xe9 a:b:d:s0\n'
as_user mkdir -p set
printf '/.* a:b:c:s0\n' >set/file_contexts
printf '/ok a:b:c:s0\n/[ a:b:c:s0\n' >set/file_contexts.local
refused 2 "a bad line in a companion" "set/file_contexts.local:2" "$LIVERY" label --policy set rootfs
rm set/file_contexts.local
printf '/only-one\n' >set/file_contexts.subs
refused 2 "a bad substitution" "set/file_contexts.subs:1" "$LIVERY" label --policy set rootfs
rm set/file_contexts.subs
head -c 300000 /dev/urandom >random
refused 2 "a policy of random bytes" "random:[0-9]+" "$LIVERY" label --policy random rootfs
as_user touch unreadable
as_user chmod 0 unreadable
refused 2 "a policy that cannot be read" "unreadable.*Permission denied" \
	"$LIVERY" label --policy unreadable rootfs

# --- staging trees

refused 2 "no staging tree: label" "$SCRATCH/absent: No such file" "$LIVERY" label --policy set absent
refused 2 "no staging tree: mount" "$SCRATCH/absent: No such file" "$LIVERY" mount absent empty
refused 2 "no staging tree: status" "$SCRATCH/absent: No such file" "$LIVERY" status absent
refused 2 "no staging tree: verify" "$SCRATCH/absent: No such file" "$LIVERY" verify absent
result "$(! [ -e absent.livery ]; echo $?)" "no database was made for it"
refused 2 "a file as staging tree" "nothing: Not a directory" "$LIVERY" mount nothing empty
refused 2 "a file as staging tree: unpack" "nothing: Not a directory" "$LIVERY" unpack small.tar nothing
result "$(! [ -e nothing.livery ]; echo $?)" "no database was made for it"
refused 2 "somebody else's staging tree: mount" "/usr/share: belongs to user 0, not to you" \
	"$LIVERY" mount /usr/share empty
refused 2 "somebody else's staging tree: label" "/usr/share: belongs to user 0" \
	"$LIVERY" label --policy set --db own.livery /usr/share
refused 2 "somebody else's staging tree: unpack" "/usr/share: belongs to user 0" \
	"$LIVERY" unpack --db own.livery small.tar /usr/share
result "$(! [ -e own.livery ]; echo $?)" "no database was made for it"
if have_root; then
	mkdir closed
	chmod 700 closed
	refused 2 "a staging tree behind a closed directory" "closed/tree.*Permission denied" \
		"$LIVERY" mount closed/tree empty
	mkdir foreign
	refused 2 "unpack where nothing can be made" "foreign/new.*Permission denied" \
		"$LIVERY" unpack small.tar foreign/new
	as_root chmod 755 closed
else
	skip "a closed directory" "it would be the user's own"
fi
refused 2 "no directory above the staging tree" "no/such.*No such file" "$LIVERY" unpack small.tar no/such/tree
refused 2 "a tree without a database" "set.livery.*livery unpack" "$LIVERY" mount set empty
refused 2 "the root as staging tree" "/ .*--db" "$LIVERY" label --policy set /
as_user mkdir bare
refused 2 "a database that cannot be made" "no/db" "$LIVERY" label --policy set --db no/db bare
refused 2 "chown of the tree's parent" "neither it nor" "$LIVERY" chown 0:0 "$SCRATCH"
refused 2 "an empty path" "No such file" "$LIVERY" stat ""

# Links that lead out of the tree: never followed.
as_user bash -c 'mkdir outside && echo "evil:x:666:666::/:" >outside/passwd &&
	mkdir -p outside/selinux/t/contexts/files && echo "/.* out:of:tree:s0" >outside/selinux/t/contexts/files/file_contexts
	echo SELINUXTYPE=t >outside/selinux/config'
as_user cp -a rootfs keep
links_out() { # DESCRIPTION REGEX SETUP COMMAND...
	as_user bash -c "$3"
	exits 2 "$1" as_user "${@:4}"
	like "$ERR" "$2" "$1: it names the thing"
	as_user bash -c 'rm -rf rootfs && cp -a keep rootfs'
}
links_out "etc/passwd leads out" "etc/passwd" 'ln -sf ../../outside/passwd rootfs/etc/passwd' \
	"$LIVERY" chown evil rootfs/a/1
links_out "etc leads out" "etc/passwd" 'rm -r rootfs/etc && ln -s ../outside rootfs/etc' \
	"$LIVERY" chown evil rootfs/a/1
as_user ln -sf ../../outside/passwd rootfs/etc/passwd
ok "etc/passwd leads out: ls" as_user "$LIVERY" ls rootfs/a
like "$OUT" " 7 +root " "etc/passwd leads out: ls shows the number"
ok "etc/passwd leads out: chown to a number" as_user "$LIVERY" chown 666 rootfs/a/1
as_user bash -c 'rm -rf rootfs && cp -a keep rootfs'
links_out "etc/passwd is a fifo: ls" "etc/passwd" 'rm rootfs/etc/passwd && mkfifo rootfs/etc/passwd' \
	"$LIVERY" ls rootfs/a
links_out "etc/passwd is a fifo" "etc/passwd" 'rm rootfs/etc/passwd && mkfifo rootfs/etc/passwd' \
	"$LIVERY" chown evil rootfs/a/1
links_out "etc/selinux leads out" "etc/selinux" 'ln -s ../../outside/selinux rootfs/etc/selinux' \
	"$LIVERY" label rootfs
links_out "etc/selinux/config leads out" "etc/selinux/config" \
	'mkdir rootfs/etc/selinux && ln -s ../../../outside/selinux/config rootfs/etc/selinux/config' \
	"$LIVERY" label rootfs
links_out "the policy leads out" "etc/selinux/t" \
	'mkdir rootfs/etc/selinux && echo SELINUXTYPE=t >rootfs/etc/selinux/config &&
	ln -s ../../../outside/selinux/t rootfs/etc/selinux/t' "$LIVERY" label rootfs
links_out "file_contexts leads out" "file_contexts.*symbolic link" \
	'mkdir -p rootfs/etc/selinux/t/contexts/files && echo SELINUXTYPE=t >rootfs/etc/selinux/config &&
	ln -s ../../../../../../outside/selinux/t/contexts/files/file_contexts rootfs/etc/selinux/t/contexts/files/' \
	"$LIVERY" label rootfs
links_out "SELINUXTYPE leads out" "etc/selinux/config: SELINUXTYPE" \
	'mkdir rootfs/etc/selinux && echo SELINUXTYPE=../../../outside/selinux/t >rootfs/etc/selinux/config' \
	"$LIVERY" label rootfs
links_out "a huge configuration" "etc/selinux/config: is larger than 64 KiB" \
	'mkdir rootfs/etc/selinux && truncate -s 65537 rootfs/etc/selinux/config' \
	"$LIVERY" label rootfs
links_out "a policy that SELINUXTYPE names is not there" "etc/selinux/x.*SELINUXTYPE=x" \
	'mkdir rootfs/etc/selinux && echo SELINUXTYPE=x >rootfs/etc/selinux/config' \
	"$LIVERY" label rootfs
links_out "mknod through a link" "outside/new: not in the staging tree" 'ln -s ../../outside rootfs/a/out' \
	"$LIVERY" mknod --staging rootfs rootfs/a/out/new c 1 3
result "$(! [ -e outside/new ]; echo $?)" "nothing was made outside"
is "$(find outside -type f -newer small.tar -name new)" "" "nor anywhere in it"
before=$(state)
# Loops of links: listed, labeled, shown, never walked.
as_user ln -s loop rootfs/loop
as_user ln -s ../a rootfs/a/up
ok "label with loops of links" as_user "$LIVERY" label --policy set rootfs
like "$OUT" " 8 inodes, 8 changed" "each is labeled once"
ok "status with loops of links" as_user "$LIVERY" status rootfs
before=$(state)
refused 2 "a path through a loop" "loop/x|too many|Too many" "$LIVERY" stat rootfs/loop/x

# --- mount points

refused 2 "no mount point" "absent: No such file" "$LIVERY" mount rootfs absent
refused 2 "a file as mount point" "nothing: not a directory" "$LIVERY" mount rootfs nothing
refused 2 "a mount point that is not empty" "$SCRATCH/set: the mount point is not empty" \
	"$LIVERY" mount rootfs set
refused 2 "a mount point in the staging tree" "$SCRATCH/rootfs/a: inside the staging tree $SCRATCH/rootfs" \
	"$LIVERY" mount rootfs rootfs/a
refused 2 "the staging tree as mount point" "$SCRATCH/rootfs" "$LIVERY" mount rootfs rootfs
as_user ln -s rootfs/a sneaky
refused 2 "a mount point in the staging tree, through a link" "inside the staging tree" \
	"$LIVERY" mount rootfs sneaky
refused 2 "a mount point above the staging tree" "$SCRATCH: the staging tree $SCRATCH/rootfs is in it" \
	"$LIVERY" mount rootfs "$SCRATCH"
ok "mount" mount_view rootfs view
refused 2 "a mount point that is a view" "$SCRATCH/view: already a view of $SCRATCH/rootfs; .*livery umount" \
	"$LIVERY" mount rootfs view
refused 2 "a mount point in a view" "view/a" "$LIVERY" mount rootfs view/a
refused 2 "a view as staging tree" "view" "$LIVERY" mount view empty
refused 2 "unpack into a view" "view" "$LIVERY" unpack small.tar view
strict_umount view
if have_root; then
	as_root mkdir roots
	exits 2 "a mount point that is root's" as_user "$LIVERY" mount rootfs roots
	like "$ERR" "roots" "it is named"
	result "$(! is_mounted "$SCRATCH/roots"; echo $?)" "nothing is mounted"
fi

# --- hosts that cannot mount

if have_root; then
	# A private mount namespace in which $1 is done first; then the user mounts.
	on_host() { # DESCRIPTION SETUP REGEX
		exits 2 "$1" as_root unshare -m bash -c "$2"'
			shift
			exec setpriv --reuid="$1" --regid="$1" --clear-groups "$2" mount rootfs empty' \
			bash "" "$(as_user id -un)" "$LIVERY"
		like "$ERR" "$3" "$1: it names the thing"
		is "$(grep -c '^livery' <<<"$ERR")" 1 "$1: one message"
		is "$(state)" "$before" "$1: nothing is lost"
		ok "$1: no daemon is left" wait_for 10 no_daemon
	}
	on_host "no /dev/fuse" 'mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/null c 1 3 || exit 99' \
		"/dev/fuse: No such file.*modprobe fuse"
	on_host "/dev/fuse without a driver" \
		'mknod no-driver c 10 254; chmod 666 no-driver; mount --bind no-driver /dev/fuse || exit 99' \
		"/dev/fuse: "
	on_host "/dev/fuse of mode 0600" \
		'mknod -m 600 closed-fuse c 10 229; mount --bind closed-fuse /dev/fuse || exit 99' \
		"/dev/fuse: Permission denied.*0666"
	on_host "no fusermount3" \
		'touch no-program; mount --bind no-program "$(readlink -f "$(command -v fusermount3)")" || exit 99' \
		"no fusermount3.*package fuse3"
	on_host "a fusermount3 that fails" \
		'printf "#!/bin/sh\necho sorry >&2; exit 1\n" >failing; chmod 755 failing
		mount --bind failing "$(readlink -f "$(command -v fusermount3)")" || exit 99' \
		"empty: cannot mount"
	as_root rm -f no-driver closed-fuse no-program failing
else
	skip "hosts that cannot mount" "that needs a private mount namespace"
fi
no_sanitizer_report "all"
finish
