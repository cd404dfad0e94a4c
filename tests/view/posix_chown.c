/* SPDX-License-Identifier: MIT */
/* chown, lchown, fchown. */
#include "tests/view/posix.h"

#include <sys/mman.h>

static void everybody(const void *arg)
{
	static const struct {
		uid_t uid;
		gid_t gid;
	} owners[] = {{1, 2}, {0, 0}, {65534, 65534}, {70000, 1234567},
		{4294967294u, 4294967294u}, {2147483648u, 2147483647u}};
	const enum kind *kind = arg;

	make(*kind, "name");
	for (size_t i = 0; i < COUNT(owners); i++) {
		works(lchown("name", owners[i].uid, owners[i].gid));
		is(of("name").st_uid, owners[i].uid);
		is(of("name").st_gid, owners[i].gid);
	}
	works(lchown("name", 5, -1));
	is(of("name").st_uid, 5);
	is(of("name").st_gid, 2147483647u);
	works(lchown("name", -1, 6));
	is(of("name").st_uid, 5);
	is(of("name").st_gid, 6);
	works(lchown("name", -1, -1));
	is(of("name").st_uid, 5);
	is(of("name").st_gid, 6);
	is(of("name").st_mode & S_IFMT, kind_type(*kind));
}

static void chown_times(const void *arg)
{
	const enum kind *kind = arg;
	struct stat before, directory;

	make(*kind, "name");
	before = of("name");
	directory = of(".");
	tick();
	works(lchown("name", 7, 8));
	moved_on("name", &before, CTIME);
	moved_on(".", &directory, 0);
	/* The owner that it has already counts as a change, too. */
	before = of("name");
	tick();
	works(lchown("name", 7, 8));
	moved_on("name", &before, CTIME);
	before = of("name");
	tick();
	fails(fchownat(AT_FDCWD, "name", 9, 9, 0x8000), EINVAL);
	moved_on("name", &before, 0);
}

TESTS(owners)
{
	static const enum kind kinds[] = {REGULAR, DIRECTORY, SYMLINK, FIFO, SOCKET};

	for (size_t i = 0; i < COUNT(kinds); i++) {
		posix_add(everybody, &kinds[i], "chown: a %s to anybody",
			kind_names[kinds[i]]);
		posix_add(chown_times, &kinds[i], "chown: times of a %s",
			kind_names[kinds[i]]);
	}
}

TEST(chown_follows, "chown: follows a symlink, lchown does not")
{
	struct stat link_before, file_before;

	put("file", "");
	works(symlink("file", "link"));
	link_before = of("link");
	tick();
	works(chown("link", 3, 4));
	is(of("file").st_uid, 3);
	is(of("file").st_gid, 4);
	is(of("link").st_uid, new_uid);
	moved_on("link", &link_before, 0);
	file_before = of("file");
	tick();
	works(lchown("link", 5, 6));
	is(of("link").st_uid, 5);
	is(of("link").st_gid, 6);
	is(of("file").st_uid, 3);
	moved_on("file", &file_before, 0);
	works(unlink("file"));
	fails(chown("link", 1, 1), ENOENT);
	works(lchown("link", 1, 1));
}

TEST(fchown_works, "fchown: file, directory, O_PATH with AT_EMPTY_PATH")
{
	int fd = open_rw("file");

	works(fchown(fd, 9, 10));
	is(of("file").st_uid, 9);
	works(close(fd));
	fails(fchown(fd, 9, 10), EBADF);
	works(mkdir("dir", 0755));
	fd = works(open("dir", O_RDONLY));
	works(fchown(fd, 11, 12));
	is(of("dir").st_gid, 12);
	works(symlink("x", "link"));
	fd = works(open("link", O_PATH | O_NOFOLLOW));
	fails(fchown(fd, 1, 1), EBADF);
	works(fchownat(fd, "", 13, 14, AT_EMPTY_PATH));
	is(of("link").st_uid, 13);
	is(of("link").st_gid, 14);
}

TEST(chown_hard_link, "chown: through one name, seen through the other")
{
	put("file", "");
	works(link("file", "other"));
	works(chown("other", 21, 22));
	is(of("file").st_uid, 21);
	is(of("file").st_gid, 22);
}

/* Linux, of root too: what runs with its owner's rights loses them when the owner
 * changes; on a directory the bits mean something else. */
