/* SPDX-License-Identifier: MIT */
/* What a policy's lines are read as, and what is refused with which message. */
#include "tests/unit/labeler_util.h"

static struct place place;

static void is_rule(struct labeler *l, size_t i, const char *file, unsigned line,
	const char *regex, mode_t type, const char *context)
{
	const struct labeler_rule *r = labeler_rule_at(l, i);

	if (!ok(r != NULL, "rule %zu is there", i))
		return;
	is_str(r->file, file, "rule %zu: file", i);
	is_int(r->line, line, "rule %zu: line", i);
	is_str(r->regex, regex, "rule %zu: regex", i);
	is_int(r->type, type, "rule %zu: type", i);
	is_str(r->context, context, "rule %zu: context", i);
}

static void test_lines(void)
{
	static const char base[] = "# a comment\n"
				   "\n"
				   "  \t # another\n"
				   "/a c1\n"
				   "\t/b\t--\tc2  \r\n"
				   "/c\v-d\fc3 ignored \xc3\xa9\n"
				   "/d -- c4 #not a comment\n"
				   "/e#x c5\0-- junk \xff\n"
				   "\0/f c6\n"
				   "/g --\n"
				   "# \xc3\xa9 in a comment\n"
				   "/h -b h\n/h -c h\n/h -l h\n/h -p h\n/h -s h\n"
				   "/i <<none>>";
	struct labeler *l;

	place_clear(&place);
	place_write(&place, "file_contexts", base, sizeof(base) - 1);
	place_text(&place, "file_contexts.local", "\n/l lc");
	place_text(&place, "file_contexts.homedirs", "/h hc\n");
	l = place_must_open(&place);
	is_int(labeler_rule_count(l), 14, "number of rules");
	is_rule(l, 0, "POLICY/file_contexts", 4, "/a", 0, "c1");
	is_rule(l, 1, "POLICY/file_contexts", 5, "/b", S_IFREG, "c2");
	is_rule(l, 2, "POLICY/file_contexts", 6, "/c", S_IFDIR, "c3");
	is_rule(l, 3, "POLICY/file_contexts", 7, "/d", S_IFREG, "c4");
	is_rule(l, 4, "POLICY/file_contexts", 8, "/e#x", 0, "c5");
	is_rule(l, 5, "POLICY/file_contexts", 10, "/g", 0, "--");
	is_rule(l, 6, "POLICY/file_contexts", 12, "/h", S_IFBLK, "h");
	is_rule(l, 7, "POLICY/file_contexts", 13, "/h", S_IFCHR, "h");
	is_rule(l, 8, "POLICY/file_contexts", 14, "/h", S_IFLNK, "h");
	is_rule(l, 9, "POLICY/file_contexts", 15, "/h", S_IFIFO, "h");
	is_rule(l, 10, "POLICY/file_contexts", 16, "/h", S_IFSOCK, "h");
	is_rule(l, 11, "POLICY/file_contexts", 17, "/i", 0, "<<none>>");
	is_rule(l, 12, "POLICY/file_contexts.homedirs", 1, "/h", 0, "hc");
	is_rule(l, 13, "POLICY/file_contexts.local", 2, "/l", 0, "lc");
	ok(labeler_rule_at(l, 14) == NULL, "no rule behind the last");
	labeler_close(l);
}

