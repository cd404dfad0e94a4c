#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The same tree gives the same image, byte for byte, whoever makes it, where, when and how the
# environment is: two users at two places, staging trees filled in opposite orders, another
# umask, zone, locale, home and folder for temporary files, seconds apart.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

# A second user, where the run can make one.
second=("${e2e_user[@]}")
if [ "$(id -u)" = 0 ]; then
	(
		flock 9
		id livery-test-2 >/dev/null 2>&1 || useradd --system --user-group \
			--no-create-home --shell /usr/sbin/nologin livery-test-2
	) 9>"${TMPDIR:-/tmp}/.livery-test-2.lock" || bail "cannot make the user livery-test-2"
	second=("${second[@]//livery-test/livery-test-2}")
	is "$("${second[@]}" id -un)" livery-test-2 "a second user"
elif [ "${CI-}" = true ]; then
	skip "a second user" "that needs root"
fi

mkdir -p one two/deeper/still/two two/home two/tmp
if [ "$(id -u)" = 0 ]; then
	chown -R livery-test: one
	chown -R livery-test-2: two
fi

# one COMMAND..., two COMMAND...: as different as two runs can be.
one() {
	timeout -k 10 "$E2E_TIMEOUT" "${e2e_user[@]}" \
		env -C "$SCRATCH/one" TZ=UTC LANG=C LC_ALL=C bash -c 'umask 022; exec "$@"' one "$@"
}
two() {
	timeout -k 10 "$E2E_TIMEOUT" "${second[@]}" env -C "$SCRATCH/two/deeper/still/two" \
		"HOME=$SCRATCH/two/home" "TMPDIR=$SCRATCH/two/tmp" TZ=Asia/Kathmandu LANG=C.UTF-8 \
		LC_ALL=C.UTF-8 LANGUAGE=de COLUMNS=40 bash -c 'umask 077; exec "$@"' two "$@"
}
A=$SCRATCH/one B=$SCRATCH/two/deeper/still/two

trees() { # TAR: the same tree twice, as "root" and as "the other tree"
	/usr/bin/python3 .bin/lib/tar-reverse "$1" >reversed.tar || bail "no second tar"
	chmod 644 reversed.tar
	ok "unpack" one "$LIVERY" unpack "$1" root || bail "nothing to go on with"
	ok "unpack in the opposite order" two "$LIVERY" unpack "$SCRATCH/reversed.tar" "the other tree" ||
		bail "nothing to go on with"
	if [ -n "${2-}" ]; then
		ok "label" one "$LIVERY" label root
		ok "label" two "$LIVERY" label "the other tree"
	fi
	rm -f reversed.tar
	is "$(two "$LIVERY" manifest --digest "the other tree")" "$(one "$LIVERY" manifest --digest root)" \
		"the trees are the same"
}
no_trees() { rm -rf "$A"/* "$B"/*; }

# What is made, and with which options. The others are asked for where livery's own choice
# would take long: no compression.
makes=("ext4 --verity" "ext3 --vhd" "ext2 --qcow2" "squashfs --hash-file hashes" "erofs" "tar"
	"cpio --drop=xattrs" "squashfs --without-fuse" "squashfs --verity --qcow2" "ext4" "ext3" "ext2"
	"erofs --verity --vhd")
if mkfs.erofs --help 2>&1 | grep -q -e --tar; then
	makes+=("erofs --without-fuse")
fi
tool_options() { # MAKE
	[ -n "${fast-}" ] || return
	case $1 in
	squashfs*without*) echo "-- -c gzip -X level=1" ;;
	squashfs*) echo "-- -noI -noD -noF -noX" ;;
	esac
}
# verified elsewhere: here it would take most of the time
make_with() { # one|two TREE NUMBER
	$1 "$LIVERY" image --no-verify -t ${makes[$3]} -o "image $3" "$2" $(tool_options "${makes[$3]}")
}
equal() { # WHAT
	ok "$1: equal byte for byte" cmp "$A/image $n" "$B/image $n"
	case ${makes[n]} in
	*--hash-file*)
		ok "$1: the hash trees too" cmp "$A/hashes" "$B/hashes"
		rm -f "$A/hashes" "$B/hashes"
		;;
	esac
	rm -f "$A/image $n" "$B/image $n"
}
builds() { # WHAT NUMBER...: all by one, then all by two
	local what=$1 n
	shift
	for n in "$@"; do
		ok "$what: ${makes[n]}" make_with one root $n
		sed '1s/^[^:]*: //' <<<"$OUT" >"said.$n"
	done
	sleep 1.1
	for n in "$@"; do
		ok "$what: ${makes[n]}, once more" make_with two "the other tree" $n
		is "$(sed '1s/^[^:]*: //' <<<"$OUT")" "$(cat "said.$n")" "$what: ${makes[n]}: the same is said"
		equal "$what: ${makes[n]}"
	done
}

# --- a small tree with everything

as_user .bin/lib/mktar t.tar <<'SPEC'
F = LABEL("a:b:file:s0")
d("./", mode=0o751, uid=3, gid=4, x=LABEL("a:b:root:s0"), mtime=1400000000)
d("etc", x=LABEL("a:b:dir:s0"), mtime="1500000001.987654321")
for i in range(60):
    f("etc/file-%d" % (i * 7919 % 1000), "x" * i * 97, uid=i % 5, x={**F, "user.n": b"%d" % (i % 3)},
      mtime=1500000000 + i)
f("etc/b", b"b" * 100000, uid=4000000000, gid=6, mode=0o6755, x={**F, **CAP(0x400), "user.u": b"1"})
h("etc/a-too", "etc/b")
h("z", "etc/b")
f("etc/big-value", x={**F, "user.big": b"x" * 3000})
f(b"etc/odd\n\xff " + b"n" * 200, "odd", x=F, mtime="1700000000.5")
l("etc/link", "a", x=LABEL("a:b:link:s0"))
l("etc/long-link", "t" * 300, x=LABEL("a:b:link:s0"))
c("null", 1, 3, mode=0o666, x=LABEL("a:b:dev:s0"))
c("null-too", 1, 3, mode=0o666, x=LABEL("a:b:dev:s0"))
b("disk", 259, 100000, mode=0o660, gid=6, x=LABEL("a:b:dev:s0"))
p("fifo", x=LABEL("a:b:dev:s0"))
f("random", bytes((i * i * 7 + i // 256) % 256 for i in range(200000)), x=F)
SPEC
trees "$SCRATCH/t.tar"
all=$(seq 0 $((${#makes[@]} - 1)))
builds "without SOURCE_DATE_EPOCH" $all
export SOURCE_DATE_EPOCH=1500000030
builds "SOURCE_DATE_EPOCH" $all
ok "a tar for its times" make_with one root 5
is "$(.bin/lib/readers/tar "$A/image 5" | cut -f10 | sort -n | tail -n 1)" 1500000030.000000000 \
	"no time is after SOURCE_DATE_EPOCH"
unset SOURCE_DATE_EPOCH
no_trees

# --- a small real root

fixture --small
trees "$FIXTURE" label
fast=1 builds "a real root" 0 1 2 3 4 5 6 7
no_sanitizer_report "all"
finish