static const struct bits {
	enum kind kind;
	mode_t before, after;
} bits[] = {
	{REGULAR, 04755, 0755},
	{REGULAR, 02755, 0755},
	{REGULAR, 06755, 0755},
	{REGULAR, 06777, 0777},
	{REGULAR, 06711, 0711},
	{REGULAR, 04644, 0644},
	/* Without x for the group this is mandatory locking's mark. */
	{REGULAR, 02644, 02644},
	{REGULAR, 02745, 02745},
	{REGULAR, 06644, 02644},
	{REGULAR, 01755, 01755},
	{REGULAR, 07755, 01755},
	{REGULAR, 0644, 0644},
	{FIFO, 06755, 0755},
	{SOCKET, 06755, 0755},
	{DIRECTORY, 06755, 06755},
	{DIRECTORY, 07777, 07777},
	{DIRECTORY, 02750, 02750},
};

static void bits_after_chown(const void *arg)
{
	const struct bits *b = arg;

	make(b->kind, "name");
	works(chmod("name", b->before));
	is(of("name").st_mode, kind_type(b->kind) | b->before);
	works(chown("name", 31, 32));
	is(of("name").st_mode, kind_type(b->kind) | b->after);
	works(chmod("name", b->before));
	is(of("name").st_mode, kind_type(b->kind) | b->before);
	works(chown("name", -1, 33));
	is(of("name").st_mode, kind_type(b->kind) | b->after);
	works(chmod("name", b->before));
	works(chown("name", 31, 33));
	is(of("name").st_mode, kind_type(b->kind) | b->after);
}

static void bits_after_fchown(const void *arg)
{
	const struct bits *b = arg;
	int fd;

	make(b->kind, "name");
	works(chmod("name", b->before));
	fd = works(open("name", O_RDONLY | O_NONBLOCK));
	works(fchown(fd, 31, 32));
	is(of_fd(fd).st_mode, kind_type(b->kind) | b->after);
	is(of("name").st_mode, kind_type(b->kind) | b->after);
}

TESTS(special_bits)
{
	for (size_t i = 0; i < COUNT(bits); i++) {
		posix_add(bits_after_chown, &bits[i],
			"chown: mode 0%o of a %s becomes 0%o", bits[i].before,
			kind_names[bits[i].kind], bits[i].after);
		if (bits[i].kind != SOCKET)
			posix_add(bits_after_fchown, &bits[i],
				"fchown: mode 0%o of a %s becomes 0%o", bits[i].before,
				kind_names[bits[i].kind], bits[i].after);
	}
}

/* Whoever is not root loses the bits when he writes; root does not. */
static int with_bits(void)
{
	int fd = open_rw("file");

	is(write(fd, "0123456789", 10), 10);
	works(fchmod(fd, 06755));
	return fd;
}

static void has_bits(int fd)
{
	is(of_fd(fd).st_mode, S_IFREG | 06755);
	works(close(fd));
	is(of("file").st_mode, S_IFREG | 06755);
}

TEST(write_keeps_bits, "write: root's keeps setuid and setgid")
{
	int fd = with_bits();

	is(write(fd, "text", 4), 4);
	is(pwrite(fd, "text", 4, 100), 4);
	has_bits(fd);
}

TEST(truncate_keeps_bits, "truncate: root's keeps setuid and setgid")
{
	int fd = with_bits();

	works(ftruncate(fd, 2));
	works(truncate("file", 100));
	works(close(works(open("file", O_WRONLY | O_TRUNC))));
	is(of_fd(fd).st_size, 0);
	has_bits(fd);
}

TEST(fallocate_keeps_bits, "fallocate: root's keeps setuid and setgid")
{
	int fd = with_bits();

	works(fallocate(fd, 0, 0, 8192));
	has_bits(fd);
}

TEST(copy_keeps_bits, "copy_file_range: root's keeps setuid and setgid")
{
	int fd = with_bits(), in;

	put("in", "text");
	in = works(open("in", O_RDONLY));
	is(copy_file_range(in, NULL, fd, NULL, 4, 0), 4);
	has_bits(fd);
}

TEST(map_keeps_bits, "mmap MAP_SHARED: root's keeps setuid and setgid")
{
	int fd = with_bits();
	char *map = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	that(map != MAP_FAILED);
	map[0] = 'x';
	works(msync(map, 10, MS_SYNC));
	works(munmap(map, 10));
	has_bits(fd);
}
