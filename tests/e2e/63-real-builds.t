#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What a build does as root, done by an ordinary user in the view: a hundred of Debian's packages
# extracted, a package with a configure script and one of CMake's built and installed, both in
# the view. The tree and the image of it equal those that root makes natively, by the same steps
# at the same path.
#
# BUILDS_BY=run has all of it done under livery run, by the very programs that root uses.

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

by=${BUILDS_BY:-view}
fetched=$("$e2e_top/tests/fixtures/mkpackages" "$FIXTURES") || bail "there are no packages to extract"
mkdir packages && tar -C packages -xf "$fetched" || bail "the packages cannot be read"
chmod -R a+rX packages
is "$(find packages/debs -name '*.deb' | wc -l)" 100 "a hundred packages"

# What the view needs otherwise than root does. dpkg-deb's tar, which is told nothing of owners,
# sets them only for root; tar that is told so sets them for anybody. And coreutils' install
# sets modes through ACLs, which Linux refuses on files that are shown as another's before
# livery is asked (from 6.2 on): here is one that uses chmod, as the install-sh does that many
# packages bring along.
mkdir bin
cat >bin/install <<'END'
#!/bin/sh
set -e
mode=755 group=
while getopts dpg:m: option; do
	case $option in
	d) directories=1 ;;
	g) group=$OPTARG ;;
	m) mode=$OPTARG ;;
	esac
done
shift $((OPTIND - 1))
settle() {
	[ -z "$group" ] || chgrp "$group" "$1"
	chmod "$mode" "$1"
}
for last; do
	[ -z "$directories" ] || { mkdir -p "$last" && settle "$last"; }
done
[ -z "$directories" ] || exit 0
for file; do
	[ "$file" != "$last" ] || exit 0
	to=$last
	[ ! -d "$to" ] || to=$to/${file##*/}
	rm -f "$to"
	cp "$file" "$to"
	settle "$to"
done
END
chmod 755 bin bin/install

cat >steps <<'END'
# STEP PACKAGES STARTED: in the directory in which all is done.
set -eu
umask 022
export SOURCE_DATE_EPOCH=1700000000 CFLAGS=-O1 DESTDIR=$PWD/inst
packages=$2 started=$3

extract() {
	mkdir root
	for deb in "$packages"/debs/*.deb; do
		dpkg-deb -x "$deb" root
	done
	while read -r deb; do
		dpkg-deb --fsys-tarfile "$packages/debs/$deb" | tar -C root -xp --same-owner
	done <"$packages/owned"
	mkdir src obj inst
	for source in "$packages"/sources/*.orig.tar.*; do
		tar -C src -xp --same-owner --numeric-owner -f "$source"
	done
}
configure() {
	cd src/liblockfile-*
	./configure -q --prefix=/usr --enable-shared --with-mailgroup=mail
	make -s
	make -s install
	make -s distclean
}
with_cmake() {
	cmake -S src/cJSON-* -B obj -DCMAKE_INSTALL_PREFIX=/usr -DENABLE_CJSON_TEST=Off
	make -s -C obj -j2
	cmake --install obj
	rm -r obj
}
# What the clock gave, which nobody can know before: what was built, and the directories in
# which tar replaces its placeholders for links at the very end.
set_times() {
	find . -newermt "@$started" -exec touch -h -d '2024-02-29 01:02:03.456789012Z' {} +
}
"$1"
END
steps=(extract configure with_cmake set_times)
started=$(($(date +%s) - 1))

# A mount namespace of its own, so that both trees are made at one path: compilers and cmake
# write it into files.
native() {
	local E2E_TIMEOUT=600 # beside the steps in the view
	as_root unshare --mount bash -ec '
		mount --bind native work
		: >native.ready
		cd work
		for step in "${@:4}"; do bash "$1" "$step" "$2" "$3"; done' \
		native "$SCRATCH/steps" "$SCRATCH/packages" "$started" "${steps[@]}" >native.log 2>&1
}
as_user mkdir work tree
if have_root; then
	mkdir native
	as_root chown 0:0 native
	native &
	native_pid=$!
	wait_for 20 test -e native.ready || { cat native.log; bail "no native tree"; }
fi

ok "mount" mount_view tree work -o rw || bail "nothing to go on with"
in_view() {
	case $by in
	view) as_user env -C "$SCRATCH/work" "PATH=$SCRATCH/bin:$PATH" "$@" ;;
	run) as_user "$LIVERY" run tree env -C "$SCRATCH/work" "$@" ;;
	esac
}
for step in "${steps[@]}"; do
	ok "in the view: $step" in_view \
		bash "$SCRATCH/steps" "$step" "$SCRATCH/packages" "$started"
done
is "$(as_user stat -c '%A %u:%g' work/inst/usr/bin/dotlockfile)" \
	"-rwxr-sr-x 0:$(getent group mail | cut -d: -f3)" "what make installed for another group"
as_user /usr/bin/python3 .bin/lib/scan.py work >view.list
strict_umount work
ok "database and tree agree" as_user "$LIVERY" status tree

ok "an image of it" as_user "$LIVERY" image -t squashfs --allow-unlabeled -o view.squashfs \
	tree -- -noI -noD -noF -noX
.bin/lib/readers/squashfs view.squashfs >image.list

if have_root; then
	ok "as root natively: all steps" wait "$native_pid" || diag "$(tail -n 20 native.log)"
	as_root /usr/bin/python3 .bin/lib/scan.py native >native.list
	as_root mksquashfs native native.squashfs -noI -noD -noF -noX -quiet -no-progress >/dev/null
	as_root chmod 644 native.squashfs
	.bin/lib/readers/squashfs native.squashfs >native-image.list
	entries=$(wc -l <native.list)
	result $((entries < 9000)) "the tree has at least 9,000 entries ($entries)"
	others=$(awk -F'\t' '$4 != 0 || $5 != 0' native.list | wc -l)
	result $((others < 40)) "40 and more are not 0:0 ($others)"
	same "the view equals root's tree" native.list view.list
	same "the image equals that of root's tree" native-image.list image.list
else
	skip "the view equals root's tree" "making that needs root"
	skip "the image equals that of root's tree" "making that needs root"
fi
finish
