#!/bin/bash
# SPDX-License-Identifier: MIT
#
# label that is killed at a random point, a hundred times: the labels are all old or all new.

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

rounds=${ROUNDS:-100}
as_user .bin/lib/mktar tree.tar <<'END'
d("./")
for i in range(40):
    d("d%d" % i)
    for j in range(50):
        f("d%d/%s%d" % (i, "n" * 100, j))
END
as_user "$LIVERY" unpack tree.tar rootfs >/dev/null || bail "unpack failed"
# Each policy has labels of its own, so that rows of the table of labels come as well.
for i in 0 1; do
	{
		printf '/.* u:r:policy%d:s0\n' "$i"
		for j in {0..39}; do
			printf '/d%d(/.*)? u:r:policy%d:s0:c%d\n' "$j" "$i" "$j"
		done
	} >"policy$i"
done
ok "label" as_user "$LIVERY" label --policy policy0 rootfs
files=$(sqlite3 -readonly rootfs.livery "SELECT count(*) FROM record")

# state: "POLICY FILES" for each policy whose labels there are, and what SQLite finds wrong.
# A reader rolls back what the killed one left.
state() {
	as_user sqlite3 rootfs.livery "
		SELECT substr(CAST(context AS TEXT), 5, 7), count(*)
		FROM record LEFT JOIN label ON label.id = label GROUP BY 1;
		PRAGMA integrity_check" | tr '\n' ' '
}
is "$(state)" "policy0|$files ok " "all have their labels"

# How long it takes when nobody kills it: the moments are spread over that.
began=$(date +%s%N)
ok "label again" as_user "$LIVERY" label --policy policy1 rootfs
took=$((($(date +%s%N) - began) / 1000))
is "$(state)" "policy1|$files ok " "all have the other labels"

RANDOM=$((10#$(date +%N) / 30518))
diag "seed $RANDOM, $took microseconds a run"
now=policy1 torn=0 killed=0 journals=0
for ((i = 0; i < rounds; i++)); do
	next=policy$((i % 2))
	wait_us=$((took * (RANDOM % 1000) / 1000))
	# The search for leaks, at the end, complains when it is killed itself.
	"${e2e_user[@]}" env ASAN_OPTIONS="log_path=$SCRATCH/.sanitizer:detect_leaks=0" \
		"$LIVERY" label --policy "$next" rootfs >/dev/null 2>&1 &
	pid=$!
	sleep "$(printf '0.%06d' "$((wait_us % 1000000))")"
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	# A machine that has less to do than when it was measured is quicker.
	if [ $? = 137 ]; then killed=$((killed + 1)); else took=$((took * 19 / 20 + 100)); fi
	[ -s rootfs.livery-journal ] && journals=$((journals + 1))
	found=$(state)
	case $found in
	"$now|$files ok ") ;;
	"$next|$files ok ") now=$next ;;
	*)
		torn=$((torn + 1))
		diag "killed after $wait_us microseconds: $found"
		;;
	esac
done
is "$torn" 0 "$rounds rounds, $killed killed, $journals left behind: all old or all new"
result $((killed < rounds / 4)) "many were killed before their end ($killed)"
ok "the tree is whole" as_user "$LIVERY" status rootfs
ok "label works afterwards" as_user "$LIVERY" label --policy policy0 rootfs
is "$(state)" "policy0|$files ok " "all have their labels"
no_sanitizer_report "all"
finish
