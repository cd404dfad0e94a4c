#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Power cuts: staging tree and database lie on a filesystem of their own, on a loop device,
# and a writer in the view calls fsync and syncfs among other things. What the device holds
# at some moment is copied; the copy must have all that was synced until then.
#
# The copy is what a machine finds that lost its power: the device's own data, nothing of
# what the kernel still had in memory. It must be of one moment, so writer and daemon are
# stopped, and a copy during which the kernel wrote to the device by itself is made again. A
# journal's commit is thus never cut in half; that is the filesystem's matter.
#
# Needs root, loop devices and ext4. POWER_RUNS (2) times POWER_CUTS (3).

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
programs=$(dirname "$(realpath "${LIVERY:-$here/../../build/release/livery}")")/tests/view
. "$here/../lib/e2e.sh"

if ! have_root; then
	skip "power cuts" "needs root for loop devices"
	finish
fi
runs=${POWER_RUNS:-2} cuts=${POWER_CUTS:-3}
RANDOM=${POWER_SEED:=$((10#$(date +%N) / 30518))}
diag "POWER_SEED=$POWER_SEED"
mkdir .view
install -m 755 "$programs/killed" .view/killed || bail "there is no $programs/killed"
options=("commit=1" "commit=1,data=writeback,nodelalloc" "" "commit=1,data=journal")

# The device's writes: how many, how many sectors, how many under way.
writes() { awk '{ print $5, $7, $9 }' "/sys/block/${loop#/dev/}/stat"; }

# copy_device TO: of one moment. Nobody may call sync on this filesystem meanwhile.
copy_device() {
	local before after
	for _ in {1..100}; do
		before=$(writes)
		if [[ $before = *" 0" ]]; then
			as_root cp --sparse=always disk "$1" || bail "cannot copy"
			after=$(writes)
			[ "$before" = "$after" ] && return
		fi
		sleep 0.05
	done
	bail "the device never rests"
}

stopped() { [ "$(awk '/^State:/ { print $2 }' "/proc/$1/status")" = T ]; }

# cut N: copies the device to cut.N, the writer's log to log.N.
cut_power() {
	local pid
	for pid in "${pids[@]}"; do
		kill -STOP "$pid" 2>/dev/null || as_root kill -STOP "$pid"
	done
	# One that waits for the filesystem stops as soon as it has its answer.
	wait_for 20 stopped "$daemon" || bail "the daemon does not stop"
	sleep 0.1
	as_root cp logs/log "log.$1"
	copy_device "cut.$1"
	for pid in "${pids[@]}"; do
		kill -CONT "$pid" 2>/dev/null || as_root kill -CONT "$pid"
	done
	as_root chmod 644 "log.$1"
}

same_log() { # FILE: a copy that check may write to
	as_root cp "$1" logs/checked
	as_root chown "$(stat -c %u:%g logs)" logs/checked
}

# inspect N MODE: the copy as the machine finds it when it is up again.
inspect() {
	local n=$1 mode=$2 rc=0
	as_root e2fsck -p "cut.$n" >"$SCRATCH/fsck" 2>&1 || rc=$?
	[ "$rc" -le 1 ] || diag "$(cat "$SCRATCH/fsck")"
	result $((rc > 1)) "$n: the filesystem is sound"
	as_root mount -o loop "cut.$n" cut || bail "cannot mount cut.$n"
	ok "$n: the view is mounted" mount_view cut/t/rootfs after -o rw
	same_log "log.$n"
	ok "$n: all that was synced is there" as_user .view/killed "$mode" logs/checked after/w
	diag "$n: $OUT"
	[[ $OUT =~ ([0-9]+)\ promises ]] && promises=$((promises + BASH_REMATCH[1]))
	ok "$n: umount" as_user "$LIVERY" umount after
	wait_for 20 no_other_daemon
	is "$(as_user ls -A cut/t | tr '\n' ' ')" "rootfs rootfs.livery " "$n: nothing beside"
	is "$(as_user sqlite3 -readonly cut/t/rootfs.livery 'PRAGMA integrity_check;
		PRAGMA foreign_key_check')" ok "$n: the database is sound"
	repair "$n" "$mode"
	as_root umount cut
	as_root rm "cut.$n"
}

# What was not synced may be drift; it can be settled, and takes nothing else along.
repair() {
	local n=$1 mode=$2
	capture as_user "$LIVERY" status cut/t/rootfs
	diag "$n: status exits $status, $(wc -l <"$SCRATCH/.out") lines"
	[ "$mode" = power ] || is "$status" 0 "$n: no drift"
	capture as_user "$LIVERY" status --repair cut/t/rootfs
	result $((status > 1)) "$n: status --repair" || diag "$ERR"
	exits 0 "$n: then there is no drift" as_user "$LIVERY" status cut/t/rootfs
	ok "$n: verify" as_user "$LIVERY" verify --allow-unlabeled cut/t/rootfs
	ok "$n: mounted again" mount_view cut/t/rootfs after -o rw
	same_log "log.$n"
	ok "$n: all is still there" as_user .view/killed "$mode" logs/checked after/w
	ok "$n: umount again" as_user "$LIVERY" umount after
	wait_for 20 no_other_daemon
}
no_other_daemon() { [ "$(daemons)" = "$daemon" ] || [ -z "$(daemons)" ]; }

start() { # OPTIONS of ext4
	as_root rm -f disk
	truncate -s 256M disk
	mke2fs -q -t ext4 -E "root_owner=$(stat -c %u:%g logs)" disk || bail "mke2fs failed"
	as_root mount -o "loop${1:+,$1}" disk at || bail "cannot mount with $1"
	loop=$(awk -v p="$SCRATCH/at" '$5 == p { sub(/.* - [^ ]+ /, ""); print $1 }' \
		/proc/self/mountinfo)
	as_user mkdir -p at/t/rootfs
	as_user rm -f logs/log
	as_user touch logs/log
	mount_view at/t/rootfs view -o rw || bail "cannot mount the view"
	daemon=$(daemons)
	as_user mkdir view/w
	"${e2e_user[@]}" .view/killed write -s "$RANDOM" -y at logs/log view/w 2>writer.err &
	writer=$!
	pids=("$writer" "$daemon")
}

well_begun() { [ "$(stat -c %s logs/log)" -gt 30000 ]; }

as_user mkdir at logs cut view after
promises=0
for ((run = 0; run < runs; run++)); do
	with=${options[run % ${#options[@]}]}
	start "$with"
	wait_for 60 well_begun || bail "the writer does not write: $(cat writer.err)"
	for ((i = 0; i < cuts; i++)); do
		sleep "$((RANDOM % 2)).$((RANDOM % 900 + 100))"
		cut_power "$run.$i"
		inspect "$run.$i" power
	done
	kill "$writer"
	wait "$writer" 2>/dev/null
	is "$(cat writer.err)" "" "$run: the writer was told nothing unexpected"
	# The end of a view makes all durable, with no sync by anybody.
	ok "$run: umount" as_user "$LIVERY" umount view
	as_root cp logs/log "log.$run.end"
	copy_device "cut.$run.end"
	wait_for 20 no_daemon
	daemon=
	inspect "$run.end" check
	as_root umount at
done
result $((promises < runs * cuts * 20)) "enough had been promised ($promises)"
no_sanitizer_report "all"
finish
