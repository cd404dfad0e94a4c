/* SPDX-License-Identifier: MIT */
/*
 * A generated policy of a few thousand rules, both engines against libselinux itself: on
 * the text as it stands the contexts must be the same, and on a copy in which each
 * context is `FILE:LINE` the winning rules. Our matcher follows the version that is
 * linked.
 */
#include <errno.h>
#include <selinux/label.h>

#include "tests/unit/labeler_util.h"
#include "tests/unit/linked_version.h"

#define RULES 3000
#define PATHS 3000

static const char *const parts[] = {
	"file_contexts", "file_contexts.homedirs", "file_contexts.local"};
#define PARTS 3

static unsigned long long state = 0x9e3779b97f4a7c15u;

static unsigned below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

static const char *pick(const char *const *from, size_t n)
{
	return from[below((unsigned)n)];
}
#define PICK(from) pick(from, sizeof(from) / sizeof((from)[0]))

/* Few names, so that rules overlap and paths hit them. */
static const char *const names[] = {
	"a", "b", "ab", "lib", "a.b", "x+y", "c-1", "\xc3\xa9"};
static const char *const exact[] = {"a", "b", "ab", "lib", "a\\.b", "x\\+y", "c-1", "d"};
static const char *const loose[] = {"[^/]+", "a.*", ".?b", "(a|ab)", "[a-c]*", "lib(64)?",
	"x.y", "a{1,2}", "(?:a|b)b?"};
/* None that all paths match, whatever follows. */
static const char *const roots[] = {
	"a.*", ".?b", "(a|ab)", "lib(64)?", "x.y", "[a-c]{1,2}"};
static const char *const tails[] = {"(/.*)?", "/.*", "/.+", "(/[^/]*)?", ".*"};
static const char *const rule_types[] = {
	"", "", "", "--\t", "-d ", "-l ", "-c ", "-b ", "-p ", "-s "};
static const char *const blanks[] = {" ", "\t", "  ", " \v", "\f"};
static const char *const ends[] = {"\n", "\n", "\r\n", " more\n"};
static const mode_t modes[] = {
	0, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK};

static void print_rule(FILE *plain, FILE *marked, int part, unsigned line)
{
	char regex[256] = "";
	const char *type = PICK(rule_types);
	const char *blank = PICK(blanks);
	const char *end = type[0] ? PICK(ends) : "\n";
	unsigned depth = 1 + below(3);
	bool literal = below(3) == 0;

	for (unsigned i = 0; i < depth; i++) {
		strcat(regex, "/");
		if (literal || below(2))
			strcat(regex, PICK(exact));
		else if (i == 0)
			strcat(regex, PICK(roots));
		else
			strcat(regex, PICK(loose));
	}
	if (!literal && below(2))
		strcat(regex, PICK(tails));
	fprintf(marked, "%s%s%s%s:%u%s", regex, blank, type, parts[part], line, end);
	/* At the end only: libselinux 3.8 lets one in a deeper stem hide later rules. */
	if (part == PARTS - 1 && line > RULES / PARTS * 9 / 10 && below(2))
		fprintf(plain, "%s%s%s<<none>>%s", regex, blank, type, end);
	else
		fprintf(plain, "%s%s%s" CTX("t%u_t") "%s", regex, blank, type, below(50),
			end);
}

static FILE *create(const char *dir, const char *name)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (!f)
		err(1, "%s", path);
	return f;
}

static void copy_subs(const char *dir, const char *name, const char *text)
{
	FILE *f = create(dir, name);

	fputs(text, f);
	fclose(f);
}

static void generate(const char *plain_dir, const char *marked_dir)
{
	static const char dist[] = "/lib /a/lib\n/b/lib /lib\n/c-1 /\n# x\n/d /d/d\r\n";
	static const char local[] = "/x+y /c-1\n/ab /b\n/ab/lib /a\n";

	for (int part = 0; part < PARTS; part++) {
		FILE *plain = create(plain_dir, parts[part]);
		FILE *marked = create(marked_dir, parts[part]);

		for (unsigned line = 1; line <= RULES / PARTS; line++) {
			if (below(20) == 0) {
				fputs(" # no rule\n", plain);
				fputs(" # no rule\n", marked);
			} else {
				print_rule(plain, marked, part, line);
			}
		}
		fclose(plain);
		fclose(marked);
	}
	copy_subs(plain_dir, "file_contexts.subs_dist", dist);
	copy_subs(marked_dir, "file_contexts.subs_dist", dist);
	copy_subs(plain_dir, "file_contexts.subs", local);
	copy_subs(marked_dir, "file_contexts.subs", local);
}

static struct selabel_handle *open_plain(const char *dir)
{
	char path[256];
	struct selinux_opt opt = {.type = SELABEL_OPT_PATH, .value = path};
	struct selabel_handle *h;

	snprintf(path, sizeof(path), "%s/file_contexts", dir);
	h = selabel_open(SELABEL_CTX_FILE, &opt, 1);
	if (!h)
		err(1, "selabel_open: %s", path);
	return h;
}

/* libselinux's answer, or "none" where it has none. */
static void ask(
	struct selabel_handle *h, const char *path, mode_t mode, char *out, size_t size)
{
	char *context = NULL;

