#!/bin/bash
# SPDX-License-Identifier: MIT
#
# livery run --chroot and --userns: dpkg -i with maintainer scripts inside the view, rpm --root
# and chroot from outside, as an ordinary user. What comes out is what root makes in a plain
# directory.

# shellcheck disable=SC2016,SC2154 # text for other shells, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"
E2E_TIMEOUT=300
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

fixture --small
debs=$("$e2e_top/tests/fixtures/mkpackages" "$FIXTURES") || bail "there are no packages"
mkdir packages && tar -C packages -xf "$debs" --strip-components=1 debs || bail "no packages"
# Users and groups that their scripts make, setuid and setgid files, triggers, alternatives.
mkdir chosen
for name in adduser at ed screen nano; do
	cp packages/"$name"_*.deb chosen/ || bail "there is no $name"
done
chmod -R a+rX chosen
run() { as_user "$LIVERY" run "$@"; }

# --- a user namespace with nothing in it

as_user mkdir empty
ok "--chroot wants the program in the view" as_user sh -c '! "$1" run --chroot empty true' sh "$LIVERY"
as_user rm -rf empty empty.livery*

# --- owners, inside

ok "unpack" as_user "$LIVERY" unpack "$FIXTURE" tree
exits 0 "stat and chown" run --chroot tree sh -c 'set -e
	cd /tmp; pwd; id -u; touch new; chown 33:42 new; ln -s new link; chown -h 7:8 link
	mknod console c 5 1; chmod 4755 new
	stat -c "%n %F %a %u %g %t %T" new link console /etc/shadow /; ls -l /proc/self/exe | grep -c ls
	test -c /dev/null && echo >/dev/null
	dd if=/etc/hostname of=copy bs=1 count=1 2>/dev/null; stat -c %u copy
	cd / && chroot . stat -c "%u %g" /tmp/new'
is "$OUT" "/tmp
0
new regular empty file 4755 33 42 0 0
link symbolic link 777 7 8 0 0
console character special file 644 0 0 5 1
/etc/shadow regular file 640 0 42 0 0
/ directory 755 0 0 0 0
1
0
33 42" "are the database's"
exits 0 "the same by statx and by descriptors" run --chroot tree perl -e '
	open(my $f, "<", "/tmp/new"); my @s = stat($f); print "$s[4] $s[5]\n";
	chown(1, 2, $f); @s = stat("/tmp/new"); print "$s[4] $s[5]\n";
	@s = lstat("/tmp/link"); print "$s[4]\n"; print((stat("/proc/self/cwd"))[4], "\n")'
is "$OUT" "33 42
1 2
7
0" "are the same"
exits 0 "@ is the root directory" run --chroot tree sh -c 'cd "$1" && echo "$PWD $2 $LIVERY_VIEW"' sh @ a=@/etc
is "$OUT" "/ a=/etc /" "of the program"
run --chroot tree rm -f /tmp/new /tmp/link /tmp/console /tmp/copy
ok "nothing is left" as_user "$LIVERY" status tree
ok "the host's files are not the view's" run --userns tree sh -c '! chown 5 /etc/hostname 2>/dev/null'

# --- a pid namespace of the program's own: its /proc has other numbers

cat >numbers <<'END'
import errno, os, sys
os.chdir(sys.argv[1])
open("f", "w").close()
os.chown("f", 5, 6)
def case(name, function, *args):
    try:
        print(name, function(*args))
    except OSError as e:
        print(name, errno.errorcode[e.errno])
fd = os.open("f", os.O_RDONLY)
directory = os.open(".", os.O_RDONLY)
for way in (f"self/fd/{fd}", "self/cwd/f", "thread-self/cwd/f", f"self/fd/{directory}/f"):
    path = f"/proc/{way}"
    case("owner", lambda: os.stat(path).st_uid)
    case("set", os.setxattr, path, "trusted.x", b"x")
    case("list", os.listxattr, path)
    case("remove", os.removexattr, path, "trusted.x")
case("device", os.mknod, "/proc/self/cwd/d", 0o020600, os.makedev(1, 3))
os.unlink("f")
os.unlink("d")
END
chmod 644 numbers
way="owner 5
set None
list ['trusted.x']
remove None"
for own in "" "unshare --fork --pid" "unshare --fork --pid --mount-proc" \
	"unshare --fork --pid --mount-proc unshare --fork --pid --mount-proc"; do
	# shellcheck disable=SC2086 # words
	exits 0 "${own:-no namespace}" run --userns tree $own /usr/bin/python3 "$SCRATCH/numbers" @
	is "$OUT" "$way
