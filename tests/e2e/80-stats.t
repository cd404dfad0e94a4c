#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Mount option stats: what each tool asks of a view, counted to the message, and where the
# table goes.

# shellcheck disable=SC2016,SC2154 # text for other shells, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

# 1 + 3 directories, 8 files of which two are one, so 11 files; each has a label and no more.
as_user .bin/lib/mktar small.tar <<'END'
d("./")
d("a")
d("a/b")
d("c")
f("a/1", "one\n")
f("a/2", "")
f("a/b/3", "x" * 5000)
f("c/4", "y" * 300000)
f("c/5", "five\n")
f("c/6", "six\n")
f("c/7", "seven\n")
h("c/8", "c/7")
END
as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
printf '/.* a:b:c:s0\n' >policy
as_user "$LIVERY" label --policy policy rootfs >/dev/null || bail "no labels"

table() { as_user getfattr --only-values -n livery.stats view; }
# messages KIND...: how many in $TABLE, 0 where there is none; field N KIND: that column.
field() { awk -v n="$1" -v kind="$2" '$1 == kind { v = $n } END { print v == "" ? 0 : v }' <<<"$TABLE"; }
messages() { for kind; do field 2 "$kind"; done | tr '\n' ' '; }
# since BEFORE KIND: how many more there are than in another table.
since() { echo $(($(field 2 "$2") - $(TABLE=$1 field 2 "$2"))); }

# --- a sealed view, to the message

ok "mount -o stats" mount_view rootfs view -o stats
TABLE=$(table)
is "$(head -n 1 <<<"$TABLE")" "kind                   messages  per-file          bytes" "the table has a head"
is "$(messages INIT LOOKUP READDIRPLUS READ)" "0 0 0 0 " "what it took to mount does not count"
as_user find view -printf '%p %s %U\n' >list
TABLE=$(table)
is "$(wc -l <list) $(field 2 files)" "12 11" "find: a file with two names is one file"
is "$(messages READDIRPLUS READDIR LOOKUP)" "8 0 0 " \
	"each directory is read once, and once more for its end, with what stat gives"
is "$(field 3 READDIRPLUS)" 0.727 "that is 8 messages for 11 files"
before=$TABLE
as_user find view -printf '%p %s %U\n' >/dev/null
TABLE=$(table)
is "$(since "$before" READDIRPLUS) $(since "$before" GETATTR) $(since "$before" LOOKUP)" "0 0 0" \
	"find again: no message for any file"
is "$(since "$before" STATFS) $(since "$before" livery.GETXATTR) $(since "$before" total)" "1 2 3" \
	"but one for the filesystem's kind; who asks for the table is counted apart"

before=$TABLE
as_user getfattr -R -h -d -m - view >attributes
TABLE=$(table)
is "$(grep -c '^security.selinux' attributes)" 12 "getfattr finds the labels of 12 names"
is "$(since "$before" LISTXATTR) $(since "$before" GETXATTR)" "24 24" \
	"and asks twice for each list and each value: how long it is, and what"
is "$(since "$before" READDIRPLUS) $(since "$before" LOOKUP)" "0 0" "the names it has from the kernel"

before=$TABLE
as_user cat view/a/1 view/a/2 view/a/b/3 view/c/4 >/dev/null
TABLE=$(table)
is "$(field 4 READ)" 305004 "content: all of its bytes, once"
result "$(($(since "$before" READ) < 4))" "in as many messages as the kernel likes ($(since "$before" READ))"
before=$TABLE
as_user cat view/a/1 view/a/b/3 view/c/4 >/dev/null
TABLE=$(table)
is "$(since "$before" READ) $(field 4 READ)" "0 305004" "again: none"

is "$(awk '$1 !~ /^(kind|total|files)$/ { print $2 }' <<<"$TABLE")" \
	"$(awk '$1 !~ /^(kind|total|files)$/ { print $2 }' <<<"$TABLE" | sort -rn)" "the most frequent come first"
is "$(awk '$1 !~ /^(kind|total|files)$/ { n += $2 } END { print n }' <<<"$TABLE")" "$(field 2 total)" \
	"and make the total"

# --- where the table goes

exits 0 "umount" as_user "$LIVERY" umount view
like "$ERR" "^livery: $SCRATCH/view: messages to the view's daemon:"$'\n'"kind " "prints it"
was=$TABLE TABLE=$ERR
is "$(field 2 LISTXATTR) $(field 4 READ) $(field 2 files)" \
	"$(TABLE=$was field 2 LISTXATTR) $(TABLE=$was field 4 READ) 11" "with all that was counted"
ok "no daemon is left" wait_for 10 no_daemon
ok "mount without" mount_view rootfs view
exits 1 "no table" table
exits 0 "umount" as_user "$LIVERY" umount view
is "$ERR" "" "says nothing"
ok "no daemon is left" wait_for 10 no_daemon

for how in fusermount3 TERM; do
	ok "mount -f -o stats" mount_fg rootfs view -o stats
	as_user find view >/dev/null
	case $how in
	TERM) kill -TERM "$fg_pid" ;;
	*) as_user fusermount3 -u view ;;
	esac
	ok "$how ends it with exit 0" foreground_ended 0
	TABLE=$(cat view.log)
	is "$(head -n 1 view.log)" "livery: $SCRATCH/view: messages to the view's daemon:" \
		"it prints the table in the foreground"
	is "$(messages READDIRPLUS files)" "8 11 " "with all that was counted"
done

ln -s livery .bin/mount.livery
ok "mount.livery, as from fstab" as_user "$SCRATCH/.bin/mount.livery" "$SCRATCH/rootfs" "$SCRATCH/view" \
	-o ro,noauto,stats
as_user find view >/dev/null
exits 0 "umount" as_user "$LIVERY" umount view
TABLE=$ERR
is "$(messages READDIRPLUS files)" "8 11 " "prints the table"
ok "no daemon is left" wait_for 10 no_daemon

exits 0 "run --ro" as_user "$LIVERY" run --ro -o stats rootfs -- find @
TABLE=$ERR
is "$(wc -l <<<"$OUT") $(messages READDIRPLUS files)" "12 8 11 " "prints it when the program has ended"
exits 7 "run of a program that fails" as_user "$LIVERY" run --ro -o stats rootfs -- bash -c 'find @ >&2; exit 7' @
like "$ERR" "total +[0-9]+" "prints it as well"

# --- a view that writes

ok "mount -o rw,stats" mount_view rootfs view -o rw,stats
as_user bash -c 'mkdir view/new && printf %400s x >view/new/file && mv view/new/file view/new/moved &&
	chmod 600 view/new/moved && rm -r view/new'
TABLE=$(table)
is "$(messages MKDIR CREATE WRITE UNLINK RMDIR) $(field 4 WRITE)" "1 1 1 1 1  400" "changes"
is "$(($(field 2 RENAME) + $(field 2 RENAME2))) $(field 2 files)" "1 3" "of three files, the root among them"
exits 0 "umount" as_user "$LIVERY" umount view
TABLE=$ERR
is "$(messages MKDIR CREATE)" "1 1 " "prints the table"
ok "no daemon is left" wait_for 10 no_daemon
exits 0 "run" as_user "$LIVERY" run -o stats rootfs -- bash -c \
	'setfattr -n trusted.t -v 1 $LIVERY_VIEW/a/1 && setfattr -n trusted.t -v 2 $LIVERY_VIEW/a/2'
TABLE=$ERR
is "$(messages SETXATTR livery.SETXATTR)" "0 2 " "what run does past the kernel is counted apart"
no_sanitizer_report "all views"
finish
