#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A host that runs SELinux, permissive and enforcing: there no mount shows the database's
# labels, and under `livery run --ro` stock tools get them, types that the host does not know
# among them. What an ordinary user made there, in unconfined_t, is read here.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"
. "$here/lib.sh"
. "$here/../lib/formats.sh"
# shellcheck disable=SC2154 # from lib.sh

cat >spec <<'END'
def T(name, level="s0", role="system_u:object_r"):
    return LABEL(f"{role}:{name}_t:{level}")
d("./", x=T("root"))
d("usr", x=T("usr"))
d("usr/bin", x=T("bin"))
l("bin", "usr/bin", x=T("bin"))
f("usr/bin/su", "su\n", mode=0o4755, x=T("su_exec"))
f("usr/bin/ping", "ping\n", mode=0o755, x={**T("ping_exec"), **CAP(1 << 13)})
h("usr/bin/ping4", "usr/bin/ping")
d("etc", x=T("etc"))
f("etc/shadow", "root:*:\n", mode=0o640, gid=42, x=T("shadow"))
f("etc/secret", "secret\n", mode=0o600, uid=5,
  x={**T("etc", "s0:c1,c3.c5"), "user.note": b"a note"})
d("dev", x=T("device"))
c("dev/console", 5, 1, mode=0o600, x=T("console_device"))
b("dev/sda", 8, 0, mode=0o660, gid=6, x=T("fixed_disk_device"))
p("dev/initctl", mode=0o600, x=T("initctl"))
d("opt", x=T("livery_test_unknown_dir", "s99", "unknown_u:unknown_r"))
f("opt/unknown", "unknown\n", x=T("livery_test_unknown"))
l("opt/link", "unknown", x=T("livery_test_unknown_link"))
END
as_user .bin/lib/mktar expected.tar <spec
# The host's user sets the last two.
sed -E '/unknown(_link)?"\)\)$/s/T\(.*\)\)/T("usr"))/' spec >spec.before
as_user .bin/lib/mktar tree.tar <spec.before
as_user .bin/lib/readers/tar expected.tar >expected.list
# labels MANIFEST: a path and its label, a line each.
labels() {
	perl -F'\t' -lane 'print "$F[0] ", pack "H*", $1
		if $F[12] =~ /\bsecurity\.selinux=([0-9a-f]*)00/' "$1"
}
labels expected.list >expected.labels

boot_root as_user .bin/boot/adorn-host rootfs
make_image ext4 host.img
start_boot permissive host.img enforcing=0
start_boot enforcing host.img
end_boots

# of_getfattr VIEW, of_tar TAR: the same list.
of_getfattr() {
	perl -00 -ne '/^# file: tmp\/livery-run\.[^\/\n]*(.*)$/m or next; my $path = $1 || "/";
		print "$path $1\n" if /^security\.selinux="(.*)"$/m'
}
of_tar() {
	/usr/bin/python3 - "$1" <<'END'
import sys, tarfile
for m in tarfile.open(sys.argv[1]):
    if not m.islnk():
        print(m.name.removeprefix(".") or "/", m.pax_headers.get("RHT.security.selinux"))
END
}

# made_there NAME FILE: what was made on that host, into NAME.FILE.
made_there() { section "$2" "$1.report" | base64 -d | gzip -d >"$1.$2"; }

check_host() {
	local name=$1 report=$1.report format
	booted "$name" || return
	is "$(section getenforce "$report")" "${name^}" "$name: getenforce"
	is "$(section domain "$report")" "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023" \
		"$name: the user is in the domain of users who have logged in"
	is "$(section user "$report")" 1000 "$name: and is not root"
	is "$(section prepare "$report" | grep '^exit' | sort -u)" "exit 0" \
		"$name: unpack, setfattr, and setfattr(1) under run"
	like "$(section mount "$report")" \
		$'^livery: this host runs SELinux .*\'livery run --ro STAGING -- COMMAND.*\nexit 2$' \
		"$name: mount is refused, and says what to do"
	like "$(section mount-hidden "$report")" \
		$'this host.s kernel answers .*\'livery run --ro STAGING -- COMMAND.*\nexit 2$' \
		"$name: also where /sys/fs/selinux is hidden"
	like "$(section no-labels "$report")" 'security.selinux="[^"]*:fusefs_t:s0"' \
		"$name: without run the host's kernel answers"

	section getfattr "$report" | of_getfattr | sort >"$name.getfattr"
	is "$(cat "$name.getfattr")" "$(sort expected.labels)" "$name: getfattr -R"
	is "$(section getfattr "$report" | grep -E '^(exit|user)')" $'user.note="a note"\nexit 0' \
		"$name: with other attributes too, and ends well"
	is "$(section making "$report" | grep '^exit' | tr '\n' ' ')" \
		"exit 0 exit 0 exit 0 exit 0 " "$name: tar, mksquashfs and mke2fs end well"
	made_there "$name" labels.tar
	is "$(of_tar "$name.labels.tar" | sort)" "$(grep -v '^/usr/bin/ping4 ' expected.labels | sort)" \
		"$name: tar --selinux"
	for format in tar squashfs ext4; do
		made_there "$name" "tree.$format"
		".bin/lib/readers/$format" "$name.tree.$format" >"$name.$format.list"
		# shellcheck disable=SC2046 # words
		same "$name: $format" expected.list "$name.$format.list" $(format_limits "$format")
	done
	is "$(section verify "$report" | tail -n 1)" "exit 0" "$name: verify, on that host"
	is "$(section left "$report")" "" "$name: nothing is left mounted or running"
	is "$(section log "$report" | grep -E 'avc: +denied.*(livery|fusermount)')" "" \
		"$name: and nothing was denied to it"
}
check_host permissive
check_host enforcing
finish
