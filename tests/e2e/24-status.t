#!/bin/bash
# SPDX-License-Identifier: MIT
#
# status and verify: drift is told by name, never guessed at and never a reason to stop.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar small.tar <<'END'
d("./")
d("etc")
f("etc/passwd", "root:x:0:0::/:\n")
f("etc/keep", "k")
d("dev")
c("dev/null", 1, 3)
d("a")
f("a/1", "1", uid=7)
f("a/2", "2")
h("a/2-again", "a/2")
d("a/sub")
f("a/sub/x", "x")
l("a/link", "1")
f("odd\nname", "")
END
# restart: a fresh tree that nothing was done to.
restart() {
	rm -rf rootfs rootfs.livery
	as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
}
# status_is EXIT DESCRIPTION LINE...
status_is() {
	local want
	exits "$1" "status: $2" as_user "$LIVERY" status rootfs
	want=$(printf '%s\n' "${@:3}" | sort)
	is "$(sort <<<"$OUT")" "$want" "it says what it should"
}
restart
ok "status of a fresh tree" as_user "$LIVERY" status rootfs
is "$OUT" "$SCRATCH/rootfs: the database and the tree agree" "all agree"
ok "status --json of a fresh tree" as_user "$LIVERY" status --json rootfs
is "$(tr -d ' \n' <<<"$OUT")" "[]" "an empty list"

as_user touch rootfs/new rootfs/a/sub/new
as_user mkdir -p rootfs/dir/below
status_is 1 unrecorded "unrecorded /a/sub/new" "unrecorded /dir" "unrecorded /dir/below" \
	"unrecorded /new"

restart
as_user rm rootfs/a/1 rootfs/a/2-again $'rootfs/odd\nname' rootfs/dev/null
as_user rm -r rootfs/a/sub
status_is 1 gone "gone /a/1" "gone /a/2-again" "gone /odd\\nname" "gone /dev/null" \
	"gone /a/sub" "gone /a/sub/x"
is "$(as_user "$LIVERY" stat --json rootfs/a/2 | grep -o '"recorded": true')" '"recorded": true' \
	"the name that is left has its record"

restart
as_user bash -c 'rm rootfs/a/1 && mkdir rootfs/a/1 && rm -r rootfs/a/sub && ln -s 1 rootfs/a/sub &&
	echo content >rootfs/dev/null'
status_is 1 replaced "replaced /a/1" "replaced /a/sub" "replaced /dev/null"
is "$(as_user "$LIVERY" ls -dn rootfs/a/1 | tr -s ' ' | cut -d' ' -f1-5)" "drwxr-xr-x 2 0 0 ?" \
	"a record of another type is not used"

restart
as_user mv rootfs/a/1 rootfs/etc/one
as_user mv rootfs/dev/null rootfs/dev/zero
as_user mv rootfs/a/sub rootfs/sub
status_is 1 moved "moved /a/1 -> /etc/one" "moved /dev/null -> /dev/zero" \
	"moved /a/sub -> /sub" "moved /a/sub/x -> /sub/x"

restart
as_user bash -c 'cp -p rootfs/a/2 copy && rm rootfs/a/2-again && mv copy rootfs/a/2-again'
status_is 1 split "split /a/2-again"

restart
# Same name and type: the record holds, as after a second make install or cp -a.
as_user bash -c 'rm rootfs/a/1 && echo again >rootfs/a/1'
status_is 0 "a file made anew" "$SCRATCH/rootfs: the database and the tree agree"
is "$(as_user "$LIVERY" stat --json rootfs/a/1 | grep -o '"uid": [0-9]*')" '"uid": 7' "its record holds"
as_user cp -a rootfs copied
as_user cp rootfs.livery copied.livery
ok "status of a copied tree" as_user "$LIVERY" status copied
is "$OUT" "$SCRATCH/copied: the database and the tree agree" "the records hold"

