#!/bin/bash
# SPDX-License-Identifier: MIT
#
# How many messages writing in a view takes: each costs two changes of the process. What is
# saved must not change what is written.

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user mkdir rootfs
ok "mount -o rw" mount_fg rootfs view -o rw,debug

# messages NAME: how many of them the daemon has got.
messages() { grep -c "opcode: $1 " view.log; }
# more NAME COMMAND...: how many more by a command.
more() {
	local before
	before=$(messages "$1")
	as_user "${@:2}"
	echo $(($(messages "$1") - before))
}
write_made=$(cat <<'END'
import os, sys
path, size, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.mknod(path, 0o644)
fd = os.open(path, os.O_WRONLY | os.O_CREAT)
other = os.open(path, os.O_RDONLY)
for i in range(count):
    os.write(fd, bytes([i]) * size)
    assert os.fstat(other).st_size == (i + 1) * size
    # A page that was read takes one message anyway.
    if len(sys.argv) > 4:
        assert os.pread(other, size, i * size) == bytes([i]) * size
for i in range(count):
    assert os.pread(other, size, i * size) == bytes([i]) * size
END
)

# As tar does where a file has a label: made, labeled, opened, written.
is "$(more WRITE /usr/bin/python3 -c "$write_made" view/made 1000 10)" 10 \
	"a file that is made, then opened: one message a write"
is "$(more WRITE /usr/bin/python3 -c "$write_made" view/large 10240 10)" 10 \
	"of several pages each"
ok "others read what was written at once" \
	as_user /usr/bin/python3 -c "$write_made" view/read 1000 100 yes
is "$(more GETXATTR bash -c 'mknod view/3 p; rm view/3; for i in {0..9}; do
	echo $i; done >view/created')" 0 "nobody asks for security.capability for them"

# --- who only reads does not pay for it

as_user bash -c 'for i in {1..200}; do read -r x <view/created; done'
is "$(more OPEN bash -c 'for i in {1..50}; do read -r x <view/created; done')" 0 \
	"opening to read sends no more messages, after some"
is "$(more RELEASE bash -c 'for i in {1..50}; do read -r x <view/created; done')" 0 \
	"nor does closing"
as_user /usr/bin/python3 -c "$write_made" view/later 1000 10 yes
is "$(as_user cmp view/later view/made && as_user stat -c %s rootfs/later)" 10000 \
	"what is written then is right as well"

ok "umount" as_user "$LIVERY" umount view
ok "the daemon exits 0" foreground_ended 0
no_sanitizer_report view
finish
