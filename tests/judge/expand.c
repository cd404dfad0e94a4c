/* SPDX-License-Identifier: MIT */
#include "tests/judge/expand.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define GROUPS    10
#define DEPTH_MAX 40

struct expander {
	struct text *out;
	const struct words *words;
	struct {
		size_t start;
		size_t end;
	} groups[GROUPS];
	unsigned group_count;
	unsigned depth;
};

static uint64_t chance_state = 1;

void chance_seed(uint64_t seed)
{
	chance_state = seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du;
	if (chance_state == 0)
		chance_state = 1;
	for (int i = 0; i < 8; i++)
		chance(2);
}

unsigned chance(unsigned below)
{
	chance_state ^= chance_state << 13;
	chance_state ^= chance_state >> 7;
	chance_state ^= chance_state << 17;
	return (unsigned)((chance_state >> 32) % below);
}

void text_add(struct text *t, char c)
{
	if (c == '\0' || t->len + 1 >= sizeof(t->at))
		return;
	t->at[t->len++] = c;
	t->at[t->len] = '\0';
}

void text_adds(struct text *t, const char *s)
{
	while (*s)
		text_add(t, *s++);
}

static char any_byte(void)
{
	static const char usual[] = "abcdeilmnorstx0123456789.-_/";

	if (chance(8))
		return usual[chance(sizeof(usual) - 1)];
	return (char)(1 + chance(255));
}

static void alternatives(struct expander *x, const char *s, const char *end);

/* The byte behind the ')' that closes the '(' at s, or end. */
static const char *group_end(const char *s, const char *end)
{
	unsigned depth = 0;
	bool class = false;

	for (; s < end; s++) {
		if (*s == '\\' && s + 1 < end)
			s++;
		else if (class)
			class = *s != ']';
		else if (*s == '[')
			class = true;
		else if (*s == '(')
			depth++;
		else if (*s == ')' && --depth == 0)
			return s + 1;
	}
	return end;
}

/* The ']' that ends the class at s ('['), or end. */
static const char *class_end(const char *s, const char *end)
{
	s++;
	if (s < end && *s == '^')
		s++;
	if (s < end && *s == ']')
		s++;
	for (; s < end && *s != ']'; s++) {
		if (*s == '\\' && s + 1 < end)
			s++;
		else if (*s == '[' && s + 1 < end && s[1] == ':')
			while (s + 1 < end && *s != ']')
				s++;
	}
	return s < end ? s : end;
}

static bool escape_class(char c, int byte)
{
	switch (c) {
	case 'd':
		return isdigit(byte);
	case 'w':
		return isalnum(byte) || byte == '_';
	case 's':
		return isspace(byte);
	case 'D':
		return !isdigit(byte);
	case 'W':
		return !isalnum(byte) && byte != '_';
	case 'S':
		return !isspace(byte);
	default:
		return false;
	}
}

static bool in_posix_class(const char *name, int byte)
{
	if (strncmp(name, "[:digit:]", 9) == 0)
		return isdigit(byte);
	if (strncmp(name, "[:alpha:]", 9) == 0)
		return isalpha(byte);
	return isalnum(byte);
}

static void one_of(struct expander *x, const bool *set)
{
	unsigned char members[256];
	unsigned n = 0;

	for (int i = 1; i < 256; i++)
		if (set[i])
			members[n++] = (unsigned char)i;
	for (int tries = 0; n > 0 && tries < 6; tries++) {
		char c = any_byte();

		if (set[(unsigned char)c]) {
			text_add(x->out, c);
			return;
		}
	}
	if (n > 0)
		text_add(x->out, (char)members[chance(n)]);
}

