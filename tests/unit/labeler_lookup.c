/* SPDX-License-Identifier: MIT */
/* Which rule wins. */
#include <selinux/selinux.h>

#include "common/quote.h"
#include "tests/unit/labeler_util.h"

static struct place place;

/* where is "FILE-SUFFIX:LINE", or NULL where no rule matches. */
static void wins(
	struct labeler *l, const char *path, mode_t mode, int answer, const char *where)
{
	const struct labeler_rule *r = (const struct labeler_rule *)&place;
	char got[128];
	char shown[128];
	struct err e = {0};

	quote_path(shown, sizeof(shown), path);
	is_int(look_up(l, path, mode, &r, &e), answer, "%s %o: answer", shown, mode);
	if (r)
		snprintf(got, sizeof(got), "%s:%u",
			r->file + strlen("POLICY/file_contexts"), r->line);
	is_str(r ? got : NULL, where, "%s %o: rule", shown, mode);
}

static void test_precedence(void)
{
	struct labeler *l;

	place_clear(&place);
	place_text(&place, "file_contexts",
		"/etc(/.*)? " CTX(
			"etc_t") "\n"
				 "/etc/exact " CTX(
					 "exact_t") "\n"
						    "/etc/.* " CTX(
							    "late_t") "\n"
								      "/etc/ex.ct " CTX(
									      "later_t") "\n"
											 "/usr/a\\.b " CTX(
												 "dot_t") "\n"
													  "/usr/.* " CTX(
														  "usr_t") "\n"
															   "/usr/over.* " CTX(
																   "base_t") "\n"
																	     "/usr/twice " CTX(
																		     "first_t") "\n"
																				"# only a type differs\n"
																				"/var/[x] -d " CTX(
																					"dir_t") "\n"
																						 "/var/[x] -- " CTX(
																							 "file_t") "\n"
																								   "/ -d " CTX(
																									   "root_t") "\n");
	place_text(&place, "file_contexts.homedirs",
		"/home/[^/]+/.+ " CTX("home_t") "\n/usr/over/h.* " CTX("h_t") "\n");
	place_text(&place, "file_contexts.local",
		"/usr/over/here " CTX("local_t") "\n/usr/over/h.*r " CTX("local_t") "\n");
	l = place_must_open(&place);
	wins(l, "/etc", S_IFDIR, LABELER_LABEL, ":1");
	wins(l, "/etc/other", S_IFREG, LABELER_LABEL, ":3");
	wins(l, "/etc/exact", S_IFREG, LABELER_LABEL, ":2");
	wins(l, "/etc/exxct", S_IFREG, LABELER_LABEL, ":4");
	wins(l, "/usr/a.b", S_IFREG, LABELER_LABEL, ":5");
	wins(l, "/usr/axb", S_IFREG, LABELER_LABEL, ":6");
	wins(l, "/usr/over", S_IFREG, LABELER_LABEL, ":7");
	wins(l, "/usr/over/hello", S_IFREG, LABELER_LABEL, ".homedirs:2");
	wins(l, "/usr/over/her", S_IFREG, LABELER_LABEL, ".local:2");
	wins(l, "/usr/over/here", S_IFREG, LABELER_LABEL, ".local:1");
	wins(l, "/home/u/x", S_IFREG, LABELER_LABEL, ".homedirs:1");
	wins(l, "/", S_IFDIR, LABELER_LABEL, ":12");
	wins(l, "/", S_IFREG, LABELER_UNMATCHED, NULL);
	wins(l, "/home/u", S_IFDIR, LABELER_UNMATCHED, NULL);
	wins(l, "/Etc", S_IFDIR, LABELER_UNMATCHED, NULL);
	wins(l, "/x/etc", S_IFDIR, LABELER_UNMATCHED, NULL);
	wins(l, "//etc//exact", S_IFREG, LABELER_LABEL, ":2");
	wins(l, "/var/x", S_IFDIR | 0755, LABELER_LABEL, ":10");
	wins(l, "/var/x", S_IFREG | 06755, LABELER_LABEL, ":11");
	wins(l, "/var/x", 0, LABELER_LABEL, ":11");
	wins(l, "/var/x", 0644, LABELER_LABEL, ":11");
	wins(l, "/var/x", S_IFLNK, LABELER_UNMATCHED, NULL);
	labeler_close(l);
}

static void test_types(void)
{
	static const mode_t types[] = {
		S_IFREG, S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK};
	struct labeler *l;
	char where[8];

	place_clear(&place);
	place_text(&place, "file_contexts",
		"/a -- c\n/a -b c\n/a -c c\n/a -d c\n/a -l c\n/a -p c\n/a -s c\n");
	l = place_must_open(&place);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(where, sizeof(where), ":%zu", i + 1);
		wins(l, "/a", types[i] | 0644, LABELER_LABEL, where);
	}
	labeler_close(l);
}

