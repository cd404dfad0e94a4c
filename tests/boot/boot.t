#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A Debian root with systemd and the reference policy, made by an ordinary user, boots
# read-only and enforcing from each image format that Linux has for it, one of them under
# dm-verity. What the guest reports is held against the policy, against the digest that was
# predicted, and against a boot of the tree that root made natively from the same tar.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"
. "$here/lib.sh"
# shellcheck disable=SC2154 # from lib.sh

boot_root
make_native native.img
start_boot native native.img boot-report.top=/etc
make_image squashfs squashfs.img
start_boot squashfs squashfs.img
make_image erofs erofs.img --verity
# shellcheck disable=SC2046 # words
start_boot erofs erofs.img $(verity_words erofs.img || bail "erofs: no root hash")
make_image ext4 ext4.img
start_boot ext4 ext4.img
end_boots

booted native || finish
is "$(section getenforce native.report)" Enforcing "native: getenforce"
check_log native native.report
check_boot ext4 ext4 /dev/vda ext4.img
check_boot squashfs squashfs /dev/vda squashfs.img
check_boot erofs erofs /dev/mapper/verity-root erofs.img
like "$(section device-mapper erofs.report)" '^CRYPT-VERITY-' "erofs: it is dm-verity"

# Which denials there are is up to Debian's policy, and a few depend on the moment: where one
# is new, the native tree gets a second boot to show it too.
formats=(ext4 squashfs erofs)
compare_with_native() {
	local name
	: >"new.$1"
	for name in "${formats[@]}"; do
		"$1" "$name.report" >"$name.$1"
		new_in "$name.$1" "native.$1" | sed "s/^/$name: /" >>"new.$1"
	done
}
denials native.report >native.denials
user_processes native.report >native.user_processes
compare_with_native denials
compare_with_native user_processes
if [ -s new.denials ] || [ -s new.user_processes ]; then
	start_boot native-again native.img boot-report.top=/etc
	end_boots
	booted native-again
	for what in denials user_processes; do
		"$what" native-again.report | sort -u - "native.$what" >both
		mv both "native.$what"
		compare_with_native "$what"
	done
fi
is "$(cat new.denials)" "" \
	"no AVC denial that the native tree has not ($(wc -l <native.denials) it has)"
is "$(cat new.user_processes)" "" "no process in another domain than natively"
finish