$way
$way
$way
device None" "/proc/self is the program, as the view shows it"
done

# --- device nodes of the view, which its mount does not let anybody open

cat >opens <<'END'
use Fcntl;
my $view = shift; chdir $view or die; mkdir "d";
my @made = (["null", 1, 3], ["zero", 1, 5], ["full", 1, 7], ["random", 1, 8], ["urandom", 1, 9],
	["mem", 1, 1], ["tty", 5, 0], ["console", 5, 1]);
system("mknod", "d/$$_[0]", "c", $$_[1], $$_[2]) && die for @made;
system("mknod", "d/block", "b", 1, 3) && die; symlink "null", "d/link"; symlink "/dev/null", "d/host";
mkdir "d/dev"; system("mknod", "d/dev/null", "c", 1, 3);
sub result {
	my ($name, $file, $flags, $f) = @_;
	my @node = $flags & O_NOFOLLOW ? lstat $file : stat $file;
	print "$name ", sysopen($f, $file, $flags, 0666) ? join(":", (stat $f)[6] & 0xff,
		"@node[0..5]" eq "@{[(stat $f)[0..5]]}" ? "itself" : "another",
		fcntl($f, F_GETFL, 0) & 3, 0 + fcntl($f, F_GETFD, 0)) : 0 + $!, "\n";
}
result($$_[0], "d/$$_[0]", O_RDWR) for @made;
result("block", "d/block", O_RDONLY);
result("as the shell does", "d/null", O_WRONLY | O_CREAT | O_TRUNC);
result("exclusively", "d/null", O_WRONLY | O_CREAT | O_EXCL);
result("as a directory", "d/null", O_RDONLY | O_DIRECTORY);
result("by a link", "$view/d/link", O_RDONLY);
result("not by a link", "d/link", O_RDONLY | O_NOFOLLOW);
result("not there", "d/none", O_RDONLY);
result("with a slash", "d/null/", O_RDONLY);
$^F = 100; result("for programs", "d/null", O_RDONLY); $^F = 2;
$name = "d/null"; print "creat ", syscall(85, $name, 0644) >= 0 ? "ok" : 0+$!, "\n";
sysopen($z, "d/zero", O_RDONLY) && sysread($z, $bytes, 3);
print "bytes ", unpack("H*", $bytes), "\n";
chroot "d" or die; chdir "/dev" or die;
result("in a root directory of its own", "/dev/null", O_WRONLY);
result("from there", "../dev/../null", O_WRONLY);
result("a link to the host's", "/host", O_WRONLY);
result("what is not there", "/proc/self/fd", O_RDONLY);
END
exits 0 "device nodes are opened" run --userns tree perl opens @
is "$OUT" "null 3:itself:2:1
zero 5:itself:2:1
full 7:itself:2:1
random 8:itself:2:1
urandom 9:itself:2:1
mem 13
tty 13
console 13
block 13
as the shell does 3:itself:1:1
exclusively 17
as a directory 20
by a link 3:itself:0:1
not by a link 40
not there 2
with a slash 20
for programs 3:itself:0:0
creat ok
bytes 000000
in a root directory of its own 3:itself:1:1
from there 3:itself:1:1
a link to the host's 3:itself:1:1
what is not there 2" "those that are the same everywhere, as root opens them"
run --userns tree sh -c 'rm -r "$1/d"' sh @
ok "none outside of a user namespace" run tree sh -c 'mknod "$1/n" c 1 3 && ! { echo >"$1/n"; } 2>/dev/null && rm "$1/n"' sh @
exits 0 "no node that is another's" run --userns tree unshare --mount sh -c '
	cd "$1" && mkdir d && mknod d/null c 1 3 && mount -t tmpfs none d && : >d/null && stat -c %F d/null' sh @
is "$OUT" "regular empty file" "what is mounted over it is what is opened"
run --userns tree rm -r @/d

# --- what the program mounts in the view

exits 0 "mounts in a namespace" run --userns tree sh -c 'set -e
	cd "$1"; mkdir m; chown 5:6 m; mount -t tmpfs none m; mkdir m/in
	stat -c %d m "$1/m" | uniq | wc -l; test -d "$1/m/in" && echo there
	chown 0:0 "$1/m"; umount m; stat -c "%u %g" m; rmdir m' sh @