static void class_member(struct expander *x, const char *s, const char *close)
{
	bool set[256] = {false};
	bool negated = s[1] == '^';
	const char *p = s + 1 + negated;

	for (; p < close; p++) {
		if (*p == '[' && p[1] == ':') {
			for (int i = 1; i < 128; i++)
				set[i] |= in_posix_class(p, i);
			p = strchr(p, ']');
		} else if (*p == '\\' && strchr("dwsDWS", p[1])) {
			p++;
			for (int i = 1; i < 128; i++)
				set[i] |= escape_class(*p, i);
		} else {
			int from;

			if (*p == '\\')
				p++;
			from = (unsigned char)*p;
			if (p + 2 < close && p[1] == '-') {
				p += 2;
				for (int i = from; i <= (unsigned char)*p; i++)
					set[i] = true;
			}
			set[from] = true;
		}
	}
	for (int i = 0; negated && i < 256; i++)
		set[i] = !set[i];
	one_of(x, set);
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Returns the byte behind the escape at s. */
static const char *escape(struct expander *x, const char *s, const char *end)
{
	bool set[256] = {false};
	const char *quoted_end;

	if (s + 1 >= end)
		return end;
	switch (s[1]) {
	case 'Q':
		quoted_end = strstr(s, "\\E");
		for (s += 2; s < end && s != quoted_end; s++)
			text_add(x->out, *s);
		return s == quoted_end ? s + 2 : s;
	case 'E':
	case 'b':
	case 'B':
	case 'A':
	case 'z':
	case 'Z':
	case 'K':
	case 'G':
		return s + 2;
	case 'e':
		text_add(x->out, '\033');
		return s + 2;
	case 'n':
		text_add(x->out, '\n');
		return s + 2;
	case 't':
		text_add(x->out, '\t');
		return s + 2;
	case 'x':
		if (s + 3 < end && isxdigit((unsigned char)s[2])) {
			text_add(x->out, (char)(hex_digit(s[2]) * 16 + hex_digit(s[3])));
			return s + 4;
		}
		return s + 2;
	case 'd':
	case 'w':
	case 's':
	case 'D':
	case 'W':
	case 'S':
		for (int i = 1; i < 256; i++)
			set[i] = escape_class(s[1], i);
		one_of(x, set);
		return s + 2;
	default:
		break;
	}
	if (s[1] >= '1' && s[1] <= '9') {
		unsigned g = (unsigned)(s[1] - '0');

		for (size_t i = x->groups[g].start; i < x->groups[g].end; i++)
			text_add(x->out, x->out->at[i]);
		return s + 2;
	}
	text_add(x->out, s[1]);
	return s + 2;
}

static void group(struct expander *x, const char *s, const char *close)
{
	unsigned number = 0;
	size_t start = x->out->len;

	if (*s != '?') {
		number = ++x->group_count;
	} else if (s[1] == '=' || s[1] == '!' || s[1] == '<' || s[1] == '#') {
		return;
	} else {
		while (s < close && *s != ':' && *s != '>' && *s != '|')
			s++;
		if (s == close) /* options alone */
			return;
		s++;
	}
	alternatives(x, s, close);
	if (number > 0 && number < GROUPS) {
		x->groups[number].start = start;
		x->groups[number].end = x->out->len;
	}
}

/* Returns the byte behind the atom at s, without its quantifier. */
static const char *atom_end(const char *s, const char *end)
{
	if (*s == '(')
		return group_end(s, end);
	if (*s == '[')
		return class_end(s, end) + 1;
	if (*s == '\\' && s + 1 < end) {
		const char *quoted_end = s[1] == 'Q' ? strstr(s, "\\E") : NULL;

		if (s[1] == 'Q')
			return quoted_end ? quoted_end + 2 : end;
		if (s[1] == 'x' && s + 3 < end && isxdigit((unsigned char)s[2]))
			return s + 4;
		return s + 2;
	}
	return s + 1;
}

static void atom(struct expander *x, const char *s, const char *end)
{
	const char *behind = atom_end(s, end);

	if (*s == '(')
		group(x, s + 1, behind - 1);
	else if (*s == '[')
		class_member(x, s, behind - 1);
	else if (*s == '\\')
		escape(x, s, end);
	else if (*s == '.')
		text_add(x->out, any_byte());
	else if (*s != '^' && *s != '$')
		text_add(x->out, *s);
}

/* A quantifier at s: from, to. Returns the byte behind it. */
static const char *quantifier(
	const char *s, const char *end, unsigned *from, unsigned *to)
{
	unsigned n[2] = {0, 0};
	unsigned fields = 0;
	bool digits = false;
	const char *p = s;

	*from = *to = 1;
	if (s == end || !strchr("*+?{", *s))
		return s;
	if (*s != '{') {
		*from = *s == '+';
		*to = *s == '?' ? 1 : 3;
		p = s + 1;
	} else {
		for (p = s + 1; p < end && *p != '}'; p++) {
			if (*p == ',' && fields == 0)
				fields = 1;
			else if (isdigit((unsigned char)*p))
				n[fields] = n[fields] * 10 + (unsigned)(*p - '0');
			else
				return s;
			digits |= isdigit((unsigned char)*p) != 0;
		}
		if (p == end || !digits)
			return s;
		*from = n[0];
		*to = fields == 0 ? n[0] : p[-1] == ',' ? n[0] + 2 : n[1];
		p++;
	}
	if (p < end && (*p == '?' || *p == '+'))
		p++;
	return p;
}

static void some_names(struct expander *x)
{
	unsigned n = chance(3);

	for (unsigned i = 0; i <= n && x->words->count > 0; i++) {
		if (i > 0)
			text_add(x->out, chance(3) ? '/' : any_byte());
		text_adds(x->out, x->words->at[chance((unsigned)x->words->count)]);
	}
}

static void sequence(struct expander *x, const char *s, const char *end)
{
	while (s < end) {
		const char *behind = atom_end(s, end);
		unsigned from;
		unsigned to;
		const char *next = quantifier(behind, end, &from, &to);
		unsigned n = from + (to > from ? chance(to - from + 1) : 0);

		if (*s == '.' && to > 1 && chance(2)) {
			some_names(x);
			n = 0;
		}
		for (unsigned i = 0; i < n && i < 70; i++)
			atom(x, s, end);
		s = next;
	}
}

/* One of the alternatives in [s, end). */
static void alternatives(struct expander *x, const char *s, const char *end)
{
	const char *from = s;
	const char *to = NULL;
	unsigned count = 1;

	if (x->depth == DEPTH_MAX)
		return;
	x->depth++;
	for (const char *p = s; p < end; p = atom_end(p, end))
		count += *p == '|';
	for (unsigned which = chance(count); to == NULL; which--) {
		const char *p = from;

		while (p < end && *p != '|')
			p = atom_end(p, end);
		if (which == 0)
			to = p;
		else
			from = p + 1;
	}
	sequence(x, from, to < end ? to : end);
	x->depth--;
}

void expand(struct text *out, const char *regex, const struct words *w)
{
	struct expander x = {.out = out, .words = w};

	out->len = 0;
	out->at[0] = '\0';
	alternatives(&x, regex, regex + strlen(regex));
}
