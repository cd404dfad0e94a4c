#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Same content, same SOURCE_DATE_EPOCH: the images are equal byte for byte, though the two
# staging trees were unpacked at different places, in the opposite order and with another
# umask, one after the other.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"
. "$here/../lib/formats.sh"
# shellcheck disable=SC2154 # from formats.sh

# Most files of the fixture are younger, so clamping is seen too.
epoch=1600000000

fixture
/usr/bin/python3 .bin/lib/tar-reverse "$FIXTURE" >reversed.tar || bail "no second tar"
is "$(stat -c %s reversed.tar | awk '{ print ($1 > 100e6) }')" 1 "a second tar"

build() { # NAME TAR UMASK STAGING
	local name=$1 tar=$2 mask=$3 staging=$4 format
	ok "$name: unpack" as_user bash -c "umask $mask; mkdir -p \$(dirname '$staging') &&
		exec '$LIVERY' unpack '$tar' '$staging'" || bail "nothing to go on with"
	ok "$name: chown" as_user "$LIVERY" chown root:shadow "$staging/etc/shadow"
	ok "$name: mknod" as_user "$LIVERY" mknod "$staging/dev/console" c 5 1
	ok "$name: label" as_user "$LIVERY" label "$staging"
	export SOURCE_DATE_EPOCH=$epoch E2FSPROGS_FAKE_TIME=$epoch
	ok "$name: mount" mount_view "$staging" "$name" || bail "nothing to go on with"
	for format in "${formats[@]}"; do
		ok "$name: $format" \
			as_user bash -c "umask $mask; $(image_command "$format" "$name" "$name.$format")"
	done
	unset SOURCE_DATE_EPOCH E2FSPROGS_FAKE_TIME
	strict_umount "$name"
}

build one "$FIXTURE" 022 one-staging/rootfs
as_user chmod -R u+rwX one-staging && rm -rf one-staging
build two reversed.tar 077 elsewhere/deeper/tree-two

# reads IMAGE: its manifest, which says what differs
reads() { ".bin/lib/readers/${1##*.}" "$1"; }
for format in "${formats[@]}"; do
	ok "$format: equal byte for byte" cmp "one.$format" "two.$format" ||
		diag "$(compare --max 15 <(reads "one.$format") <(reads "two.$format"))"
	is "$(stat -c %s "one.$format" | awk '{ print ($1 > 100e6) }')" 1 "$format: not empty"
done
newest=$(reads one.tar | cut -f10 | sort -n | tail -n 1)
is "$newest" "$epoch.000000000" "no time is after SOURCE_DATE_EPOCH"
finish