restart
as_user bash -c $'touch "rootfs/n\xff" && mv rootfs/a/1 rootfs/one && rm rootfs/a/link'
exits 1 "status --json" as_user "$LIVERY" status --json rootfs
is "$(/usr/bin/python3 -c '
import json, sys
for e in sorted(json.load(sys.stdin), key=str):
    print(sorted(e.items()))' <<<"$OUT")" \
	"$(printf '%s\n' "[('finding', 'gone'), ('path', 'a/link')]" \
		"[('finding', 'moved'), ('path', 'a/1'), ('to', 'one')]" \
		"[('finding', 'unrecorded'), ('path', 'n\\ufffd'), ('path_hex', '6eff')]" |
		/usr/bin/python3 -c 'import sys; print(sys.stdin.read().encode().decode("unicode_escape"), end="")')" \
	"says the same"

exits 2 "status without a database" as_user bash -c "mkdir bare && '$LIVERY' status bare"
like "$ERR" "bare.livery.*livery unpack" "says how to make one"
exits 2 "verify without a database" as_user "$LIVERY" verify bare

# --- verify

verify_is() { # EXIT DESCRIPTION LINE...
	exits "$1" "verify: $2" as_user "$LIVERY" verify "${verify_options[@]}" rootfs
	is "$(sort <<<"$OUT")" "$(printf '%s\n' "${@:3}" | sort)" "it says what it should"
}
verify_options=()
restart
verify_is 1 "nothing is labeled" "unlabeled /" "unlabeled /a" "unlabeled /a/1" "unlabeled /a/2" \
	"unlabeled /a/2-again" "unlabeled /a/link" "unlabeled /a/sub" "unlabeled /a/sub/x" \
	"unlabeled /dev" "unlabeled /dev/null" "unlabeled /etc" "unlabeled /etc/keep" \
	"unlabeled /etc/passwd" "unlabeled /odd\\nname"
verify_options=(--allow-unlabeled)
verify_is 0 "labels are not asked for" "$SCRATCH/rootfs: 14 names, all recorded and readable"
verify_options=()
printf '/.* system_u:object_r:x_t:s0\n/dev/null -c <<none>>\n' >policy
ok "label" as_user "$LIVERY" label --policy policy rootfs
like "$OUT" "excluded /dev/null \(.*policy:2 says <<none>>\)" "what <<none>> excludes is listed"
like "$OUT" "13 inodes, 13 changed, 0 unmatched, 1 excluded by <<none>>, 0 hard-link conflicts" \
	"and counted"
verify_is 0 "all is labeled" "$SCRATCH/rootfs: 14 names, all recorded, labeled and readable"
as_user chmod 0 rootfs/a/1
as_user touch rootfs/new
exits 1 "verify: a file that cannot be read, one that is new" as_user "$LIVERY" verify rootfs
like "$OUT" "unreadable /a/1 \(.*Permission denied\)" "the one is named"
like "$OUT" "unrecorded /new" "and the other"
like "$OUT" "unlabeled /new" "which has no label"
exits 1 "verify --json" as_user "$LIVERY" verify --json rootfs
is "$(/usr/bin/python3 -c '
import json, sys
print(sorted((e["finding"], e["path"]) for e in json.load(sys.stdin)))' <<<"$OUT")" \
	"[('unlabeled', 'new'), ('unreadable', 'a/1'), ('unrecorded', 'new')]" "says the same"
as_user chmod 644 rootfs/a/1
as_user rm rootfs/new
as_user mkdir rootfs/a/closed
as_user chmod 0 rootfs/a/closed
exits 2 "verify: a directory that cannot be read" as_user "$LIVERY" verify --allow-unlabeled rootfs
like "$ERR" "a/closed" "it is named"
exits 2 "status: a directory that cannot be read" as_user "$LIVERY" status rootfs
like "$ERR" "a/closed" "it is named"
as_user rmdir rootfs/a/closed

# --- a database that was damaged

