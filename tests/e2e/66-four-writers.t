#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Four processes write to one view at once for WRITERS_SECONDS (10): nothing is lost, neither
# while it is mounted nor after it was mounted again, and no sanitizer complains. With a
# livery of the flavor tsan that is the search for races.

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
programs=$(dirname "$(realpath "${LIVERY:-$here/../../build/release/livery}")")/tests/view
. "$here/../lib/e2e.sh"

seconds=${WRITERS_SECONDS:-10}
seed=${WRITERS_SEED:-$((10#$(date +%N)))}
diag "WRITERS_SEED=$seed"
mkdir .view
install -m 755 "$programs/four-writers" .view/ || bail "there is no $programs/four-writers"
# A race ends nothing: all of them are to be seen. The daemon's exit status is nobody's to
# see, so the reports count.
export TSAN_OPTIONS="log_path=$SCRATCH/.sanitizer:exitcode=66:second_deadlock_stack=1:${TSAN_OPTIONS-}"
as_user mkdir -p t/rootfs logs

ok "mount" mount_view t/rootfs view -o rw,threads=4
E2E_TIMEOUT=$((seconds * 3 + 60)) \
	ok "four writers for $seconds seconds" \
	as_user .view/four-writers run "$seconds" "$seed" view logs
diag "$OUT"
ok "nothing is lost" as_user .view/four-writers check view logs
strict_umount view
ok "no drift" as_user "$LIVERY" status t/rootfs
is "$(as_user ls -A t | tr '\n' ' ')" "rootfs rootfs.livery " "nothing is left over"
is "$(as_user sqlite3 -readonly t/rootfs.livery 'PRAGMA integrity_check; PRAGMA foreign_key_check;
	SELECT count(*) FROM record WHERE id <> 1 AND id NOT IN (SELECT record FROM name)' |
	tr '\n' ' ')" "ok 0 " "the database is sound, and has no record without a name"
ok "mount again" mount_view t/rootfs view -o rw,threads=4
ok "still nothing is lost" as_user .view/four-writers check view logs
strict_umount view
finish
