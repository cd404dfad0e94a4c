/* SPDX-License-Identifier: MIT */
/* truncate, mmap, fallocate, holes, copies. */
#include "tests/view/posix.h"

#include <linux/falloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

enum {
	BLOCK = 65536
};

static void fill(int fd, char byte, off_t from, size_t len)
{
	char buf[4096];

	memset(buf, byte, sizeof(buf));
	for (size_t done = 0; done < len; done += sizeof(buf))
		is(pwrite(fd, buf, sizeof(buf), from + done), sizeof(buf));
}

static void all_bytes(int fd, char byte, off_t from, size_t len)
{
	char buf[4096];

	for (size_t done = 0; done < len; done += sizeof(buf)) {
		is(pread(fd, buf, sizeof(buf), from + done), sizeof(buf));
		for (size_t i = 0; i < sizeof(buf); i++)
			is(buf[i], byte);
	}
}

TEST(truncate_sizes, "truncate: cuts, grows with zeros, keeps the rest")
{
	char buf[20];
	int fd = open_rw("file");

	is(write(fd, "0123456789", 10), 10);
	works(truncate("file", 4));
	is(of("file").st_size, 4);
	works(truncate("file", 12));
	is(pread(fd, buf, sizeof(buf), 0), 12);
	is(memcmp(buf, "0123\0\0\0\0\0\0\0\0", 12), 0);
	works(ftruncate(fd, 2));
	is(pread(fd, buf, sizeof(buf), 0), 2);
	/* The position stays where it was, past the end. */
	is(write(fd, "x", 1), 1);
	is(of_fd(fd).st_size, 11);
	works(ftruncate(fd, 3000000000));
	is(of("file").st_size, 3000000000);
	is(pread(fd, buf, 5, 2999999990), 5);
	works(truncate("file", 0));
	is(of("file").st_size, 0);
}

TEST(truncate_times, "truncate, ftruncate: times, also where they fail")
{
	struct stat before, directory;
	int fd = open_rw("file");

	directory = of(".");
	before = of("file");
	tick();
	works(truncate("file", 100));
	moved_on("file", &before, MTIME | CTIME);
	before = of("file");
	tick();
	works(ftruncate(fd, 50));
	moved_on("file", &before, MTIME | CTIME);
	before = of("file");
	tick();
	works(ftruncate(fd, 50));
	moved_on("file", &before, MTIME | CTIME);
	before = of("file");
	tick();
	fails(truncate("file", -1), EINVAL);
	fails(ftruncate(fd, -1), EINVAL);
	moved_on("file", &before, 0);
	moved_on(".", &directory, 0);
}

TEST(truncate_kinds, "truncate: directories EISDIR, fifos and sockets EINVAL")
{
	int ends[2];

	make(DIRECTORY, "dir");
	make(FIFO, "fifo");
	make(SOCKET, "socket");
	fails(truncate("dir", 0), EISDIR);
	fails(truncate("fifo", 0), EINVAL);
	fails(truncate("socket", 0), EINVAL);
	works(pipe(ends));
	fails(ftruncate(ends[1], 0), EINVAL);
	fails(ftruncate(-1, 0), EBADF);
	put("file", "text");
	works(symlink("file", "link"));
	works(truncate("link", 2));
	holds("file", "te");
	works(chmod("file", 0));
	works(truncate("file", 1));
	is(of("file").st_size, 1);
}

TEST(write_times, "write: mtime and ctime, a write of nothing changes neither")
{
	struct stat before, directory;
	char buf[4];
	int fd = open_rw("file");

	before = of("file");
	directory = of(".");
	tick();
	is(write(fd, "text", 4), 4);
	moved_on("file", &before, MTIME | CTIME);
	before = of("file");
	tick();
	is(write(fd, "", 0), 0);
	is(pread(fd, buf, 4, 0), 4);
	moved_on("file", &before, 0);
	works(close(fd));
	moved_on("file", &before, 0);
	moved_on(".", &directory, 0);
}

/* --- mmap */

TEST(map_shared, "mmap MAP_SHARED: written memory is read, written files are in memory")
{
	char buf[8];
	int fd = open_rw("file"), other;
	char *map;

	fill(fd, 'a', 0, 8192);
	other = works(open("file", O_RDWR));
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	that(map != MAP_FAILED);
	memcpy(map + 4090, "mapped", 6);
	is(pread(fd, buf, 6, 4090), 6);
	is(memcmp(buf, "mapped", 6), 0);
	is(pread(other, buf, 6, 4090), 6);
	is(memcmp(buf, "mapped", 6), 0);
	is(pwrite(other, "written", 7, 100), 7);
	is(memcmp(map + 100, "written", 7), 0);
	works(msync(map, 8192, MS_SYNC));
	works(close(fd));
	map[0] = 'z';
	works(munmap(map, 8192));
	is(pread(other, buf, 1, 0), 1);
	is(buf[0], 'z');
	works(close(other));
	fd = works(open("file", O_RDONLY));
	is(pread(fd, buf, 2, 0), 2);
	is(memcmp(buf, "za", 2), 0);
	is(of_fd(fd).st_size, 8192);
}