cp rootfs.livery good.livery
damage() { # SQL
	/usr/bin/python3 - "$1" <<'END'
import sqlite3, sys
db = sqlite3.connect("rootfs.livery")
db.executescript(sys.argv[1])
db.commit()
END
}
# not_fine DESCRIPTION REGEX COMMAND...: exit 1 or 2, said why, the file untouched.
not_fine() {
	local before
	before=$(sha256sum rootfs.livery)
	capture as_user "$LIVERY" "${@:3}"
	result $((status != 1 && status != 2)) "$1: ${*:3} exits $status"
	like "$OUT$ERR" "$2" "says what is wrong"
	is "$(sha256sum rootfs.livery)" "$before" "and leaves the file alone"
	cmp -s rootfs.livery good.livery && diag "nothing was damaged"
}

ids() { # names of one record, whatever its number is
	echo "(SELECT record FROM name WHERE name = CAST('$1' AS BLOB))"
}
each() { # DESCRIPTION SQL REGEX: verify finds it
	cp good.livery rootfs.livery
	damage "$2"
	not_fine "$1" "$3" verify rootfs
	cmp -s good.livery rootfs.livery && result 1 "$1: something was damaged"
}
each "a mode out of range" "UPDATE record SET mode = 99999 WHERE id = $(ids keep)" "mode|record"
each "an owner out of range" "UPDATE record SET uid = -3 WHERE id = $(ids keep)" "owner|uid|record"
each "an unknown type" "UPDATE record SET type = 7 WHERE id = $(ids keep)" "type|record"
each "a label that is not there" "UPDATE record SET label = 999 WHERE id = $(ids keep)" "label"
each "a name without a record" "UPDATE name SET record = 9999 WHERE name = CAST('keep' AS BLOB)" "record|name"
each "a record without a name" "DELETE FROM name WHERE name = CAST('keep' AS BLOB)" "name"
each "a directory in itself" "UPDATE name SET parent = record WHERE name = CAST('sub' AS BLOB)" "cycle|root|name"
each "a name with a slash" "UPDATE name SET name = CAST('a/b' AS BLOB) WHERE name = CAST('keep' AS BLOB)" "name"
each "no root" "UPDATE name SET parent = 500 WHERE parent = 1; DELETE FROM record WHERE id = 1" "root|record|damaged"
each "text for a number" "UPDATE record SET gid = 'many' WHERE id = $(ids keep)" "record|gid|group"
each "a capability that is none" \
	"INSERT INTO xattr VALUES ($(ids keep), CAST('security.capability' AS BLOB), x'00')" \
	"security.capability"
each "a foreign trigger" "CREATE TRIGGER t AFTER UPDATE ON record BEGIN SELECT 1; END" "tables are not"
each "a table too few" "DROP TABLE xattr" "xattr|schema|damaged"
each "a newer schema" "PRAGMA user_version = 999" "newer"
for command in "ls rootfs" "stat rootfs" "status rootfs" "label --policy policy rootfs" \
	"mount rootfs empty" "chown 0:0 rootfs/etc" "unpack small.tar rootfs"; do
	as_user mkdir -p empty
	not_fine "a newer schema" "rootfs.livery.*newer" $command
done

# Bytes, not values: cut off, overwritten in the middle, no database at all.
cut() { head -c $(($(stat -c %s good.livery) / 2)) good.livery; }
holes() { head -c 3000 good.livery; head -c 3000 /dev/zero | tr '\0' '\377'; tail -c +6001 good.livery; }
text() { echo "this is no database"; yes | head -c 100000; }
for way in cut holes text; do
	$way >rootfs.livery
	for command in "verify rootfs" "mount rootfs empty" "label --policy policy rootfs" \
		"chown 0:0 rootfs/etc" "unpack small.tar rootfs"; do
		not_fine "a database that is $way" "rootfs.livery" $command
	done
done
is_mounted "$SCRATCH/empty" && as_user "$LIVERY" umount empty
rm rootfs.livery
as_user mkdir rootfs.livery
exits 2 "the database is a directory" as_user "$LIVERY" status rootfs
like "$ERR" "rootfs.livery" "it is named"
as_user rmdir rootfs.livery
as_user ln -s /dev/null rootfs.livery
exits 2 "the database is a device" as_user "$LIVERY" label --policy policy rootfs
like "$ERR" "rootfs.livery" "it is named"
finish
