/* SPDX-License-Identifier: MIT */
/* Files that are there whole or not at all. */
#include "tools/output.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/scratch.h"

static struct err e;

static int files_in(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *de;
	int n = -2;

	while (d && (de = readdir(d)))
		n++;
	if (d)
		closedir(d);
	return n;
}

static void put_bytes(const struct output *o, const char *text)
{
	int fd = open(o->temp, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err(1, "%s", o->temp);
	close(fd);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? 0 : st.st_mode;
}

static void test_finish(void)
{
	struct output o;

	put_dir("d");
	is_int(output_begin(&o, "d/x", &e), 0, "a new file");
	ok(!exists("d/x"), "is not there yet");
	ok(strstr(o.temp, "/d/.x.") && file_is(o.temp, ""), "but an empty one beside it");
	put_bytes(&o, "first");
	is_int(output_finish(&o, &e), 0, "done");
	ok(file_is("d/x", "first"), "it has its name");
	ok(!o.temp, "and no other");
	output_end(&o);
	ok(exists("d/x"), "and stays");
	is_int(output_begin(&o, "d/x", &e), 0, "the same again");
	put_bytes(&o, "second");
	ok(file_is("d/x", "first"), "leaves it alone");
	is_int(output_finish(&o, &e), 0, "until it is done");
	output_end(&o);
	ok(file_is("d/x", "second"), "and then replaces it");
	is_int(files_in("d"), 1, "nothing is left behind");
}

static void test_abandon(void)
{
	put_dir("a");
	put_text("a/x", "old");
	{
		cleanup_output struct output o = {0};

		is_int(output_begin(&o, "a/x", &e), 0, "begun");
		put_bytes(&o, "new");
		is_int(files_in("a"), 2, "two files");
	}
	is_int(files_in("a"), 1, "and given up: one");
	ok(file_is("a/x", "old"), "the old one");
	{
		struct output o = {0};

		output_end(&o);
		ok(true, "what never began can end");
	}
}

static void mode_under(mode_t mask, unsigned want)
{
	cleanup_output struct output o = {0};

	umask(mask);
	is_int(output_begin(&o, "m", &e), 0, "umask %03o", mask);
	is_int(mode_of(o.temp), S_IFREG | want, "while it is made");
	is_int(output_finish(&o, &e), 0, "and when");
	is_int(mode_of("m"), S_IFREG | want, "it is done");
	is_int(umask(022), mask, "the mask is as it was");
}

static void refused(const char *path, enum err_code code, const char *text)
{
	struct output o;
	int rc = output_begin(&o, path, &e);

	is_int(rc, -1, "'%.20s' is refused", path);
	is_int(e.code, code, "as what it is");
	is_str(e.msg, text, "and told");
	ok(!o.temp, "nothing was made");
	output_end(&o);
}

static void test_refused(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "r/socket"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	put_dir("r");
	put_dir("r/dir");
	put_text("r/file", "");
	put_link("file", "r/link");
	put_link("nowhere", "r/dangling");
	if (mkfifo("r/fifo", 0600) < 0 || fd < 0 ||
		bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		err(1, "r");
	close(fd);
	refused("r/dir", ERR_REFUSED, "r/dir: is there and is no regular file");
	refused("r/link", ERR_REFUSED, "r/link: is there and is no regular file");
	refused("r/dangling", ERR_REFUSED, "r/dangling: is there and is no regular file");
	refused("r/fifo", ERR_REFUSED, "r/fifo: is there and is no regular file");
	refused("r/socket", ERR_REFUSED, "r/socket: is there and is no regular file");
	refused("/dev/null", ERR_REFUSED, "/dev/null: is there and is no regular file");
	refused(".", ERR_REFUSED, ".: is there and is no regular file");
	refused("", ERR_USAGE, ": not the name of a file");
	refused("r/", ERR_USAGE, "r/: not the name of a file");
	refused("r/new/", ERR_USAGE, "r/new/: not the name of a file");
	refused("none/x", ERR_SYS, "cannot write: none/x: No such file or directory");
	refused("r/file/x", ERR_SYS, "cannot write: r/file/x: Not a directory");
	is_int(files_in("r"), 6, "nothing new is there");
}

/* Names as long as they may be, and bytes that mean something to others. */
static void test_names(void)
{
	static const char *const names[] = {
		"-x", "%s%n", "a b", "\xff\n", "XXXXXX", ".h"};
	char longest[256];

	for (size_t i = 0; i <= sizeof(names) / sizeof(*names); i++) {
		const char *name = longest;
		struct output o;

		memset(longest, 'n', 255);
		longest[255] = 0;
		if (i < sizeof(names) / sizeof(*names))
			name = names[i];
		ok(output_begin(&o, name, &e) == 0 && o.temp[0] == '/', "name %zu", i);
		is_int(output_finish(&o, &e), 0, "done");
		ok(exists(name), "there");
		output_end(&o);
		unlink(name);
	}
	memset(longest, 'n', 255);
	{
		char more[300];
		struct output o;

		snprintf(more, sizeof(more), "%sn", longest);
		ok(output_begin(&o, more, &e) < 0 || output_finish(&o, &e) < 0,
			"a name that is too long");
		ok(strstr(e.msg, "File name too long"), "is told");
		output_end(&o);
	}
}

/* When the real name cannot be had at the end, nothing is left either. */
static void test_lost(void)
{
	put_dir("l");
	{
		cleanup_output struct output o = {0};

		is_int(output_begin(&o, "l/x", &e), 0, "begun");
		put_dir("l/x");
		is_int(output_finish(&o, &e), -1, "the name was taken meanwhile");
		ok(strstr(e.msg, "cannot give it its name: l/x"), "is told");
	}
	is_int(files_in("l"), 1, "and nothing is left");
	{
		cleanup_output struct output o = {0};

		is_int(output_begin(&o, "l/y", &e), 0, "begun");
		unlink(o.temp);
		is_int(output_finish(&o, &e), -1, "the file was taken away");
	}
}

int main(void)
{
	scratch_make();
	test_finish();
	test_abandon();
	mode_under(022, 0644);
	mode_under(0, 0666);
	mode_under(077, 0600);
	mode_under(0777, 0);
	test_refused();
	test_names();
	test_lost();
	return done_testing();
}