	if (selabel_lookup_raw(h, &context, path, (int)mode) == 0)
		snprintf(out, size, "%s", context);
	else if (errno == ENOENT)
		snprintf(out, size, "none");
	else
		err(1, "selabel_lookup_raw: %s", path);
	freecon(context);
}

static void random_path(char *path)
{
	unsigned depth = 1 + below(4);

	path[0] = '\0';
	for (unsigned i = 0; i < depth; i++) {
		strcat(path, below(40) ? "/" : "//");
		strcat(path, PICK(names));
	}
}

/* What libselinux says, twice: the context, and FILE:LINE of the rule. */
struct said {
	char context[256];
	char where[256];
};

/*
 * From 3.8 on, a <<none>> below a longer stem ends the search before a later rule of a
 * shorter one. There is none in the copy, so another rule may win there.
 */
static bool stops_at_none;

static bool excused(int got, const struct said *want)
{
	return stops_at_none && strcmp(want->context, "none") == 0 &&
	       got == LABELER_EXCLUDED;
}

struct engine {
	enum labeler_engine engine;
	const char *name;
	struct labeler *l;
	int wrong;
	int answers[3];
};

/* Returns whether ours agrees with both of theirs. */
static bool agree(
	struct engine *g, const struct said *want, const char *path, mode_t mode)
{
	const struct labeler_rule *r;
	struct said said = {"none", "none"};
	struct err e;
	int got = look_up(g->l, path, mode, &r, &e);

	if (got < 0)
		errx(1, "%s", e.msg);
	g->answers[got]++;
	if (got == LABELER_LABEL)
		snprintf(said.context, sizeof(said.context), "%s", r->context);
	if (r)
		snprintf(said.where, sizeof(said.where), "%s:%u",
			r->file + strlen("POLICY/"), r->line);
	if (strcmp(said.context, want->context) == 0 &&
		strcmp(said.where, want->where) == 0)
		return true;
	if (excused(got, want))
		return true;
	printf("# %s: %s %o: got %s by %s, wanted %s by %s\n", g->name, path, mode,
		said.context, said.where, want->context, want->where);
	return false;
}

static void engine_open(
	struct engine *g, const struct place *p, enum labeler_version version)
{
	struct err e;

	if (g->engine == LABELER_LIBSELINUX)
		version = LABELER_3_11; /* left alone */
	if (place_open_as(p, &g->l, g->engine, version, &e) < 0)
		errx(1, "%s", e.msg);
	ok(labeler_rule_count(g->l) > RULES * 9 / 10, "%s: %zu rules", g->name,
		labeler_rule_count(g->l));
}

static void engine_close(struct engine *g)
{
	is_int(g->wrong, 0, "%s: of %d paths differ", g->name, PATHS);
	ok(g->answers[LABELER_UNMATCHED] > PATHS / 50, "%s: %d unmatched", g->name,
		g->answers[LABELER_UNMATCHED]);
	ok(g->answers[LABELER_LABEL] > PATHS / 4, "%s: %d labels", g->name,
		g->answers[LABELER_LABEL]);
	ok(g->answers[LABELER_EXCLUDED] > PATHS / 50, "%s: %d excluded", g->name,
		g->answers[LABELER_EXCLUDED]);
	labeler_close(g->l);
}

static enum labeler_version find_version(void)
{
	enum labeler_version v;
	struct place place;

	place_make(&place);
	place_text(&place, "file_contexts", LINKED_BASE);
	place_text(&place, "file_contexts.local", LINKED_LOCAL);
	place_text(&place, "file_contexts.subs", LINKED_SUBS);
	v = linked_version(&(const struct labeler_source){
		.dirfd = place.fd, .base = "file_contexts", .shown = "POLICY"});
	place_remove(&place);
	return v;
}

int main(void)
{
	struct engine engines[] = {
		{.engine = LABELER_LIBSELINUX, .name = "libselinux"},
		{.engine = LABELER_MATCHER, .name = "matcher"},
	};
	enum labeler_version version = find_version();
	struct selabel_handle *plain, *marked;
	struct place place;
	char other[80];

	printf("# libselinux %s is linked\n", labeler_version_text(version));
	stops_at_none = version != LABELER_3_4;
	place_make(&place);
	snprintf(other, sizeof(other), "%s/marked", place.dir);
	if (mkdir(other, 0700) < 0)
		err(1, "%s", other);
	generate(place.dir, other);
	plain = open_plain(place.dir);
	marked = open_plain(other);
	for (int k = 0; k < 2; k++)
		engine_open(&engines[k], &place, version);
	for (int i = 0; i < PATHS; i++) {
		mode_t mode = modes[below(sizeof(modes) / sizeof(modes[0]))];
		struct said want;
		char path[256];

		random_path(path);
		ask(plain, path, mode, want.context, sizeof(want.context));
		ask(marked, path, mode, want.where, sizeof(want.where));
		for (int k = 0; k < 2; k++)
			engines[k].wrong += !agree(&engines[k], &want, path, mode);
	}
	for (int k = 0; k < 2; k++)
		engine_close(&engines[k]);
	selabel_close(plain);
	selabel_close(marked);
	is_int(place_left_behind(&place), 0, "nothing is left in TMPDIR");
	place_remove(&place);
	return done_testing();
}
