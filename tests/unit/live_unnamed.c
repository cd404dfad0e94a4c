/* SPDX-License-Identifier: MIT */
/* Files without a name (O_TMPFILE) in a view that writes. */
#include <signal.h>
#include <sys/wait.h>

#include "fs/live/intent.h"
#include "tests/unit/live_util.h"

static struct live *l;
static struct labeler *labeler;

static void begin(void)
{
	start_over();
	l = must_live(labeler);
	must(make_at(l, "d", S_IFDIR | 0755, 0), "d");
	must(make_at(l, "sgid", S_IFDIR | 0755, 0), "sgid");
	must(chown_node(l, must_at(l, "sgid"), 3, 33), "chown");
	must(chmod_node(l, must_at(l, "sgid"), 02755), "chmod");
}

static struct live_entry unnamed(const char *dir, uint32_t mode)
{
	struct live_new what = {S_IFREG | mode, 022, 0, NULL};
	struct live_entry made;

	must(live_make_unnamed(l, must_at(l, dir), &what, true, &made), dir);
	return made;
}

/* Records that no name leads to. */
static int64_t unnamed_records(void)
{
	struct db *db = must_open(DB, DB_READ);
	struct err e = {0};
	int64_t n = 0;

	for (int64_t id = 1; id < 100; id++) {
		struct db_record r;

		if (id != DB_ROOT && db_record_get(db, id, &r, &e) == 1)
			n += db_name_count(db, id, &e) == 0;
	}
	db_close(db);
	return n;
}

static void test_use(void)
{
	struct live_entry f, again;
	struct live_dir *d;
	struct live_dirent ent;
	struct buf label = {0};
	struct stat st;
	char text[8];

	begin();
	f = unnamed("sgid", 0777);
	is_int(f.st.st_mode, S_IFREG | 0755, "the umask counts");
	ok(f.st.st_nlink == 0 && f.st.st_uid == 0 && f.st.st_gid == 33,
		"no name, and the group of a directory with setgid");
	is_int(live_write(l, f.node, "text", 4, 0), 4, "it can be written");
	is_int(live_read(l, f.node, text, sizeof(text), 0), 4, "and read");
	must(chown_node(l, f.node, 5, 6), "chown");
	must(live_setxattr(l, f.node, "user.a", "b", 1, 0, false), "user.a");
	d = live_opendir(l, must_at(l, "sgid"));
	must(live_dir_begin(d, true), "list");
	ok(!live_dir_at(d, 0, &ent), "its directory holds nothing");
	live_dir_end(d);
	live_closedir(d);
	must(live_label(l, f.node, &label), "label");
	is_int(label.len, 0, "no label before it has a name");
	is_int(live_link(l, f.node, must_at(l, "d"), "labelled", &again), 0, "a name");
	ok(again.node == f.node && again.st.st_nlink == 1, "it is that file");
	is_int(again.st.st_ino, f.st.st_ino, "with its number");
	must(live_label(l, f.node, &label), "label");
	is_str(label.data, "u:object_r:new_t:s0", "the label of that name");
	must(live_stat(l, must_at(l, "d/labelled"), &st), "stat");
	ok(st.st_size == 4 && st.st_uid == 5 && st.st_gid == 6,
		"all that was set is there");
	is_int(live_link(l, f.node, must_at(l, "d"), "second", &again), 0,
		"a second one");
	must(remove_at(l, "d/labelled", false), "remove");
	must(remove_at(l, "d/second", false), "remove");
	is_int(live_link(l, f.node, must_at(l, "d"), "third", &again), -ENOENT,
		"none when all are gone again");
	buf_free(&label);
	must_close(l);
	agrees("names");
	is_int(unnamed_records(), 0, "no record is left");
}

static void test_found(void)
{
	struct live_new what = {S_IFREG | 04755, 0, 0, NULL};
	struct live_entry f, found;

	begin();
	f = unnamed("d", 04755);
	is_int(live_find_unnamed(l, f.st.st_ino, &found), 0, "by its number");
	ok(found.node == f.node, "it is found");
	is_int(live_find_unnamed(l, f.st.st_ino + 1, &found), -ENOENT, "another is not");
	is_int(live_link(l, f.node, must_at(l, "d"), "name", &found), 0, "with a name");
	is_int(live_find_unnamed(l, f.st.st_ino, &found), -ENOENT,
		"it is not one of these");
	must(live_make_unnamed(l, must_at(l, "d"), &what, false, &f), "O_EXCL");
	is_int(live_link(l, f.node, must_at(l, "d"), "none", &found), -ENOENT,
		"what was made to have no name gets none");
	must_close(l);
	agrees("found");
	is_int(unnamed_records(), 0, "no record is left");
}

static void test_forgotten(void)
{
	struct live_entry f;

	begin();
	f = unnamed("d", 0600);
	live_forget(l, f.node, 1);
	f = unnamed("", 0600);
	unnamed("d", 0600);
	live_forget(l, f.node, 1);
	must(make_at(l, "next", S_IFREG | 0600, 0), "next");
	must_close(l);
	agrees("files that never had a name");
	is_int(unnamed_records(), 0, "their records go with them");
}

static void test_killed(void)
{
	struct stage *stage;
	struct db *db;
	struct err e = {0};
	int status;
	pid_t pid;

	begin();
	must_close(l);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		l = must_live(NULL);
		unnamed("d", 0600);
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, &status, 0);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the view is killed");
	is_int(unnamed_records(), 1, "the record of a file without a name is there");
	stage = must_stage("s");
	db = must_open(DB, DB_LIVE);
	is_int(intent_settle(stage, db, &e), 0, "settled %s", e.msg);
	db_close(db);
	stage_close(stage);
	agrees("killed");
	is_int(unnamed_records(), 0, "and goes");
}

static void open_labeler(void)
{
	struct labeler_source src = {AT_FDCWD, "file_contexts", "POLICY", false};
	struct err e = {0};

	put_text("file_contexts", "/d\tu:object_r:dir_t:s0\n"
				  "/d/labelled\tu:object_r:new_t:s0\n");
	if (labeler_open(&labeler, &src, NULL, &e) < 0)
		errx(1, "%s", e.msg);
}

int main(void)
{
	scratch_make();
	open_labeler();
	test_use();
	test_found();
	test_forgotten();
	test_killed();
	labeler_close(labeler);
	buf_free(&said);
	return done_testing();
}