static void test_none(void)
{
	const struct labeler_rule *r;
	struct labeler *l;
	struct err e;

	place_clear(&place);
	place_text(&place, "file_contexts",
		"/run/.* " CTX("run_t") "\n"
					"/run/x/.* <<none>>\n"
					"/run/x/lit -- <<none>>\n"
					"/run/y <<None>>\n");
	l = place_must_open(&place);
	wins(l, "/run/x/a", S_IFREG, LABELER_EXCLUDED, ":2");
	wins(l, "/run/x/lit", S_IFREG, LABELER_EXCLUDED, ":3");
	wins(l, "/run/x/lit", S_IFDIR, LABELER_EXCLUDED, ":2");
	wins(l, "/run/z", S_IFREG, LABELER_LABEL, ":1");
	wins(l, "/run", S_IFDIR, LABELER_UNMATCHED, NULL);
	is_int(look_up(l, "/run/y", S_IFREG, &r, &e), LABELER_LABEL,
		"<<none>> is spelled just so");
	is_str(r->context, "<<None>>", "else it is a context");
	labeler_close(l);
}

static void test_subs(void)
{
	struct labeler *l;

	place_clear(&place);
	place_text(&place, "file_contexts",
		"/usr/lib(/.*)? " CTX(
			"lib_t") "\n"
				 "/usr/lib/x " CTX(
					 "x_t") "\n"
						"/opt/.* " CTX(
							"opt_t") "\n"
								 "/lib64.* " CTX(
									 "never_t") "\n");
	place_text(&place, "file_contexts.subs_dist",
		"# distribution\n\n/lib /usr/lib\n/lib64 /lib\r\n/srv\t/opt and more\n");
	place_text(&place, "file_contexts.subs", "  /mine /srv\n/lib /opt");
	l = place_must_open(&place);
	wins(l, "/lib/x", S_IFREG, LABELER_LABEL, ":3");
	wins(l, "/usr/lib/x", S_IFREG, LABELER_LABEL, ":2");
	wins(l, "/libx", S_IFREG, LABELER_UNMATCHED, NULL);
	wins(l, "/srv/a", S_IFREG, LABELER_LABEL, ":3");
	wins(l, "/mine/a", S_IFREG, LABELER_LABEL, ":3");
	wins(l, "/lib64/x", S_IFREG, LABELER_UNMATCHED, NULL);
	labeler_close(l);
	unlinkat(place.fd, "file_contexts.subs", 0);
	l = place_must_open(&place);
	wins(l, "/lib/x", S_IFREG, LABELER_LABEL, ":2");
	wins(l, "/mine/a", S_IFREG, LABELER_UNMATCHED, NULL);
	labeler_close(l);
}

static void test_bytes(void)
{
	struct labeler *l;

	place_clear(&place);
	place_text(&place, "file_contexts", "/a/.. c\n/b.c c\n/d/[^a-z] c\n");
	l = place_must_open(&place);
	wins(l, "/a/\xc3\xa9", S_IFREG, LABELER_LABEL, ":1");
	wins(l, "/a/\xff\xfe", S_IFREG, LABELER_LABEL, ":1");
	wins(l, "/a/\xc3\xa9x", S_IFREG, LABELER_UNMATCHED, NULL);
	wins(l, "/b\nc", S_IFREG, LABELER_LABEL, ":2");
	wins(l, "/d/\x80", S_IFREG, LABELER_LABEL, ":3");
	labeler_close(l);
}

static void test_errors(void)
{
	static const char *const paths[] = {"", "etc/passwd", "./x"};
	const struct labeler_rule *r;
	struct labeler *l;
	struct err e;

	place_clear(&place);
	place_text(&place, "file_contexts", "/x c\n");
	l = place_must_open(&place);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		r = (const struct labeler_rule *)&place;
		is_int(look_up(l, paths[i], 0, &r, &e), -1, "'%s'", paths[i]);
		is_int(e.code, ERR_USAGE, "'%s': code", paths[i]);
		ok(r == NULL, "'%s': no rule", paths[i]);
	}
	is_int(look_up(l, "/x", 0, &r, &e), LABELER_LABEL, "an absolute path is fine");
	labeler_close(l);
}

static int logged;

static int count_log(int type, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int count_log(int type, const char *fmt, ...)
{
	(void)type;
	(void)fmt;
	logged++;
	return 0;
}

/* A context that no policy knows is nobody's business here, nor does libselinux log it.
 */
static void test_nothing_validated(void)
{
	struct labeler *l;

	place_clear(&place);
	place_text(&place, "file_contexts", "/[a] nonsense\n/[a] nonsense\n/[a] other\n");
	l = place_must_open(&place);
	wins(l, "/a", S_IFREG, LABELER_LABEL, ":3");
	labeler_close(l);
	is_int(logged, 0, "libselinux had nothing to say to others");
}

int main(void)
{
	selinux_set_callback(
		SELINUX_CB_LOG, (union selinux_callback){.func_log = count_log});
	place_make(&place);
	test_precedence();
	test_types();
	test_none();
	test_subs();
	test_bytes();
	test_errors();
	test_nothing_validated();
	is_int(place_left_behind(&place), 0, "nothing is left in TMPDIR");
	place_remove(&place);
	return done_testing();
}
