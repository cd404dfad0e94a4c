#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The view, and the image that each stock tool makes from it as an ordinary user, compared
# with the tree that root made natively from the same tar and labeled with setfiles: every
# inode with everything it has, zero differences. Each image is read twice, by the kernel (or
# GNU tar) as root and without mounting.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"
. "$here/../lib/formats.sh"
# shellcheck disable=SC2154 # from formats.sh

fixture
ok "unpack" as_user "$LIVERY" unpack "$FIXTURE" rootfs || bail "nothing to go on with"
ok "chown" as_user "$LIVERY" chown root:shadow rootfs/etc/shadow
ok "mknod" as_user "$LIVERY" mknod rootfs/dev/console c 5 1
ok "label" as_user "$LIVERY" label rootfs
ok "mount" mount_view rootfs view || bail "nothing to go on with"

# The mode of a new device node is livery's own default.
is "$(as_user stat -c '%A %u:%g %t,%T' view/dev/console)" "crw-r--r-- 0:0 5,1" "the new device"

# When the new node was made is the one thing that nobody can know before.
if have_root; then
	ok "the native tree" as_root "$here/../fixtures/mknative" "$FIXTURE" native sh -ec '
		chown root:shadow native/etc/shadow
		mknod -m 644 native/dev/console c 5 1
		touch -r rootfs/dev/console native/dev/console
		touch -r rootfs/dev native/dev'
	as_root /usr/bin/python3 .bin/lib/scan.py native >native.list
	as_root rm -rf native
else
	.bin/lib/readers/expected "$FIXTURE" rootfs >native.list
fi
entries=$(wc -l <native.list)
result $((entries < 10000)) "the tree has at least 10,000 entries ($entries)"

as_user /usr/bin/python3 .bin/lib/scan.py view >view.list
same "view: every inode as in the native tree" native.list view.list

for format in "${formats[@]}"; do
	ok "$format: made from the view" \
		as_user bash -c "$(image_command "$format" view "out.$format")"
done
strict_umount view

for format in "${formats[@]}"; do
	mapfile -t limits < <(format_limits "$format")
	if have_root; then
		as_root bash -c ". .bin/lib/formats.sh; open_image $format out.$format image" ||
			diag "$format: cannot be opened"
		as_root /usr/bin/python3 .bin/lib/scan.py image >image.list
		as_root bash -c ". .bin/lib/formats.sh; close_image $format image"
		same "$format: every inode as in the native tree" native.list image.list "${limits[@]}"
	fi
	".bin/lib/readers/$format" "out.$format" >reader.list
	same "$format: every inode, read without mounting" native.list reader.list "${limits[@]}"
	as_user rm -f "out.$format"
done
finish
