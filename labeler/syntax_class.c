/* SPDX-License-Identifier: MIT */
#include "labeler/syntax_class.h"

#include <string.h>

static bool is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool syntax_escapes_itself(char c)
{
	return c != '\0' && !is_letter_or_digit(c);
}

static void add_range(struct byteset *s, unsigned char low, unsigned char high)
{
	for (unsigned c = low; c <= high; c++)
		byteset_add(s, (unsigned char)c);
}

static void invert(struct byteset *s)
{
	for (int i = 0; i < 4; i++)
		s->word[i] = ~s->word[i];
}

/* \d \w \s and their opposites, in the C locale that PCRE2's own tables are for. */
static bool add_shorthand(struct byteset *s, char c)
{
	struct byteset made = {{0}};

	switch (c) {
	case 'd':
	case 'D':
		add_range(&made, '0', '9');
		break;
	case 'w':
	case 'W':
		add_range(&made, '0', '9');
		add_range(&made, 'a', 'z');
		add_range(&made, 'A', 'Z');
		byteset_add(&made, '_');
		break;
	case 's':
	case 'S':
		add_range(&made, '\t', '\r');
		byteset_add(&made, ' ');
		break;
	default:
		return false;
	}
	if (c == 'D' || c == 'W' || c == 'S')
		invert(&made);
	for (int i = 0; i < 4; i++)
		s->word[i] |= made.word[i];
	return true;
}

/* A byte or a shorthand in a class: 1 with *c set, 2 with s added to, 0 for neither. */
static int class_item(const char **at, const char *end, struct byteset *s, char *c)
{
	*c = *(*at)++;
	if (*c == '[' && *at < end && strchr(":.=", **at))
		return 0; /* a POSIX name, perhaps */
	if (*c != '\\')
		return 1;
	if (*at == end)
		return 0;
	*c = *(*at)++;
	if (syntax_escapes_itself(*c))
		return 1;
	return add_shorthand(s, *c) ? 2 : 0;
}

/* Behind a byte, "-x" makes a range. False: not for us. */
static bool class_range(
	const char **at, const char *end, struct byteset *s, char low, bool *ranged)
{
	char high;

	*ranged = false;
	if (end - *at < 2 || **at != '-' || (*at)[1] == ']') {
		byteset_add(s, (unsigned char)low);
		return true;
	}
	(*at)++;
	if (class_item(at, end, s, &high) != 1 ||
		(unsigned char)high < (unsigned char)low)
		return false;
	add_range(s, (unsigned char)low, (unsigned char)high);
	*ranged = true;
	return true;
}

static bool parse_class(const char **at, const char *end, struct byteset *s)
{
	bool inverted = false;
	bool first = true;

	(*at)++;
	/* PCRE2 may take "[." for a misplaced POSIX name, unless it is all there is. */
	if (end - *at >= 2 && strchr(":.=", **at) && (*at)[1] != ']')
		return false;
	if (*at < end && **at == '^') {
		inverted = true;
		(*at)++;
	}
	for (; *at < end && (first || **at != ']'); first = false) {
		bool ranged = false;
		char c;
		int got = class_item(at, end, s, &c);

		if (got == 0 || (got == 1 && !class_range(at, end, s, c, &ranged)))
			return false;
		/* A '-' right behind a range or a shorthand has rules of its own. */
		if ((ranged || got == 2) && end - *at >= 2 && **at == '-' &&
			(*at)[1] != ']')
			return false;
	}
	if (*at == end)
		return false;
	(*at)++;
	if (inverted)
		invert(s);
	return true;
}

bool syntax_class(const char **at, const char *end, struct byteset *s)
{
	char c = **at;

	if (c == '[')
		return parse_class(at, end, s);
	(*at)++;
	if (c == '.') {
		invert(s);
		return true;
	}
	if (*at == end)
		return false;
	c = *(*at)++;
	if (!syntax_escapes_itself(c))
		return add_shorthand(s, c);
	byteset_add(s, (unsigned char)c);
	return true;
}
