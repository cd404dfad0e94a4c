# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The image formats: how each is made with stock tools, how root reads it back, and what it
# cannot hold (options of compare). Each limit was seen with the native tree
# as input too, so it is the tool's or the format's and not livery's.

formats=(tar squashfs ext4 erofs)

# Fixed for images that are to be equal byte for byte.
image_uuid=5d2c5d0c-7f3c-4f0e-9a55-6c1b1c6f3a10

# make_image FORMAT DIR OUT: a command line, printed quoted for eval, so that the caller
# decides who runs it. OUT must not exist.
image_command() {
	local dir out
	printf -v dir %q "$2"
	printf -v out %q "$3"
	case $1 in
	tar) echo "tar -C $dir --xattrs --xattrs-include='*' -cf $out ." ;;
	# No compression: the content of the files is not what is tested.
	squashfs) echo "mksquashfs $dir $out -noI -noD -noF -noX -quiet -no-progress" ;;
	ext4) echo "mke2fs -q -t ext4 -U $image_uuid -E hash_seed=$image_uuid -d $dir $out 1G" ;;
	erofs) echo "mkfs.erofs -U $image_uuid $(erofs_exclude) $out $dir" ;;
	esac
}

# mkfs.erofs 1.5 truncates a name of 255 bytes to 254 and then fails on it. Only where it
# does so, this one name is left out.
long_name=$(printf 'x%.0s' {1..255})
erofs_fails_on_long_name() {
	local dir rc=0
	dir=$(mktemp -d)
	: >"$dir/$long_name"
	mkfs.erofs "$dir.erofs" "$dir" >/dev/null 2>&1 && rc=1
	rm -rf "$dir" "$dir.erofs"
	return "$rc"
}
erofs_exclude() {
	: "${erofs_excludes=$(erofs_fails_on_long_name &&
		echo "--exclude-path=opt/fixture/names/$long_name")}"
	echo "$erofs_excludes"
}

mke2fs_time() {
	local version
	version=$(mke2fs -V 2>&1 | awk 'NR == 1 { print $2 }')
	if [ "$(printf '%s\n' "$version" 1.47.1 | sort -V | head -n 1)" = 1.47.1 ]; then
		echo clamp32
	else
		echo mod32
	fi
}

# Where the image cannot say everything, one option of compare a line.
format_limits() {
	case $1 in
	view) ;;
	tar)
		# GNU tar archives each name of a device or fifo as an inode of its own.
		echo --unlinked=cbp
		;;
	squashfs)
		# Times are whole seconds in 32 bits.
		echo --mtime=mod32
		# Attributes are user., trusted. and security.; mksquashfs says that it drops these.
		echo --without=system.posix_acl_access
		echo --without=system.posix_acl_default
		;;
	ext4)
		# mke2fs 1.47.0 stores the low 32 bits of the seconds, and nothing else; 1.47.1
		# and later store the nearest time that a signed 32-bit number holds.
		echo "--mtime=$(mke2fs_time)"
		# mke2fs gives the root its own time, makes lost+found, and makes each name of
		# a symbolic link an inode of its own.
		echo --any-mtime=/
		echo --ignore=/lost+found
		echo --unlinked=l
		;;
	erofs)
		if [ -n "$(erofs_exclude)" ]; then
			echo "--ignore=/opt/fixture/names/$long_name"
		fi
		;;
	esac
}

# open_image FORMAT IMAGE DIR, close_image FORMAT DIR: as root.
open_image() {
	mkdir -p "$3"
	case $1 in
	# Without --acls: tar writes lists as attributes when it is asked for attributes, and
	# with --acls would remove those that have no header of their own.
	tar) tar -C "$3" -xp --same-owner --numeric-owner --xattrs --xattrs-include='*' \
		--warning=no-timestamp -f "$2" ;;
	*) mount -t "$1" -o loop,ro "$2" "$3" ;;
	esac
}
close_image() {
	case $1 in
	tar) rm -rf "$2" ;;
	*) umount "$2" ;;
	esac
}
