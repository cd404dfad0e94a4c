# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# A root filesystem that boots, images of it, their boots, and what is checked about a boot.
# To be sourced after e2e.sh.
# shellcheck disable=SC2154 # from e2e.sh

boot=$e2e_top/tests/boot
# A boot without KVM takes one to two minutes, and longer beside other work.
export BOOT_TIMEOUT=${BOOT_TIMEOUT:-600}
export E2E_TIMEOUT=$((BOOT_TIMEOUT + 60))

# boot_root [COMMAND...]: the tar, the staging tree rootfs that an ordinary user makes of it, to
# which COMMAND adds what it likes, the kernel and the initrd.
boot_root() {
	have_root || bail "only root can make the root filesystem and its native tree"
	tar=$("$e2e_top/tests/fixtures/mkbootroot" "$FIXTURES") || bail "there is no root to boot"
	if ! as_user test -r "$tar"; then
		cp "$tar" .fixture.tar
		chmod 644 .fixture.tar
		tar=$SCRATCH/.fixture.tar
	fi
	cp -r "$boot" .bin/boot
	chmod -R a+rX .bin
	as_user tar -xf "$tar" ./boot
	kernel=$(echo boot/vmlinuz-*)
	initrd=$(echo boot/initrd.img-*)

	ok "unpack" as_user "$LIVERY" unpack "$tar" rootfs || bail "nothing to go on with"
	ok "what makes it report is added" \
		as_user env LIVERY="$LIVERY" .bin/boot/adorn rootfs
	[ $# = 0 ] || ok "and what this test needs" "$@"
	ok "label" as_user "$LIVERY" label rootfs
}

# make_image FORMAT IMAGE [--verity]: what it says is in IMAGE.log, and the digest that is
# predicted, of the staging tree, in IMAGE.digest.
make_image() {
	as_user "$LIVERY" manifest --digest rootfs >"$2.digest"
	like "$(cat "$2.digest")" '^[0-9a-f]{64}$' "$2: a digest is predicted"
	ok "$2: made" as_user "$LIVERY" image -t "$1" -o "$2" "${@:3}" rootfs
	printf '%s\n' "$OUT" >"$2.log"
}

# make_native IMAGE: the same as root makes it without livery.
make_native() {
	ok "$1: the tree" as_root env LIVERY="$LIVERY" "$e2e_top/tests/fixtures/mknative" \
		"$tar" native sh -ec '.bin/boot/adorn native; mkdir -m 700 native/lost+found'
	ok "$1: made" as_root mke2fs -q -t ext4 -d native "$1" 512M
	as_root rm -rf native
}

# verity_words IMAGE: for the kernel's command line, from what `livery image --verity` said.
verity_words() {
	awk '/^root hash: / { hash = $3 } /^hash offset: / { offset = $3 }
		END {
			if (hash == "" || offset == "") exit 1
			printf "root=/dev/mapper/verity-root verity.device=/dev/vda"
			printf " verity.hash=%s verity.offset=%s\n", hash, offset
		}' "$1.log"
}

# start_boot NAME IMAGE [WORD...]: at most two at a time. end_boots: waits for all.
# NAME.report, NAME.console and NAME.rc say how it went.
start_boot() {
	local name=$1 image=$2
	while [ "$(jobs -pr | wc -l)" -ge 2 ]; do
		wait -n
	done
	{
		as_user .bin/boot/qemu "$kernel" "$initrd" "$image" "$name" "${@:3}" 2>"$name.err"
		echo $? >"$name.rc"
	} &
}
end_boots() { wait; }
# shellcheck disable=SC2329 # called by the trap
kill_boots() {
	local pid
	for pid in "$SCRATCH"/*.pid; do
		[ ! -e "$pid" ] || kill "$(cat "$pid")"
	done
}
trap 'kill_boots; e2e_cleanup' EXIT

# section NAME REPORT
section() { awk -v name="== $1" '/^== / { on = $0 == name; next } on' "$2"; }

# denials REPORT: each AVC once, without what differs from boot to boot. Those of user space
# (systemd, dbus) come to the same log.
denials() {
	section log "$1" | grep -E 'avc: +denied' |
		sed -E 's/.*(denied +\{[^}]*\})/\1/; s/ (pid|name|path|dev|ino|capability)=[^ ]*//g
			s/[" ]+/ /g' |
		grep -oE 'denied \{[^}]*\}|(comm|[st]context|tclass)= ?[^ ]+' |
		awk '/^denied/ && NR > 1 { print "" } { printf "%s ", $0 } END { print "" }' |
		sort -u
}
# user_processes REPORT: label and name, each once.
user_processes() { section processes "$1" | sed -n 's/^user //p' | sort -u; }

# new_in LIST KNOWN: lines of the first file that the second has not.
new_in() { comm -23 "$1" "$2"; }

# booted NAME: whether there is a whole report; if not, the end of the console.
booted() {
	is "$(cat "$1.rc")" 0 "$1: boots, reports and powers off" && return
	diag "$(cat "$1.err")"
	diag "$(tail -n 40 "$1.console")"
	diag "$(section log "$1.report" | tail -n 20)"
	return 1
}

# check_boot NAME FORMAT DEVICE IMAGE: all that one boot has to show by itself.
check_boot() {
	local name=$1 format=$2 device=$3 report=$1.report
	booted "$name" || return
	is "$(section getenforce "$report")" Enforcing "$name: getenforce"
	like "$(section mounts "$report" | grep -E '^[^ ]+ / ')" \
		"^$device / $format ro,([^ ]*,)?seclabel" "$name: the root is $format, and read-only"
	is "$(section restorecon "$report" | head -n 15)" "" "$name: restorecon -rnv finds nothing"
	# What <<none>> excludes has no label to be checked.
	is "$(section setfiles "$report" | grep -v 'no default label for /proc$' | head -n 15)" "" \
		"$name: nor does setfiles below the mount points"
	is "$(section ended "$report" | sed 's/,.*//' | paste -sd' ')" \
		"restorecon: exit 0 setfiles: exit 0 livery: exit 0" "$name: and all three ended well"
	is "$(section digest "$report")" "$(cat "$4.digest")" "$name: the digest is the predicted one"
	check_processes "$name" "$report"
	is "$(section failed-units "$report")" "" "$name: no unit failed"
	check_log "$name" "$report"
}

# check_processes NAME REPORT
check_processes() {
	local listed
	listed=$(section processes "$2")
	is "$(grep -E -e '^user [^ ]*:kernel_t:' -e '^[a-z]+ ([^ ]*:(unlabeled|file)_t:|none )' \
		<<<"$listed")" "" \
		"$1: no process is unlabeled, none of user space in the kernel's domain"
	is "$(grep '^kernel ' <<<"$listed" | grep -v ' system_u:system_r:kernel_t:s0 ')" "" \
		"$1: the kernel's threads are in its domain"
	is "$(grep -E ' (systemd|systemd-journal|systemd-udevd|dbus-daemon)$' <<<"$listed" |
		sed -E 's/^user [^:]*:[^:]*:([^:]*):[^ ]*/\1/' | sort -u | paste -sd,)" \
		"init_t systemd,syslogd_t systemd-journal,system_dbusd_t dbus-daemon,udev_t systemd-udevd" \
		"$1: services are in their domains"
}

# check_log NAME REPORT: that no denial is missing from the log: it is whole, and audit
# records come to it.
check_log() {
	local log
	log=$(section log "$2")
	like "$(head -n 1 <<<"$log")" 'Linux version' "$1: the log goes back to its first line"
	like "$log" 'audit: type=1403 ' "$1: it has audit records: the policy was loaded"
	is "$(grep -E 'audit.*(lost|overflow)|suppressed' <<<"$log")" "" "$1: and none was held back"
}