TEST(map_processes, "mmap MAP_SHARED: two processes share it")
{
	int fd = open_rw("file");
	char *map;
	pid_t pid;

	works(ftruncate(fd, 4096));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	that(map != MAP_FAILED);
	pid = fork();
	if (pid == 0) {
		char *own;

		fd = works(open("file", O_RDWR));
		own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		that(own != MAP_FAILED);
		strcpy(own, "from the child");
		_exit(0);
	}
	is(joined(pid), 0);
	is(strcmp(map, "from the child"), 0);
	holds("file", "from the child");
}

TEST(map_unlinked, "mmap: goes on when the file is closed and unlinked")
{
	int fd = open_rw("file");
	char *map;

	is(write(fd, "text", 4), 4);
	map = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	that(map != MAP_FAILED);
	works(close(fd));
	works(unlink("file"));
	is(memcmp(map, "text", 4), 0);
	memcpy(map, "TEXT", 4);
	works(msync(map, 4, MS_SYNC));
	is(memcmp(map, "TEXT", 4), 0);
	/* Behind the end of the file the page is zero. */
	is(map[4], 0);
}

TEST(map_private, "mmap MAP_PRIVATE: keeps what is written to itself")
{
	int fd;
	char *map;

	put("file", "text");
	fd = works(open("file", O_RDONLY));
	map = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	that(map != MAP_FAILED);
	memcpy(map, "mine", 4);
	holds("file", "text");
	that(mmap(NULL, 4, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	is(errno, EACCES);
}

TEST(map_truncated, "mmap: beyond a truncated file is SIGBUS, grown again it is zero")
{
	int fd = open_rw("file");
	char *map;
	pid_t pid;

	fill(fd, 'a', 0, 8192);
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	that(map != MAP_FAILED);
	is(map[5000], 'a');
	works(ftruncate(fd, 100));
	is(map[99], 'a');
	is(map[100], 0);
	pid = fork();
	if (pid == 0) {
		/* A sanitizer's handler would report it. */
		signal(SIGBUS, SIG_DFL);
		_exit(((volatile char *)map)[5000]);
	}
	is(joined(pid), 256);
	works(ftruncate(fd, 8192));
	is(map[5000], 0);
}

TEST(map_times, "mmap MAP_SHARED: msync leaves a later mtime")
{
	struct stat before;
	int fd = open_rw("file");
	char *map;

	works(ftruncate(fd, 4096));
	before = of("file");
	tick();
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	that(map != MAP_FAILED);
	map[0] = 'x';
	works(msync(map, 4096, MS_SYNC));
	moved_on("file", &before, MTIME | CTIME);
}

/* --- fallocate, holes */

TEST(fallocate_modes, "fallocate: grows, keeps the size, punches holes")
{
	int fd = open_rw("file");
	blkcnt_t full;

	works(fallocate(fd, 0, 0, BLOCK));
	is(of_fd(fd).st_size, BLOCK);
	all_bytes(fd, 0, 0, BLOCK);
	that(of_fd(fd).st_blocks >= BLOCK / 512);
	works(fallocate(fd, FALLOC_FL_KEEP_SIZE, BLOCK, BLOCK));
	is(of_fd(fd).st_size, BLOCK);
	fill(fd, 'a', 0, 2 * BLOCK);
	full = of_fd(fd).st_blocks;
	works(fallocate(
		fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, BLOCK / 2, BLOCK));
	is(of_fd(fd).st_size, 2 * BLOCK);
	all_bytes(fd, 'a', 0, BLOCK / 2);
	all_bytes(fd, 0, BLOCK / 2, BLOCK);
	all_bytes(fd, 'a', BLOCK + BLOCK / 2, BLOCK / 2);
	that(of_fd(fd).st_blocks < full);
}

TEST(fallocate_errors, "fallocate: what is refused")
{
	int fd = open_rw("file"), dir = works(open(".", O_RDONLY));
	int ends[2];

	fails(fallocate(fd, 0, -1, 10), EINVAL);
	fails(fallocate(fd, 0, 0, 0), EINVAL);
	fails(fallocate(fd, 0, 0, -5), EINVAL);
	fails(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10), EOPNOTSUPP);
	fails_or(fallocate(dir, 0, 0, 10), EBADF, EISDIR);
	works(pipe(ends));
	fails(fallocate(ends[1], 0, 0, 10), ESPIPE);
	is(posix_fallocate(fd, 0, 100), 0);
	is(of_fd(fd).st_size, 100);
}

TEST(fallocate_times, "fallocate: times")
{
	struct stat before;
	int fd = open_rw("file");

	before = of_fd(fd);
	tick();
	works(fallocate(fd, 0, 0, 4096));
	moved_on("file", &before, MTIME | CTIME);
	fill(fd, 'a', 0, 4096);
	before = of_fd(fd);
	tick();
	works(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	moved_on("file", &before, MTIME | CTIME);
}

TEST(seek_hole, "lseek: SEEK_DATA and SEEK_HOLE")
{
	int fd = open_rw("file");

	works(ftruncate(fd, 4 * BLOCK));
	fill(fd, 'a', BLOCK, BLOCK);
	is(lseek(fd, 0, SEEK_HOLE), 0);
	is(lseek(fd, 0, SEEK_DATA), BLOCK);
	is(lseek(fd, BLOCK, SEEK_HOLE), 2 * BLOCK);
	is(lseek(fd, BLOCK + 5, SEEK_DATA), BLOCK + 5);
	fails(lseek(fd, 2 * BLOCK, SEEK_DATA), ENXIO);
	is(lseek(fd, 3 * BLOCK, SEEK_HOLE), 3 * BLOCK);
	fails(lseek(fd, 4 * BLOCK, SEEK_HOLE), ENXIO);
	fails(lseek(fd, 5 * BLOCK, SEEK_DATA), ENXIO);
	is(lseek(fd, -5, SEEK_END), 4 * BLOCK - 5);
	fails(lseek(fd, 0, 77), EINVAL);
}

TEST(sparse, "a sparse file takes no room for its hole")
{
	int fd = open_rw("file");

	is(pwrite(fd, "x", 1, 100 * BLOCK), 1);
	is(of_fd(fd).st_size, 100 * BLOCK + 1);
	that(of_fd(fd).st_blocks < 10 * BLOCK / 512);
	all_bytes(fd, 0, 50 * BLOCK, 4096);
}

/* --- copies */

TEST(copy_range, "copy_file_range: content, offsets, the end of the file, one file")
{
	loff_t from = 2, to = 5;
	int in, out, append;

	put("in", "0123456789");
	in = works(open("in", O_RDWR));
	out = open_rw("out");
	is(copy_file_range(in, NULL, out, NULL, 4, 0), 4);
	is(lseek(in, 0, SEEK_CUR), 4);
	is(copy_file_range(in, &from, out, &to, 100, 0), 8);
	is(from, 10);
	is(to, 13);
	is(of("out").st_size, 13);
	is(pwrite(out, "-", 1, 4), 1);
	holds("out", "0123-23456789");
	is(copy_file_range(in, &from, out, &to, 100, 0), 0);
	from = 0;
	to = 10;
	is(copy_file_range(in, &from, in, &to, 5, 0), 5);
	holds("in", "012345678901234");
	from = 0;
	to = 3;
	fails(copy_file_range(in, &from, in, &to, 5, 0), EINVAL);
	append = works(open("out", O_WRONLY | O_APPEND));
	fails(copy_file_range(in, &from, append, NULL, 5, 0), EBADF);
	fails(copy_file_range(append, NULL, out, NULL, 5, 0), EBADF);
	fails(copy_file_range(works(open(".", O_RDONLY)), NULL, out, NULL, 5, 0), EISDIR);
}

TEST(copy_times, "copy_file_range: times, and what is mapped")
{
	struct stat before, source;
	int in, out;
	char *map;

	put("in", "copied");
	put("out", "before");
	in = works(open("in", O_RDONLY));
	out = works(open("out", O_RDWR));
	map = mmap(NULL, 6, PROT_READ, MAP_SHARED, out, 0);
	that(map != MAP_FAILED);
	is(memcmp(map, "before", 6), 0);
	before = of("out");
	source = of("in");
	tick();
	is(copy_file_range(in, NULL, out, NULL, 6, 0), 6);
	is(memcmp(map, "copied", 6), 0);
	moved_on("out", &before, MTIME | CTIME);
	moved_on("in", &source, 0);
}

TEST(big_file, "3 MiB written in odd pieces come back as they were")
{
	enum {
		SIZE = 3 << 20,
		PIECE = 12345
	};
	char *data = malloc(SIZE), *got = malloc(SIZE);
	int fd = open_rw("file");

	that(data && got);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (char)(i * 2654435761u >> 13);
	for (size_t done = 0; done < SIZE;) {
		size_t len = SIZE - done < PIECE ? SIZE - done : PIECE;

		is(write(fd, data + done, len), (long long)len);
		done += len;
	}
	is(pread(fd, got, SIZE, 0), SIZE);
	is(memcmp(data, got, SIZE), 0);
	works(close(fd));
	fd = works(open("file", O_RDONLY));
	is(pread(fd, got, SIZE, 0), SIZE);
	is(memcmp(data, got, SIZE), 0);
}

TEST(statvfs_names, "statvfs: names may have 255 bytes")
{
	struct statvfs st;

	works(statvfs(".", &st));
	is(st.f_namemax, 255);
	that(st.f_blocks > 0 && st.f_bavail > 0 && st.f_bsize > 0);
}