static const struct refusal {
	const char *what;
	const char *file; /* suffix of the file that has the text */
	const char *text;
	size_t len; /* 0: up to the NUL */
	const char *message;
} refusals[] = {
	{"one field", "", "/ok c\n\n/a\n", 0,
		"POLICY/file_contexts:3: one field only; a rule is an expression, a file "
		"type "
		"that may be left out, and a context"},
	{"one field and blanks", "", "/a \t \r\n", 0,
		"POLICY/file_contexts:1: one field only; a rule is an expression, a file "
		"type "
		"that may be left out, and a context"},
	{"a NUL behind the first field", "", "/a\0 -- c\n", 9,
		"POLICY/file_contexts:1: one field only; a rule is an expression, a file "
		"type "
		"that may be left out, and a context"},
	{"unknown type", ".local", "# x\n/a  -x c\n", 0,
		"POLICY/file_contexts.local:2:5: unknown file type '-x'; it is one of -- "
		"-b -c "
		"-d -l -p -s, or left out"},
	{"a comment behind two fields", ".homedirs", "/a c #x\n", 0,
		"POLICY/file_contexts.homedirs:1:4: unknown file type 'c'; it is one of "
		"-- -b "
		"-c -d -l -p -s, or left out"},
	{"a type with more behind it", "", "/a --- c\n", 0,
		"POLICY/file_contexts:1:4: unknown file type '---'; it is one of -- -b "
		"-c -d "
		"-l -p -s, or left out"},
	{"a byte over 127 in the expression", "", "/ok c\n /\xc3\xa9 c\n", 0,
		"POLICY/file_contexts:2:3: byte 0xc3 is not ASCII; match it with a dot"},
	{"a byte over 127 in the type", "", "/a -\x80 c\n", 0,
		"POLICY/file_contexts:1:5: byte 0x80 is not ASCII; match it with a dot"},
	{"a byte over 127 in the context", ".local", "/a -- c\xff\n", 0,
		"POLICY/file_contexts.local:1:8: byte 0xff is not ASCII; match it with a "
		"dot"},
	{"a bad expression", "", "/ok c\n\n /a(b c\n", 0,
		"POLICY/file_contexts:3:6: bad regular expression '/a(b': missing "
		"closing "
		"parenthesis"},
	{"a bad expression that libselinux takes for a literal", "", "/a)b c\n", 0,
		"POLICY/file_contexts:1:3: bad regular expression '/a)b': unmatched "
		"closing "
		"parenthesis"},
	{"nothing to repeat", ".homedirs", "/ok c\n/a/.** c\n", 0,
		"POLICY/file_contexts.homedirs:2:6: bad regular expression '/a/.**': "
		"quantifier does not follow a repeatable item"},
	{"an expression that the anchor would finish", "", "/ok c\n\t/a[b c\n", 0,
		"POLICY/file_contexts:2:6: bad regular expression '/a[b': missing "
		"terminating "
		"] for character class"},
	{"an empty file", "", "", 0,
		"POLICY/file_contexts: is empty; build or install the policy anew "
		"(semodule "
		"-B)"},
	{"no rule", "", "# nothing\n\n", 0,
		"POLICY/file_contexts: holds no rule; build or install the policy anew "
		"(semodule -B)"},
	{"a compiled policy", "", "\x8a\xff\x7c\xf9\5\0\0\0", 8,
		"POLICY/file_contexts: is a compiled policy; name the text that it was "
		"made "
		"from, which has no .bin at its end"},
	{"a substitution of one field", ".subs", "# x\n/a /b\n/c \n", 0,
		"POLICY/file_contexts.subs:3: one field only; a substitution is a path "
		"and the "
		"path that it stands for"},
	{"a substitution of one field at the end", ".subs_dist", "/aaaa /bbbb\n/c", 0,
		"POLICY/file_contexts.subs_dist:2: one field only; a substitution is a "
		"path "
		"and the path that it stands for"},
	{"a NUL in a substitution", ".subs", "/a /b\0c\n", 8,
		"POLICY/file_contexts.subs:1:6: a NUL byte"},
};

/* PCRE2 10.47 and later name the byte behind the one at fault: one column back then. */
static void step_back(char *got, const char *want)
{
	size_t same = 0;

	while (got[same] && got[same] == want[same])
		same++;
	if (got[same] && got[same] == want[same] + 1 && got[same] <= '9' &&
		want[same] >= '0')
		got[same]--;
}

static void test_refusals(void)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];
		struct labeler *l = (struct labeler *)&place;
		char name[64];
		struct err e;

		place_clear(&place);
		place_text(&place, "file_contexts", "/base c\n");
		snprintf(name, sizeof(name), "file_contexts%s", r->file);
		place_write(&place, name, r->text, r->len ? r->len : strlen(r->text));
		is_int(place_open(&place, &l, false, &e), -1, "%s is refused", r->what);
		ok(l == NULL, "%s: no labeler", r->what);
		is_int(e.code, ERR_INPUT, "%s: code", r->what);
		if (strstr(e.msg, "bad regular expression"))
			step_back(e.msg, r->message);
		is_str(e.msg, r->message, "%s: message", r->what);
	}
}

/* Opens a policy that has a line of `len` times 'x' between the two texts. */
static int open_long(const char *name, const char *before, size_t len, const char *after,
	struct labeler **l, struct err *e)
{
	size_t head = strlen(before);
	size_t tail = strlen(after);
	char *text = malloc(head + len + tail);

