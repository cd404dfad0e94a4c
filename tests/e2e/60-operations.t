#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A view that writes behaves for an ordinary user as a native filesystem does for root: long
# random sequences of operations on both, every result compared, and both trees; and nothing
# of it is lost when the view is mounted again.
#
# OPERATIONS and OPERATIONS_FRESH: how many, with the fixed seed and with a fresh one.

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
program=$(dirname "${LIVERY:-$here/../../build/release/livery}")/tests/view/operations
program=$(realpath -m "$program")
. "$here/../lib/e2e.sh"

have_root || { skip "operations" "nobody is root here to compare with"; finish; }
install -m 755 "$program" .bin/operations || bail "there is no $program"
user=$(as_user id -u) group=$(as_user id -g)

# operations DESCRIPTION OPTION...: no difference but those that docs/writing.md lists.
operations() {
	local what=$1
	shift
	capture as_root "$SCRATCH/.bin/operations" --uid "$user" --gid "$group" "$@" \
		"$SCRATCH/view" "$SCRATCH/native"
	result "$status" "$what" && return
	diag "exit $status: $(tail -n 1 <<<"$OUT")"
	diag "$(sed -n '/^---/,/^calls/p' <<<"$OUT" | cut -c1-300)"
	diag "$ERR"
}

as_user mkdir staging
as_root install -d -m 755 native

mount_view staging view -o rw || bail "nothing to test"
operations "a fixed seed" --seed 20 --count "${OPERATIONS:-20000}"
operations "a fresh seed" --count "${OPERATIONS_FRESH:-5000}"
# Differences that have a reason must be met, or the list tells of what nobody has seen.
like "$OUT" "[1-9][0-9]* device-node:" "known differences are counted"
strict_umount view

exits 0 "status finds no drift" as_user "$LIVERY" status staging
is "$OUT" "$SCRATCH/staging: the database and the tree agree" "status says so"
exits 0 "verify" as_user "$LIVERY" verify --allow-unlabeled staging
is "$(as_user sqlite3 staging.livery 'PRAGMA integrity_check')" ok "SQLite's integrity check"
is "$(find . -maxdepth 1 -name 'staging.livery*')" "./staging.livery" \
	"nothing lies beside the database"

mount_view staging view -o ro || bail "it does not mount again"
operations "the tree in a read-only view" --keep --count 0 --sealed
strict_umount view

mount_view staging view -o rw || bail "it does not mount again"
operations "the tree in another view that writes" --keep --count 0
operations "operations on files that were there" --keep --count 1000
strict_umount view
exits 0 "status finds no drift again" as_user "$LIVERY" status staging

# That the comparison can fail: an ordinary user in a native directory is held to permissions.
as_user mkdir plain
exits 1 "a native directory of an ordinary user is found to differ" as_root \
	"$SCRATCH/.bin/operations" --uid "$user" --gid "$group" --plain --keep --seed 1 --count 500 \
	"$SCRATCH/plain" "$SCRATCH/native"

finish
