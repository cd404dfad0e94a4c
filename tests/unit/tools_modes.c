/* SPDX-License-Identifier: MIT */
/* Modes: the same answers as chmod(1), and the letters of ls(1). */
#include "tools/modes.h"

#include "tests/unit/scratch.h"

/* Without umask, as an image's modes do not hang on one. */
static const char *const texts[] = {"u+s", "g+s", "u-s", "g-s", "+t", "-t", "o+t", "u+t",
	"a+t", "=", "a=", "u=", "g=", "o=", "+x", "a+x", "u+x,g-w", "go-rwx",
	"u=rwx,go=rx", "u=rwxs", "ug=rs", "a=rX", "+X", "-X", "u+X,g+X", "a-x,a+X",
	"u-x,+X", "u=g", "g=u", "o=u", "o+g", "g-o", "a=u", "=u", "u=o,o=g", "go=u-w",
	"u+r-w+x", "a=r+w", "ugo=rwx", "ug+s", "ug-s", "o+s", "=s", "+s", "-s", "u=s",
	"u=t", "=t", "a=rws", "a=rwxst", "uu+x", "aa-x", "+rwx", "-rwx", "u=rw,u+x",
	"g=rx,o=", "u+w,u-w", "o=t", "o-t", "g=s", "g=xs", "u=sx", "0", "7", "644",
	"0644", "755", "1777", "2755", "4755", "6755", "7777", "0000", "00000", "00755",
	"02755", "04711"};
static const uint32_t before[] = {
	0, 0644, 0600, 0755, 0111, 0440, 01777, 02755, 04711, 06755, 07777, 0007};

#define COUNT (sizeof(before) / sizeof(before[0]))

/* chmod(1) on a file and a directory for each mode before. */
static bool same_as_chmod(const char *text)
{
	char command[128];
	bool same = true;

	snprintf(command, sizeof(command), "chmod -- '%s' f* d*", text);
	for (size_t i = 0; i < COUNT; i++) {
		char name[2][16];

		snprintf(name[0], 16, "f%zu", i);
		snprintf(name[1], 16, "d%zu", i);
		if (chmod(name[0], before[i]) < 0 || chmod(name[1], before[i]) < 0)
			err(1, "chmod");
	}
	if (system(command) != 0)
		errx(1, "%s", command);
	for (size_t i = 0; i < 2 * COUNT; i++) {
		bool is_dir = i % 2;
		uint32_t mode = before[i / 2];
		char name[16];
		struct stat st;

		snprintf(name, sizeof(name), "%c%zu", is_dir ? 'd' : 'f', i / 2);
		if (stat(name, &st) < 0)
			err(1, "%s", name);
		if (modes_apply(text, is_dir, &mode) && mode == (st.st_mode & 07777))
			continue;
		printf("# %s on %c %04o: %04o, chmod says %04o\n", text, name[0],
			before[i / 2], mode, st.st_mode & 07777);
		same = false;
	}
	return same;
}

static void test_chmod(void)
{
	umask(0);
	for (size_t i = 0; i < COUNT; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%zu", i);
		put_text(name, "");
		snprintf(name, sizeof(name), "d%zu", i);
		put_dir(name);
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ok(same_as_chmod(texts[i]), "as chmod(1) does: %s", texts[i]);
}

static void test_refused(void)
{
	static const char *const bad[] = {"", "u", "x", "rwx", "8", "0800", "77777",
		"000644", "-1", "0x1", "u+q", "u+r,", ",u+r", "u+r,,g+r", "u+rg", "u=gr",
		"z=r", "u r", "u+r ", "+755", "644,u+x", "u+x;g+x"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t mode = 0640;

		ok(!modes_apply(bad[i], false, &mode) && mode == 0640,
			"no mode, and nothing changed: '%s'", bad[i]);
	}
}

static void test_text(void)
{
	static const struct {
		uint32_t mode;
		const char *text, *type;
	} cases[] = {
		{S_IFREG | 0644, "-rw-r--r--", "regular file"},
		{S_IFDIR | 0755, "drwxr-xr-x", "directory"},
		{S_IFLNK | 0777, "lrwxrwxrwx", "symbolic link"},
		{S_IFCHR | 0600, "crw-------", "character device"},
		{S_IFBLK | 0060, "b---rw----", "block device"},
		{S_IFIFO | 0001, "p--------x", "fifo"},
		{S_IFSOCK | 0, "s---------", "socket"},
		{S_IFREG | 07777, "-rwsrwsrwt", "regular file"},
		{S_IFREG | 07000, "---S--S--T", "regular file"},
		{S_IFDIR | 01777, "drwxrwxrwt", "directory"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char buf[11];

		modes_text(cases[i].mode, buf);
		is_str(buf, cases[i].text, "letters of %07o", cases[i].mode);
		is_str(modes_type_name(cases[i].mode), cases[i].type, "type of %07o",
			cases[i].mode);
	}
}

int main(void)
{
	scratch_make();
	test_chmod();
	test_refused();
	test_text();
	return done_testing();
}
