#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What the kernel refuses an ordinary user in a view, `livery run` gives: the tests of
# 60-operations.t and 61-posix.t with a program that it starts, and without the differences
# that it lifts.
#
# OPERATIONS and OPERATIONS_FRESH: how many, with the fixed seed and with a fresh one.

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
# They are built beside the program under test.
programs=$(dirname "$(realpath -m "${LIVERY:-$here/../../build/release/livery}")")/tests/view
. "$here/../lib/e2e.sh"
for program in posix operations; do
	install -m 755 "$programs/$program" ".bin/$program" ||
		bail "there is no $program: make test-programs"
done
uid=$(as_user id -u) gid=$(as_user id -g)

as_user mkdir posix staging userns
# It waits a lot, for clocks to go on, and so goes beside the other.
as_user "$LIVERY" run posix -- "$SCRATCH/.bin/posix" --run --owner 0:0 @/ >posix.tap 2>&1 \
	</dev/null &
posix=$!

# operations DESCRIPTION OPTION...: no difference but those that `run` leaves.
operations() {
	local what=$1
	shift
	capture as_root "$SCRATCH/.bin/operations" --run "$LIVERY" --uid "$uid" --gid "$gid" \
		"$@" "$SCRATCH/staging" "$SCRATCH/native"
	result "$status" "$what" && return
	diag "exit $status: $(tail -n 1 <<<"$OUT")"
	diag "$(sed -n '/^---/,/^calls/p' <<<"$OUT" | cut -c1-300)"
	diag "$ERR"
}

if have_root; then
	as_root install -d -m 755 native
	operations "operations under run, a fixed seed" --seed 75 --count "${OPERATIONS:-8000}"
	is "$(grep -E 'device-node|guarded|trusted|acl-of|hard-link|noatime|setgid' <<<"$OUT")" "" \
		"no difference is known of what it lifts"
	like "$OUT" "[1-9][0-9]* tmpfile-bit:" "others are, and are counted"
	operations "operations under run, a fresh seed" --count "${OPERATIONS_FRESH:-2000}"
	operations "the tree, in another run" --keep --count 0
	operations "operations on files that were there" --keep --count 1000
	exits 0 "status finds no drift" as_user "$LIVERY" status staging
	exits 0 "verify" as_user "$LIVERY" verify --allow-unlabeled staging
	# That it can fail: in a view without `run`, what it lifts is a difference.
	mount_view staging view -o rw
	# shellcheck disable=SC2016 # for the script
	printf '#!/bin/sh\nshift 3\nexec "$1" "$2" "$3" %s\n' "$SCRATCH/view" >.bin/no-run
	chmod 755 .bin/no-run
	exits 1 "without run, there are differences" as_root "$SCRATCH/.bin/operations" \
		--run "$SCRATCH/.bin/no-run" --uid "$uid" --gid "$gid" --keep --seed 75 --count 2000 \
		"$SCRATCH/staging" "$SCRATCH/native"
	ok "umount" as_user "$LIVERY" umount "$SCRATCH/view"
else
	skip "operations under run" "nobody is root here to compare with"
fi

# In a user namespace, stat and chown are answered, too.
for only in chown ACL: link:; do
	exits 0 "posix --only $only in run --userns" as_user "$LIVERY" run --userns userns -- \
		"$SCRATCH/.bin/posix" --run --only "$only" @/
	like "$OUT" $'\n1\.\.[1-9]' "these are some"
done

rc=0
wait "$posix" || rc=$?
is "$rc" 0 "posix under run: exit status"
is "$(grep -A 3 '^not ok' posix.tap | head -60)" "" "posix under run: every test is ok"
is "1..$(grep -Ec '^(not )?ok' posix.tap)" "$(grep '^1\.\.' posix.tap)" "every test has run"
is "$(sed -n 's/^ok [0-9]* - \(.*\) # .*/\1/p' posix.tap)" "fcntl: F_SETLEASE" "this one deviates"
is "$(as_user ls -A posix)" "" "nothing is left"
ok "status" as_user "$LIVERY" status posix
is "$(find . -maxdepth 1 -name 'posix.livery*' -o -maxdepth 1 -name 'staging.livery*' | sort)" \
	"./posix.livery
./staging.livery" "beside the trees are their databases, and nothing else"
ok "no daemon is left" wait_for 10 no_daemon
no_sanitizer_report "run"

finish