is "$OUT" "1
there
5 6" "paths lead into them, not below them"
# A name that comes and goes is there with its owner, or not at all.
exits 0 "names that come and go" run --userns tree perl -e '
	chdir $ARGV[0]; open(F, ">src"); close F; chown 5, 6, "src";
	if (!fork) { for (1..3000) { link "src", "x"; unlink "x" } exit }
	my %seen; for (1..6000) { my @s = stat "x"; $seen{@s ? "$s[4] $s[5]" : $!+0}++ }
	wait; unlink "src"; print join(",", grep { $_ ne "2" } sort keys %seen), "\n"' @
is "$OUT" "5 6" "have their owner, or are not there"
started=$(date +%s%N)
as_user mkdir other
run --userns tree sleep 6 &
sleep 1
ok "a view that ends beside a namespace" run other true
result $(($(date +%s%N) - started > 5000000000)) "does not wait for it"
wait $!

# --- against root

listing() { # DIRECTORY: what root would see, but for what has a time or a host in it
	echo "cd $1 && find . \( -path ./dev -o -path ./chosen -o -path ./proc -o -path ./sys \) -prune -o \
		-printf '%P %y %m %U %G %l\n' | sort; cat etc/passwd etc/group etc/gshadow var/lib/dpkg/status;
		cut -d: -f1,2 etc/shadow"
}
compare() { # WHAT
	run tree sh -c "$(listing '"$LIVERY_VIEW"')" >session.list 2>session.err
	as_root sh -c "$(listing native)" >native.list 2>native.err
	is "$(cat session.err)" "" "$1: it can be listed"
	result $(($(wc -l <native.list) < 5000)) "$1: there is something to compare"
	is "$(diff native.list session.list | head -n 20)" "" "$1: what root makes"
}
if have_root; then
	mkdir native
	as_root sh -c "tar -C native -xpf '$FIXTURE' && cp -r chosen native/"
	as_user cp -r chosen tree/
	scripts='export DEBIAN_FRONTEND=noninteractive
		dpkg --force-depends -i /chosen/*.deb >/tmp/dpkg.log 2>&1 || { tail /tmp/dpkg.log; exit 1; }
		rm /tmp/dpkg.log'
	ok "dpkg -i, as root" as_root chroot native sh -c "$scripts"
	ok "dpkg -i under --chroot" run --chroot tree sh -c "$scripts"
	as_user rm -rf tree/chosen
	as_root rm -rf native/chosen
	as_user "$LIVERY" status --repair tree >/dev/null
	compare "dpkg -i"

	mkdir -p rpm/files
	cat >rpm/x.spec <<-'END'
		Name: x
		Version: 1
		Release: 1
		Summary: x
		License: MIT
		%description
		x
		%install
		mkdir -p %{buildroot}/opt/x/d
		echo suid >%{buildroot}/opt/x/suid
		echo cap >%{buildroot}/opt/x/cap
		ln -s suid %{buildroot}/opt/x/link
		%files
		%attr(4755, root, mail) /opt/x/suid
		%caps(cap_net_raw=ep) %attr(0750, daemon, adm) /opt/x/cap
		%attr(2775, news, staff) /opt/x/d
		/opt/x/link
		%post
		id -u >/opt/x/post && chown games:man /opt/x/post && chmod 640 /opt/x/post
	END
	chown -R "$(stat -c %U tree)": rpm
	ok "an rpm" as_user sh -c 'cd rpm && rpmbuild --quiet --define "_topdir $PWD" -bb x.spec'
	rpm=$(echo rpm/RPMS/*/x-1-1.*.rpm)
	as_root cp "$rpm" .x.rpm && chmod 644 .x.rpm
	ok "rpm --root, as root" as_root rpm --root "$SCRATCH/native" --dbpath /var/lib/rpm --nodeps -i "$SCRATCH/.x.rpm"
	ok "rpm --root under --userns" run --userns tree rpm --root @ --dbpath /var/lib/rpm --nodeps -i "$SCRATCH/.x.rpm"
	compare "rpm"
	is "$(as_user "$LIVERY" stat --json tree/opt/x/cap | grep -o 'security.capability": "[0-9a-f]*')" \
		'security.capability": "0100000200200000000000000000000000000000' "with its capability"
else
	skip "dpkg -i and rpm --root against root" "only root can make what they are compared with"
fi

ok "no process is left" wait_for 10 no_daemon
is "$(mounts_left)" "" "no mount is left"
no_sanitizer_report "all"
finish
