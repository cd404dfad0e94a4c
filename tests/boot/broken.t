#!/bin/bash
# SPDX-License-Identifier: MIT
#
# That boot.t can fail: images and boots with one thing wrong each, and the checks that have
# to find it, and no others.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"
. "$here/lib.sh"
# shellcheck disable=SC2154 # from lib.sh

file=usr/share/common-licenses/GPL-3 # nobody reads it at boot

# flip IMAGE: one bit of that file's first block.
flip() {
	local block byte
	block=$(debugfs -R "bmap /$file 0" "$1" 2>/dev/null)
	[ "$block" -gt 0 ] || bail "$1: no first block of $file"
	byte=$(od -An -tu1 -j $((block * 4096)) -N 1 "$1")
	printf '%b' "\\x$(printf %x $((byte ^ 1)))" |
		as_user dd of="$1" bs=1 seek=$((block * 4096)) conv=notrunc status=none
}

# red NAME DEVICE IMAGE CHECK...: of the checks of check_boot, these are not ok, and no others.
red() {
	local name=$1
	(check_boot "$name" ext4 "$2" "$3") >"$name.tap" 2>/dev/null
	is "$(sed -n "s/^not ok [0-9]* - $name: //p" "$name.tap" | sort)" \
		"$(printf '%s\n' "${@:4}" | sort)" "$name: found"
}

boot_root
make_image ext4 digest.img --verity
flip digest.img
start_boot digest digest.img
# shellcheck disable=SC2046 # words
start_boot verity digest.img $(verity_words digest.img || bail "no root hash")

# The image is what the tree says, and the policy that it is held against says otherwise.
as_user "$LIVERY" setfattr -n security.selinux -v system_u:object_r:etc_t:s0 "rootfs/$file"
make_image ext4 label.img
start_boot label label.img
start_boot permissive label.img enforcing=0 boot-report.top=/etc
end_boots

digest="the digest is the predicted one"
label="restorecon -rnv finds nothing"
red label /dev/vda label.img "$label"
like "$(section restorecon label.report)" "^Would relabel /$file from [^ ]*:etc_t:s0 to [^ ]*$" \
	"label: it is that file"
red digest /dev/vda digest.img "$digest"
red verity /dev/mapper/verity-root digest.img "$digest" "and all three ended well"
like "$(section digest verity.report)" "GPL-3: .*Input/output error" "verity: it is that file"
like "$(section log verity.report)" 'device-mapper: verity: .*data block .* is corrupted' \
	"verity: by the kernel"
red permissive /dev/vda label.img getenforce
finish
