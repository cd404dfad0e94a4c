/* SPDX-License-Identifier: MIT */
/* What an expression's text says without being parsed. */
#include "labeler/syntax.h"
#include "labeler/syntax_class.h"

static bool is_quantifier(char c)
{
	return c == '*' || c == '+' || c == '?' || c == '{';
}

static bool is_special(char c)
{
	return is_quantifier(c) || c == '.' || c == '(' || c == ')' || c == '[' ||
	       c == '|' || c == '^' || c == '$';
}

size_t syntax_prefix(const char *text, size_t len, char *prefix, size_t *prefix_len)
{
	size_t at = 0;

	*prefix_len = 0;
	while (at < len) {
		size_t next = at + 1;
		char c = text[at];

		if (c == '\\') {
			c = at + 1 < len ? text[at + 1] : '\0';
			next = at + 2;
			if (!syntax_escapes_itself(c))
				break;
		} else if (is_special(c)) {
			break;
		}
		if (next < len && is_quantifier(text[next]))
			break;
		if (prefix)
			prefix[*prefix_len] = c;
		++*prefix_len;
		at = next;
	}
	return at;
}

size_t syntax_comma(const char *text, size_t len)
{
	size_t at = 2;

	if (len < 4 || text[0] != '{' || text[1] != ',')
		return 0;
	while (at < len && text[at] >= '0' && text[at] <= '9')
		at++;
	return at > 2 && at < len && text[at] == '}' ? at + 1 : 0;
}

bool syntax_has_comma(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '{' && syntax_comma(text + i, len - i))
			return true;
	return false;
}
