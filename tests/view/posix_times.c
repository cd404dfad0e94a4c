/* SPDX-License-Identifier: MIT */
/* utimensat, futimens. */
#include "tests/view/posix.h"

#include <sys/time.h>
#include <time.h>

static const struct instant {
	time_t sec;
	long nsec;
} instants[] = {
	{0, 0},
	{1, 1},
	{1600000000, 123456789},
	{1600000000, 999999999},
	{-1, 500000000},
	{-2, 0},
	{-2000000000, 1},
	{2147483647, 999999999},
	{2147483648, 0},
	{4294967296, 7},
	{9000000000, 123},
};

static void set_instant(const void *arg)
{
	const struct instant *t = arg;
	const struct timespec times[2] = {{t->sec, t->nsec}, {t->sec, t->nsec}};

	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct stat before, directory;

		make(kind, kind_names[kind]);
		before = of(kind_names[kind]);
		directory = of(".");
		tick();
		works(utimensat(AT_FDCWD, kind_names[kind], times, AT_SYMLINK_NOFOLLOW));
		is(of(kind_names[kind]).st_mtim.tv_sec, t->sec);
		is(of(kind_names[kind]).st_mtim.tv_nsec, t->nsec);
		is(of(kind_names[kind]).st_mode, before.st_mode);
		that(of(kind_names[kind]).st_ctim.tv_sec >= before.st_ctim.tv_sec);
		that(of(kind_names[kind]).st_ctim.tv_sec != t->sec);
		moved_on(".", &directory, 0);
	}
}

TESTS(all_instants)
{
	for (size_t i = 0; i < COUNT(instants); i++)
		posix_add(set_instant, &instants[i], "utimensat: all kinds to %lld.%09ld",
			(long long)instants[i].sec, instants[i].nsec);
}

TEST(atime_apart, "utimensat: atime and mtime are two")
{
	const struct timespec times[2] = {{1000, 1}, {2000, 2}};

	put("file", "");
	works(utimensat(AT_FDCWD, "file", times, 0));
	is(of("file").st_atim.tv_sec, 1000);
	is(of("file").st_atim.tv_nsec, 1);
	is(of("file").st_mtim.tv_sec, 2000);
	is(of("file").st_mtim.tv_nsec, 2);
}