	if (!text)
		err(1, "malloc");
	memcpy(text, before, head);
	memset(text + head, 'x', len);
	memcpy(text + head + len, after, tail);
	place_clear(&place);
	place_text(&place, "file_contexts", "/base c\n");
	place_write(&place, name, text, head + len + tail);
	free(text);
	return place_open(&place, l, false, e);
}

static void test_long(void)
{
	const struct labeler_rule *r;
	struct labeler *l;
	struct err e;

	is_int(open_long("file_contexts", "# ", 3000000, "\n/a c\n", &l, &e), 0,
		"a comment of 3 MB");
	is_rule(l, 0, "POLICY/file_contexts", 2, "/a", 0, "c");
	labeler_close(l);

	is_int(open_long("file_contexts", "/a c", 65533, "\n", &l, &e), 0,
		"a context of 65,534 bytes");
	is_int(look_up(l, "/a", S_IFREG, &r, &e), LABELER_LABEL, "it is found");
	is_int(strlen(r->context), 65534, "and whole");
	labeler_close(l);

	is_int(open_long("file_contexts", "/ok c\n /a c", 65534, "\n", &l, &e), -1,
		"a context of 65,535 bytes");
	is_str(e.msg,
		"POLICY/file_contexts:2:5: a field of 65535 bytes, the limit is 65534",
		"its message");
	is_int(open_long("file_contexts", "/", 65533, " c\n", &l, &e), -1,
		"a literal too long for PCRE2");
	ok(strstr(e.msg, "POLICY/file_contexts:1:") == e.msg &&
			strstr(e.msg, "regular expression is too large"),
		"its message: %s", e.msg);

	is_int(open_long("file_contexts.subs", "/a /", 1017, "\n", &l, &e), 0,
		"a substitution of 1,021 bytes");
	labeler_close(l);
	is_int(open_long("file_contexts.subs", "#\n#", 1021, "\n", &l, &e), -1,
		"a substitution line of 1,022 bytes");
	is_str(e.msg,
		"POLICY/file_contexts.subs:2: a line of 1022 bytes, libselinux reads "
		"1021; "
		"shorten it",
		"its message");
}

static void test_too_many(void)
{
	char *text = malloc(300016);
	struct labeler *l;
	struct err e;
	size_t n = 0;

	if (!text)
		err(1, "malloc");
	for (int i = 0; i < 50001; i++) {
		memcpy(text + n, "/a cc\n", 6);
		n += 6;
	}
	place_clear(&place);
	place_write(&place, "file_contexts", text, n - 6);
	is_int(place_open(&place, &l, false, &e), 0, "50,000 rules");
	labeler_close(l);
	place_write(&place, "file_contexts", text, n);
	is_int(place_open(&place, &l, false, &e), -1, "50,001 rules");
	is_str(e.msg, "POLICY/file_contexts:50001: more than 50000 rules in the policy",
		"its message");
	free(text);
}

static char warnings[1024];

static void note_warning(void *arg, const char *message)
{
	(void)arg;
	strncat(warnings, message, sizeof(warnings) - strlen(warnings) - 2);
	strcat(warnings, "\n");
}

static void test_warnings(void)
{
	struct labeler *l;
	struct err e;

	place_clear(&place);
	place_text(&place, "file_contexts",
		"/a -- c\n/a -d c\n/b.* c\n/a -- d\n/b.* -l c\n/x\\]y c\n/x]z c\n/\\d "
		"c\n");
	place_text(&place, "file_contexts.local", "/b.* c\n");
	l = place_must_open(&place);
	is_int(labeler_warn(l, note_warning, NULL, &e), 0, "warnings");
	is_str(warnings,
		"POLICY/file_contexts:7: '/x]z' is an exact path for libselinux 3.4 and "
		"an "
		"expression since 3.8\n"
		"POLICY/file_contexts:8: '/\\\\d' is an exact path for libselinux 3.4 "
		"and an "
		"expression since 3.8\n"
		"POLICY/file_contexts:4: '/a' stands in line 1 already; libselinux "
		"refuses "
		"that where it validates the policy\n"
		"POLICY/file_contexts:5: '/b.*' stands in line 3 already; libselinux "
		"refuses "
		"that where it validates the policy\n",
		"expressions that stand twice, and text that is exact for some");
	labeler_close(l);
}

int main(void)
{
	place_make(&place);
	test_lines();
	test_refusals();
	test_long();
	test_too_many();
	is_int(place_left_behind(&place), 0, "nothing is left in TMPDIR");
	test_warnings();
	place_remove(&place);
	return done_testing();
}
