# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# End-to-end tests in TAP: source this, call the helpers, end with `finish`.
#
# Commands under test run as an ordinary user: the caller, or `livery-test` where the run
# starts as root. Each test file has a directory of its own, $SCRATCH, and leaves nothing
# mounted, running or behind.
#
# Environment: LIVERY (default build/release/livery), FIXTURES (build/fixtures), TMPDIR,
# E2E_TIMEOUT (seconds a command may take, default 120), CI (true: a skip is a failure),
# E2E_KEEP (not empty: keep $SCRATCH), E2E_NO_ROOT (not empty: do as if nobody were root).
set -u

e2e_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
unset SOURCE_DATE_EPOCH "${!PYTHON@}" # what a caller's shell says of them is not tested
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

FIXTURES=$(realpath -m "${FIXTURES:-$e2e_top/build/fixtures}")
e2e_count=0 e2e_failed=0
E2E_TIMEOUT=${E2E_TIMEOUT:-120}

diag() { printf '%s\n' "$*" | sed 's/^/# /' >&2; }
bail() { echo "Bail out! $*"; exit 255; }

# result 0|1 DESCRIPTION: one TAP line.
result() {
	e2e_count=$((e2e_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $e2e_count - $2"
	else
		e2e_failed=$((e2e_failed + 1))
		echo "not ok $e2e_count - $2"
	fi
	return "$1"
}

# skip DESCRIPTION REASON
skip() {
	if [ "${CI-}" = true ]; then
		result 1 "$1"
		diag "in CI nothing may be skipped: $2"
	else
		e2e_count=$((e2e_count + 1))
		echo "ok $e2e_count - $1 # SKIP $2"
	fi
}

# capture CMD...: runs it; $status, and its output in $OUT and $ERR.
capture() {
	status=0
	"$@" >"$SCRATCH/.out" 2>"$SCRATCH/.err" </dev/null || status=$?
	OUT=$(tr -d '\0' <"$SCRATCH/.out")
	ERR=$(tr -d '\0' <"$SCRATCH/.err")
}

# exits N DESCRIPTION CMD...: the exit status is N.
exits() {
	local want=$1 what=$2
	shift 2
	capture "$@"
	[ "$status" = "$want" ] && { result 0 "$what"; return; }
	result 1 "$what"
	diag "exit $status, expected $want: $*"
	[ "$status" = 124 ] && diag "that is a time-out after $E2E_TIMEOUT seconds"
	diag "$(tail -n 15 "$SCRATCH/.out" | cut -c1-300)"
	diag "$(tail -n 15 "$SCRATCH/.err" | cut -c1-300)"
	return 1
}
# ok DESCRIPTION CMD...
ok() { exits 0 "$@"; }

# is GOT EXPECTED DESCRIPTION
is() {
	[ "$1" = "$2" ] && { result 0 "$3"; return; }
	result 1 "$3"
	diag "got:      $1"
	diag "expected: $2"
	return 1
}

# like TEXT REGEX DESCRIPTION (extended, as in [[ =~ ]])
like() {
	[[ $1 =~ $2 ]] && { result 0 "$3"; return; }
	result 1 "$3"
	diag "text:     $1"
	diag "no match: $2"
	return 1
}

finish() {
	echo "1..$e2e_count"
	exit $((e2e_failed > 0))
}

# as_user CMD..., as_root CMD...: with a time-out. as_root fails where have_root does.
as_user() { timeout -k 10 "$E2E_TIMEOUT" "${e2e_user[@]}" "$@"; }
as_root() { timeout -k 10 "$E2E_TIMEOUT" "${e2e_root[@]}" "$@"; }
have_root() { [ -z "${E2E_NO_ROOT-}" ] && { [ "$(id -u)" = 0 ] || [ ${#e2e_root[@]} != 0 ]; }; }

e2e_setup() {
	[ -e /dev/fuse ] || { [ "$(id -u)" = 0 ] && modprobe fuse 2>/dev/null; }
	[ -e /dev/fuse ] || bail "/dev/fuse is missing: these tests mount"
	SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/livery-e2e.XXXXXX") || bail "mktemp failed"
	SCRATCH=$(cd "$SCRATCH" && pwd -P)
	trap e2e_cleanup EXIT
	trap 'exit 130' INT TERM HUP
	chmod 755 "$SCRATCH"

	e2e_user=(env "HOME=$SCRATCH" "TMPDIR=$SCRATCH"
		"ASAN_OPTIONS=log_path=$SCRATCH/.sanitizer:${ASAN_OPTIONS-}"
		"UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS-}")
	e2e_root=()
	if [ "$(id -u)" = 0 ]; then
		local user=livery-test
		# As on real machines: some have no udev rule, and minimal roots no mtab.
		chmod 0666 /dev/fuse
		[ -e /etc/mtab ] || ln -sfn /proc/self/mounts /etc/mtab
		# Several test files may find at once that there is no such user.
		(
			flock 9
			id "$user" >/dev/null 2>&1 || useradd --system --user-group \
				--no-create-home --shell /usr/sbin/nologin "$user"
		) 9>"${TMPDIR:-/tmp}/.$user.lock" || bail "cannot make the user $user"
		e2e_user+=(setpriv "--reuid=$user" "--regid=$user" --clear-groups --)
		chown "$user:" "$SCRATCH"
	elif sudo -n true 2>/dev/null; then
		e2e_root=(sudo -n)
	fi

	# Copies, because the user may not be able to reach the checkout; and what runs from
	# here is known to be ours when it has to be ended.
	local program=${LIVERY:-$e2e_top/build/release/livery}
	mkdir "$SCRATCH/.bin"
	install -m 755 "$program" "$SCRATCH/.bin/livery" || bail "there is no $program"
	LIVERY=$SCRATCH/.bin/livery
	cp -r "$e2e_top/tests/lib" "$SCRATCH/.bin/lib"
	cd "$SCRATCH" || bail "cannot enter $SCRATCH"
}

# fixture [--small]: sets $FIXTURE to a tar of a real root that the user can read.
fixture() {
	FIXTURE=$("$e2e_top/tests/fixtures/mkroot" "$@" "$FIXTURES") ||
		bail "the fixture could not be made"
	if ! as_user test -r "$FIXTURE"; then
		cp "$FIXTURE" "$SCRATCH/.fixture.tar"
		chmod 644 "$SCRATCH/.fixture.tar"
		FIXTURE=$SCRATCH/.fixture.tar
	fi
}

scan() { /usr/bin/python3 "$SCRATCH/.bin/lib/scan.py" "$@"; }
compare() { /usr/bin/python3 "$SCRATCH/.bin/lib/compare" "$@"; }

# same DESCRIPTION EXPECTED FOUND [OPTION...]: two manifests are equal, with what the options
# of compare leave out.
same() {
	local rc=0
	compare --max 15 "${@:4}" "$2" "$3" >"$SCRATCH/.diff" 2>&1 || rc=1
	result "$rc" "$1 ($(wc -l <"$3") entries)" || diag "$(cut -c1-400 "$SCRATCH/.diff")"
}

is_mounted() { awk -v p="$1" '$5 == p { found = 1 } END { exit !found }' /proc/self/mountinfo; }

# What is mounted below $SCRATCH, and views elsewhere of trees that are there.
mounts_left() {
	awk -v s="$SCRATCH/" 'index($5, s) == 1 || index($0, " " s) { print $5 }' /proc/self/mountinfo
}

# wait_for SECONDS CMD...
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# Processes of this test's own copy of the program.
daemons() {
	find /proc/[0-9]*/exe -maxdepth 0 -lname "$SCRATCH/.bin/*" 2>/dev/null |
		sed 's|^/proc/||; s|/exe$||'
}
no_daemon() { [ -z "$(daemons)" ]; }
gone() { ! is_mounted "$1" && ! kill -0 "$2" 2>/dev/null; }
up_or_gone() { is_mounted "$1" || ! kill -0 "$2" 2>/dev/null; }

# mount_view STAGING VIEW [OPTION...]: as the issue does, with a daemon that detaches. Paths
# below $SCRATCH, and none with a blank.
mount_view() {
	local staging=$1 view=$SCRATCH/$2
	shift 2
	as_user mkdir -p "$view"
	as_user "$LIVERY" mount "$@" "$staging" "$view" && is_mounted "$view"
}

# mount_fg STAGING VIEW [OPTION...]: a daemon in the foreground, its output in
# $SCRATCH/VIEW.log and its process in $fg_pid. foreground_ended N: it exits with N.
mount_fg() {
	local staging=$1 view=$SCRATCH/$2
	shift 2
	as_user mkdir -p "$view"
	# Under nohup SIGHUP would be ignored, and stay so.
	"${e2e_user[@]}" env --default-signal=HUP "$LIVERY" mount -f "$@" "$staging" "$view" \
		>"$view.log" 2>&1 </dev/null &
	fg_pid=$!
	wait_for 20 up_or_gone "$view" "$fg_pid" && is_mounted "$view"
}
foreground_ended() {
	local rc=0
	wait_for 20 eval '! kill -0 "$fg_pid" 2>/dev/null' || return 1
	wait "$fg_pid" || rc=$?
	[ "$rc" = "$1" ] || { diag "the daemon's exit status is $rc"; return 1; }
}

# strict_umount VIEW: exit 0, the mount gone, no daemon left, nothing from a sanitizer.
strict_umount() {
	local view=$SCRATCH/$1
	ok "umount $1" as_user "$LIVERY" umount "$view" || return
	ok "$1: the mount is gone" wait_for 10 eval "! is_mounted '$view'"
	ok "$1: the daemon has ended" wait_for 20 no_daemon
	no_sanitizer_report "$1"
}
# A process that is killed while it looks for leaks says that its threads are gone; what it
# finds begins with ERROR.
no_sanitizer_report() {
	local reports
	reports=$(cat "$SCRATCH"/.sanitizer.* 2>/dev/null |
		grep -v '^==[0-9]*==Unable to get registers from thread [0-9]*\.$')
	is "$reports" "" "$1: no sanitizer report"
}

# shellcheck disable=SC2329 # called by the trap
e2e_cleanup() {
	local view pid
	cd /
	mounts_left | sort -r |
		while read -r view; do
			"${e2e_user[@]}" fusermount3 -u -z "$view" 2>/dev/null ||
				"${e2e_root[@]}" umount -l "$view"
		done
	for pid in $(daemons); do
		kill -KILL "$pid" 2>/dev/null || "${e2e_root[@]}" kill -KILL "$pid"
	done
	[ -n "${E2E_KEEP-}" ] && { diag "kept: $SCRATCH"; return; }
	"${e2e_root[@]}" chmod -R u+rwX "$SCRATCH" 2>/dev/null
	"${e2e_root[@]}" rm -rf "$SCRATCH"
}

e2e_setup
