/* SPDX-License-Identifier: MIT */
/* readdir and its positions, names of any bytes. */
#include "tests/view/posix.h"

#include <dirent.h>

enum {
	MANY = 5000
};

static void make_many(int count)
{
	char name[40];

	works(mkdir("many", 0755));
	for (int i = 0; i < count; i++) {
		sprintf(name, "many/entry-%05d", i);
		works(close(works(open(name, O_WRONLY | O_CREAT | O_EXCL, 0644))));
	}
}

static DIR *open_dir(const char *path)
{
	DIR *dir = opendir(path);

	if (!dir)
		posix_fail(__FILE__, __LINE__, errno, "opendir %s: %m", path);
	return dir;
}

/* Marks what is seen; ends the test where something is seen twice. */
static int mark(DIR *dir, char *seen, int limit)
{
	struct dirent *entry;
	int count = 0, i;

	while (limit-- && (errno = 0, entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		is(sscanf(entry->d_name, "entry-%d", &i), 1);
		that(i >= 0 && i < MANY);
		is(seen[i], 0);
		seen[i] = 1;
		count++;
	}
	is(errno, 0);
	return count;
}

TEST(many_entries, "readdir: 5,000 entries, each once; rewinddir")
{
	char seen[MANY] = "";
	DIR *dir;

	make_many(MANY);
	dir = open_dir("many");
	is(mark(dir, seen, -1), MANY);
	works(unlink("many/entry-00017"));
	rewinddir(dir);
	memset(seen, 0, sizeof(seen));
	is(mark(dir, seen, -1), MANY - 1);
	is(seen[17], 0);
}

TEST(remove_while_reading, "readdir: all are found while each is removed")
{
	char name[300];
	struct dirent *entry;
	int removed = 0;
	DIR *dir;

	make_many(2000);
	dir = open_dir("many");
	while ((errno = 0, entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "many/%s", entry->d_name);
		works(unlink(name));
		removed++;
	}
	is(errno, 0);
	is(removed, 2000);
	works(rmdir("many"));
}

TEST(others_removed, "readdir: what stays is found once while others come and go")
{
	char seen[MANY] = "", name[40];
	DIR *dir;
	int count;

	make_many(1500);
	dir = open_dir("many");
	count = mark(dir, seen, 200);
	for (int i = 0; i < 1500; i += 2) {
		sprintf(name, "many/entry-%05d", i);
		works(unlink(name));
		sprintf(name, "many/entry-%05d", i + 2000);
		put(name, "");
	}
	count += mark(dir, seen, -1);
	that(count >= 750);
	for (int i = 1; i < 1500; i += 2)
		is(seen[i], 1);
}

TEST(seek_positions, "telldir, seekdir: come back to where it was")
{
	long positions[300];
	char names[300][40];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	make_many(250);
	dir = open_dir("many");
	for (; count < 300; count++) {
		positions[count] = telldir(dir);
		entry = readdir(dir);
		if (!entry)
			break;
		snprintf(names[count], sizeof(names[0]), "%.39s", entry->d_name);
	}
	is(count, 252);
	for (int i = count - 1; i >= 0; i -= 7) {
		seekdir(dir, positions[i]);
		entry = readdir(dir);
		that(entry);
		is(strcmp(entry->d_name, names[i]), 0);
	}
	seekdir(dir, positions[count]);
	that(readdir(dir) == NULL);
}

TEST(entry_kinds, "readdir: d_type and d_ino are those of lstat; . and .. are there")
{
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	works(mkdir("dir", 0755));
	for (enum kind kind = 0; kind < KINDS; kind++) {
		char name[40];

		sprintf(name, "dir/%s", kind_names[kind]);
		make(kind, name);
	}
	works(link("dir/file", "dir/another"));
	dir = open_dir("dir");
	works(chdir("dir"));
	while ((entry = readdir(dir))) {
		struct stat st = of(entry->d_name);

		count++;
		is(entry->d_ino, st.st_ino);
		that(entry->d_type == DT_UNKNOWN ||
			(mode_t)DTTOIF(entry->d_type) == (st.st_mode & S_IFMT));
	}
	is(count, KINDS + 3);
}

TEST(all_bytes_in_names, "names: every byte but NUL and the slash")
{
	int seen[256] = {0}, count = 0;
	char name[] = "x?";
	struct dirent *entry;
	DIR *dir;

	works(mkdir("dir", 0755));
	works(chdir("dir"));
	for (int i = 1; i < 256; i++) {
		if (i == '/')
			continue;
		name[1] = (char)i;
		put(name, name);
	}
	dir = open_dir(".");
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		is(strlen(entry->d_name), 2);
		seen[(unsigned char)entry->d_name[1]]++;
		holds(entry->d_name, entry->d_name);
		count++;
	}
	is(count, 254);
	for (int i = 1; i < 256; i++)
		is(seen[i], i != '/');
}

TEST(odd_names, "names: blanks, newlines, dots, broken UTF-8, upper and lower case")
{
	static const char *const names[] = {" ", "\n", "...", "..a", "-", "--help",
		"\xc3", "\xff\xfe", "\x80", "A", "a", "\xc3\xa4", "a\xcc\x88", "~", "\\",
		"\"", "'", "*", ".livery", "livery.db", "name\001", "e\tf"};
	struct stat st;

	for (size_t i = 0; i < COUNT(names); i++) {
		works(close(works(open(names[i], O_WRONLY | O_CREAT | O_EXCL, 0644))));
		works(chown(names[i], (uid_t)i + 1, 1));
	}
	for (size_t i = 0; i < COUNT(names); i++) {
		st = of(names[i]);
		is(st.st_uid, (long long)i + 1);
		works(rename(names[i], "moved"));
		works(rename("moved", names[i]));
		works(unlink(names[i]));
		works(mkdir(names[i], 0755));
		works(rmdir(names[i]));
	}
}

TEST(new_names_seen, "readdir: made, renamed and removed names show at once")
{
	DIR *dir;
	char seen[MANY] = "";

	make_many(3);
	dir = open_dir("many");
	is(mark(dir, seen, -1), 3);
	put("many/entry-00003", "");
	works(unlink("many/entry-00000"));
	works(rename("many/entry-00001", "many/entry-00009"));
	rewinddir(dir);
	memset(seen, 0, sizeof(seen));
	is(mark(dir, seen, -1), 3);
	is(seen[2] + seen[3] + seen[9], 3);
	works(closedir(dir));
}
