#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The daemon of a view that writes is killed with SIGKILL at random points, KILL_ROUNDS times
# (20). What was acknowledged is there, the one operation in flight has happened or not, and
# nothing is left over.
#
# KILL_SEED repeats a run as far as the delays and the operations go.

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
programs=$(dirname "$(realpath "${LIVERY:-$here/../../build/release/livery}")")/tests/view
. "$here/../lib/e2e.sh"

rounds=${KILL_ROUNDS:-20}
RANDOM=${KILL_SEED:=$((10#$(date +%N) / 30518))}
diag "KILL_SEED=$KILL_SEED"
mkdir .view
install -m 755 "$programs/killed" .view/killed || bail "there is no $programs/killed"
printf '/.* system_u:object_r:root_t:s0\n' >policy
writers=(w0 w1)
failures=0 before=0
declare -A seen=()

# wrong TEXT: of this round.
wrong() {
	failures=$((failures + 1))
	diag "round $round ($how, then $first): $*"
}
# runs CMD...: exits 0.
runs() {
	capture as_user "$@"
	[ "$status" = 0 ] || wrong "$* exits $status: $OUT $ERR"
}

new_tree() {
	local writer
	as_user rm -rf t logs
	as_user mkdir -p t/rootfs logs
	mount_view t/rootfs view -o rw || bail "cannot mount: $(cat .err 2>/dev/null)"
	for writer in "${writers[@]}"; do
		as_user mkdir "view/$writer" || bail "cannot write"
		as_user touch "logs/$writer"
	done
	end_view
}
end_view() {
	as_user "$LIVERY" umount view || wrong "umount exits $?"
	wait_for 20 no_daemon || wrong "the daemon has not ended"
}

# As the library's, with one process instead of one for each that there is.
# A mount that is about to start one is ended too, and what it had started.
killed_all() {
	local pid
	for pid in $(daemons); do
		kill -KILL "$pid" 2>/dev/null
	done
	no_daemon
}
kill_daemon() { wait_for 10 killed_all || wrong "the daemon cannot be killed"; }
pause() { sleep "0.$(printf '%03d' "$((RANDOM % $1))")"; } # MILLISECONDS, less than 1000

# threads PID: what those of a daemon do that came to no system call any more.
threads() {
	local task
	for task in "/proc/$1/task/"*; do
		diag "${task##*/}: $(as_root awk '/^(State|TracerPid)/' "$task/status" | tr '\n' ' ')" \
			"$(as_root cat "$task/wchan") $(as_root cat "$task/syscall")"
	done
}

sizes() { stat -c %s "${writers[@]/#/logs/}"; }
all_began() { sizes | paste began - | awk '$1 == $2 { none = 1 } END { exit none }'; }
# The writers work until their view is gone.
write_and_kill() {
	local writer pids=() pid daemon
	mount_view t/rootfs view -o rw || wrong "cannot mount"
	sizes >began
	for writer in "${writers[@]}"; do
		"${e2e_user[@]}" timeout -k 5 60 .view/killed write -s "$RANDOM" \
			"logs/$writer" "view/$writer" 2>>"$SCRATCH/writers" &
		pids+=($!)
	done
	wait_for 20 all_began || wrong "the writers do not write"
	case $how in
	"killed in a call")
		pause 200
		daemon=$(daemons)
		E2E_TIMEOUT=30 as_root .view/killed trace "$daemon" "$((RANDOM % 4000))" || {
			wrong "the daemon cannot be traced"
			threads "$daemon"
		}
		;;
	"killed after umount")
		# The writers are there, so the view is busy and goes on.
		pause 200
		as_user "$LIVERY" umount view 2>/dev/null && wrong "umount exits 0"
		pause 100
		;;
	*) pause 500 ;;
	esac
	kill_daemon
	for pid in "${pids[@]}"; do
		wait "$pid" || wrong "a writer exits $?: $(tail -n 3 "$SCRATCH/writers")"
	done
	is_mounted "$SCRATCH/view" && { as_user fusermount3 -u view || wrong "fusermount3"; }
}
# A view that nobody uses any more, killed while it ends.
end_and_kill() {
	local daemon pid
	mount_view t/rootfs view -o rw || wrong "cannot mount"
	daemon=$(daemons)
	as_user "$LIVERY" umount view >/dev/null 2>&1 &
	pid=$!
	pause 60
	kill -KILL "$daemon" 2>/dev/null
	wait "$pid"
	wait_for 10 no_daemon || wrong "umount does not end"
	is_mounted "$SCRATCH/view" && as_user fusermount3 -u view
}
# And one killed while it starts, which is when it mends what another left.
start_and_kill() {
	local pid
	# A shell in between, or this one would tell that it was killed.
	("${e2e_user[@]}" "$LIVERY" mount -o rw t/rootfs view || :) >/dev/null 2>&1 &
	pid=$!
	pause 60
	kill_daemon
	wait "$pid"
	is_mounted "$SCRATCH/view" && as_user fusermount3 -u view
}