TEST(now_omit, "utimensat: UTIME_NOW and UTIME_OMIT in all combinations")
{
	const struct timespec fixed[2] = {{1000, 1}, {2000, 2}};
	const struct timespec omit_set[2] = {{0, UTIME_OMIT}, {3000, 3}};
	const struct timespec set_omit[2] = {{4000, 4}, {0, UTIME_OMIT}};
	const struct timespec now_omit_times[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
	const struct timespec omit_now[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
	const struct timespec now_set[2] = {{0, UTIME_NOW}, {5000, 5}};
	const struct timespec both_omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
	const struct timespec both_now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	time_t now = time(NULL);
	struct stat before;

	put("file", "");
	works(utimensat(AT_FDCWD, "file", fixed, 0));
	works(utimensat(AT_FDCWD, "file", omit_set, 0));
	is(of("file").st_atim.tv_sec, 1000);
	is(of("file").st_mtim.tv_sec, 3000);
	works(utimensat(AT_FDCWD, "file", set_omit, 0));
	is(of("file").st_atim.tv_sec, 4000);
	is(of("file").st_mtim.tv_nsec, 3);
	works(utimensat(AT_FDCWD, "file", now_omit_times, 0));
	that(of("file").st_atim.tv_sec >= now - 1);
	is(of("file").st_mtim.tv_sec, 3000);
	works(utimensat(AT_FDCWD, "file", fixed, 0));
	works(utimensat(AT_FDCWD, "file", omit_now, 0));
	is(of("file").st_atim.tv_sec, 1000);
	that(of("file").st_mtim.tv_sec >= now - 1);
	works(utimensat(AT_FDCWD, "file", now_set, 0));
	that(of("file").st_atim.tv_sec >= now - 1);
	is(of("file").st_mtim.tv_sec, 5000);
	before = of("file");
	tick();
	works(utimensat(AT_FDCWD, "file", both_omit, 0));
	moved_on("file", &before, 0);
	works(utimensat(AT_FDCWD, "file", both_now, 0));
	that(of("file").st_mtim.tv_sec >= now - 1);
	works(utimensat(AT_FDCWD, "file", fixed, 0));
	works(utimensat(AT_FDCWD, "file", NULL, 0));
	that(of("file").st_atim.tv_sec >= now - 1);
	that(of("file").st_mtim.tv_sec >= now - 1);
}

TEST(ctime_of_times, "utimensat, futimens: ctime moves on, not where they fail")
{
	const struct timespec bad[2] = {{0, 1000000000}, {0, 0}};
	const struct timespec worse[2] = {{0, 0}, {0, -1}};
	struct stat before;
	int fd = open_rw("file");
	struct timespec same[2];

	before = of("file");
	same[0] = before.st_atim;
	same[1] = before.st_mtim;
	tick();
	works(futimens(fd, same));
	moved_on("file", &before, CTIME);
	before = of("file");
	tick();
	fails(utimensat(AT_FDCWD, "file", bad, 0), EINVAL);
	fails(utimensat(AT_FDCWD, "file", worse, 0), EINVAL);
	fails(futimens(fd, bad), EINVAL);
	fails(utimensat(AT_FDCWD, "file", same, 0x8000), EINVAL);
	moved_on("file", &before, 0);
	works(close(fd));
	fails(futimens(fd, same), EBADF);
}

TEST(link_times, "utimensat: follows a symlink, AT_SYMLINK_NOFOLLOW does not")
{
	const struct timespec a[2] = {{100, 1}, {200, 2}};
	const struct timespec b[2] = {{300, 3}, {400, 4}};

	put("file", "");
	works(symlink("file", "link"));
	works(utimensat(AT_FDCWD, "link", a, 0));
	works(utimensat(AT_FDCWD, "link", b, AT_SYMLINK_NOFOLLOW));
	is(of("file").st_mtim.tv_sec, 200);
	is(of("link").st_mtim.tv_sec, 400);
	is(of("link").st_mtim.tv_nsec, 4);
	works(unlink("file"));
	fails(utimensat(AT_FDCWD, "link", a, 0), ENOENT);
	works(utimensat(AT_FDCWD, "link", a, AT_SYMLINK_NOFOLLOW));
	is(of("link").st_mtim.tv_sec, 200);
}

TEST(times_of_others, "utimensat: of files of others and of mode 0")
{
	const struct timespec a[2] = {{100, 1}, {200, 2}};

	put("file", "");
	works(chown("file", 4242, 4242));
	works(chmod("file", 0));
	works(utimensat(AT_FDCWD, "file", a, 0));
	is(of("file").st_mtim.tv_sec, 200);
	works(utimensat(AT_FDCWD, "file", NULL, 0));
	that(of("file").st_mtim.tv_sec > 200);
	is(of("file").st_mode, S_IFREG);
}

TEST(times_kept, "times that were set stay over chmod, chown, rename and link")
{
	const struct timespec a[2] = {{100, 1}, {200, 2}};

	put("file", "text");
	works(mkdir("dir", 0755));
	works(utimensat(AT_FDCWD, "file", a, 0));
	works(chmod("file", 0600));
	works(chown("file", 1, 2));
	works(rename("file", "dir/new"));
	works(link("dir/new", "file"));
	works(unlink("file"));
	is(of("dir/new").st_mtim.tv_sec, 200);
	is(of("dir/new").st_mtim.tv_nsec, 2);
	works(utimensat(AT_FDCWD, "dir", a, 0));
	works(chmod("dir", 0700));
	works(chown("dir", 1, 2));
	is(of("dir").st_mtim.tv_sec, 200);
	put("dir/new", "over");
	is(of("dir").st_mtim.tv_sec, 200);
}

TEST(times_of_open, "futimens: after writing, nothing written comes later")
{
	const struct timespec a[2] = {{100, 1}, {200, 2}};
	int fd = open_rw("file");

	is(write(fd, "text", 4), 4);
	works(futimens(fd, a));
	is(of_fd(fd).st_mtim.tv_sec, 200);
	works(fsync(fd));
	works(close(fd));
	is(of("file").st_mtim.tv_sec, 200);
	is(of("file").st_mtim.tv_nsec, 2);
	holds("file", "text");
	is(of("file").st_mtim.tv_sec, 200);
}

TEST(new_times, "new files have the time of now")
{
	struct timespec before, after;

	clock_gettime(CLOCK_REALTIME, &before);
	before.tv_sec--;
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct stat st;

		make(kind, kind_names[kind]);
		st = of(kind_names[kind]);
		clock_gettime(CLOCK_REALTIME, &after);
		that(st.st_mtim.tv_sec >= before.tv_sec &&
			st.st_mtim.tv_sec <= after.tv_sec);
		that(st.st_ctim.tv_sec >= before.tv_sec &&
			st.st_ctim.tv_sec <= after.tv_sec);
		that(st.st_atim.tv_sec >= before.tv_sec &&
			st.st_atim.tv_sec <= after.tv_sec);
	}
}
