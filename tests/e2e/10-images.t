#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The view, and the image that each stock tool makes from it as an ordinary user, compared
# with the tree that root made natively from the same tar and labeled with setfiles: every
# inode with everything it has, zero differences.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"
. "$here/../lib/formats.sh"
# shellcheck disable=SC2046,SC2086,SC2154 # the limits are options, one word each

fixture
ok "unpack" as_user "$LIVERY" unpack "$FIXTURE" rootfs || bail "nothing to go on with"
ok "chown" as_user "$LIVERY" chown root:shadow rootfs/etc/shadow
ok "mknod" as_user "$LIVERY" mknod rootfs/dev/console c 5 1
ok "label" as_user "$LIVERY" label rootfs
ok "mount" mount_view rootfs view || bail "nothing to go on with"

# reference FORMAT: the manifest to compare with. Without root it is made from the tar and
# from what libselinux answers.
if have_root; then
	as_root "$here/../fixtures/mknative" "$FIXTURE" native ||
		bail "the native tree could not be made"
	as_root chown root:shadow native/etc/shadow
	as_root mknod -m 644 native/dev/console c 5 1
	# When these two were made or changed is the one thing that nobody can know before.
	as_root touch -h -r rootfs/dev/console native/dev/console
	as_root touch -r rootfs/dev native/dev
	ok "label natively" as_root "$here/../fixtures/mknative" --label native
	reference() { as_root /usr/bin/python3 .bin/lib/scan.py $(format_limits "$1") native; }
else
	reference() { .bin/lib/readers/expected $(format_limits "$1") "$FIXTURE" rootfs; }
fi

# The mode of a new device node is livery's own default.
is "$(as_user stat -c '%A %u:%g %t,%T' view/dev/console)" "crw-r--r-- 0:0 5,1" "the new device"

read_image() { .bin/lib/readers/"$1" $(format_limits "$1") "out.$1"; }
entries=0
check() { # FORMAT MANIFEST
	reference "$1" >"expected.$1"
	same "$1: every inode as in the native tree" "expected.$1" "$2"
	entries=$(wc -l <"expected.$1")
}

as_user /usr/bin/python3 .bin/lib/scan.py view >found.view
check view found.view
result $((entries < 10000)) "the tree has at least 10,000 entries ($entries)"

for format in "${formats[@]}"; do
	ok "$format: made from the view" \
		as_user bash -c "$(image_command "$format" view "out.$format")"
done
strict_umount view

for format in "${formats[@]}"; do
	limits=$(format_limits "$format")
	read_image "$format" >"read.$format"
	if have_root; then
		as_root bash -c ". '$here/../lib/formats.sh'; open_image $format out.$format image" ||
			diag "$format: cannot be opened"
		as_root /usr/bin/python3 .bin/lib/scan.py $limits image >"found.$format"
		as_root bash -c ". '$here/../lib/formats.sh'; close_image $format image"
		check "$format" "found.$format"
		same "$format: read without mounting it" "found.$format" "read.$format"
	else
		check "$format" "read.$format"
	fi
	as_user rm -f "out.$format"
done
finish