# Another command comes first: it must cope, whatever it finds.
first_command() {
	case $first in
	ls) runs "$LIVERY" ls t/rootfs/w0 t/rootfs/w1 ;;
	status)
		capture as_user "$LIVERY" status t/rootfs
		[ "$status" -le 1 ] || wrong "status exits $status: $ERR"
		;;
	sealed)
		mount_view t/rootfs sealed -o allow-unlabeled || wrong "a sealed view cannot be mounted"
		as_user find sealed >/dev/null
		runs "$LIVERY" umount sealed
		wait_for 20 no_daemon
		;;
	chmod) runs "$LIVERY" chmod 0755 t/rootfs ;;
	label) runs "$LIVERY" label --policy policy t/rootfs ;;
	esac
}
check_trees() {
	local writer
	mount_view t/rootfs view -o rw || { wrong "cannot be mounted again"; return; }
	for writer in "${writers[@]}"; do
		capture as_user .view/killed check "logs/$writer" "view/$writer"
		[ -n "${KILL_VERBOSE-}" ] && diag "$round $how $first $SECONDS: $OUT"
		[ "$status" = 0 ] || wrong "$writer: $OUT"$'\n'"$ERR"
		seen["${OUT##*: }"]=$((${seen["${OUT##*: }"]:-0} + 1))
	done
	end_view
}

sql() { as_user sqlite3 -readonly t/rootfs.livery "$@"; }
check_rest() {
	local names nameless
	runs "$LIVERY" status t/rootfs
	capture as_user "$LIVERY" verify --allow-unlabeled t/rootfs
	[ "$status" = 0 ] || wrong "verify exits $status: $OUT $ERR"
	[ "$(as_user ls -A t | tr '\n' ' ')" = "rootfs rootfs.livery " ] ||
		wrong "left behind: $(as_user ls -A t)"
	[ "$(sql 'PRAGMA integrity_check; PRAGMA foreign_key_check')" = ok ] ||
		wrong "the database: $(sql 'PRAGMA integrity_check; PRAGMA foreign_key_check')"
	nameless=$(sql "SELECT count(*) FROM record WHERE id <> 1
		AND id NOT IN (SELECT record FROM name)")
	[ "$nameless" = 0 ] || wrong "$nameless records without a name"
	names=$(sql "SELECT count(*) FROM name")
	[ "$names" = "$(as_user find t/rootfs -mindepth 1 -printf x | wc -c)" ] ||
		wrong "$names names, but the tree has $(find t/rootfs -mindepth 1 | wc -l)"
}

call="killed in a call"
have_root || call=killed # whether another's process may be traced is the host's choice
hows=("$call" "killed" "$call" "killed and again" "$call" "killed after umount" "$call"
	"ended and killed")
firsts=("mount" "mount" "ls" "mount" "status" "mount" "sealed" "chmod" "mount" "label")
for ((round = 0; round < rounds && failures < 5; round++)); do
	how=${hows[round % ${#hows[@]}]}
	first=${firsts[round % ${#firsts[@]}]}
	# Anew too after a failure, which would be met again and again.
	((round % 20 && failures == before)) || new_tree
	before=$failures
	case $how in
	"ended and killed") end_and_kill ;;
	*) write_and_kill ;;
	esac
	[ "$how" = "killed and again" ] && start_and_kill
	first_command
	check_trees
	check_rest
done

result $((failures > 0)) "$round rounds: nothing acknowledged is lost, nothing is left over"
# Where nothing is ever in flight, nothing was tried.
for what in "in flight" "happened" "not happened" "happened in part" "differences"; do
	diag "$what: ${seen[$what]:-0}"
done
flying=$((${seen["happened"]:-0} + ${seen["not happened"]:-0} + ${seen["happened in part"]:-0}))
result $((flying < rounds / 2)) "operations were in flight ($flying)"
no_sanitizer_report "all"
finish
