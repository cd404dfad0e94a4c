/* SPDX-License-Identifier: MIT */
#include "tools/modes.h"

#include <string.h>
#include <sys/stat.h>

/* With up to four digits a directory keeps its setuid and setgid, as with chmod(1). */
static bool octal(const char *s, bool is_dir, uint32_t *mode)
{
	uint32_t kept = is_dir && strlen(s) < 5 ? *mode & 06000 : 0;
	uint32_t v = 0;

	if (!*s || strlen(s) > 5)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '7')
			return false;
		v = v * 8 + (uint32_t)(*s - '0');
	}
	if (v > 07777)
		return false;
	*mode = v | kept;
	return true;
}

/* Bits of 07777 that belong to each of u, g and o. */
static uint32_t who_bits(char c)
{
	switch (c) {
	case 'u':
		return 04700;
	case 'g':
		return 02070;
	case 'o':
		return 01007;
	default:
		return 07777;
	}
}

/* Permission letters, or one of u, g, o: the bits as they are for that class now. */
static bool perm_bits(const char **p, bool is_dir, uint32_t mode, uint32_t *bits)
{
	*bits = 0;
	if (**p && strchr("ugo", **p)) {
		uint32_t three = **p == 'u' ? mode >> 6 : **p == 'g' ? mode >> 3 : mode;

		*bits = (three & 7) * 0111;
		(*p)++;
		return !**p || **p == ',' || strchr("+-=", **p);
	}
	for (; **p && **p != ',' && !strchr("+-=", **p); (*p)++) {
		switch (**p) {
		case 'r':
			*bits |= 0444;
			break;
		case 'w':
			*bits |= 0222;
			break;
		case 'x':
			*bits |= 0111;
			break;
		case 'X':
			*bits |= is_dir || (mode & 0111) ? 0111 : 0;
			break;
		case 's':
			*bits |= 06000;
			break;
		case 't':
			*bits |= 01000;
			break;
		default:
			return false;
		}
	}
	return true;
}

static bool clause(const char **p, bool is_dir, uint32_t *mode)
{
	uint32_t who = 0;
	uint32_t bits;

	for (; **p && strchr("ugoa", **p); (*p)++)
		who |= who_bits(**p);
	/* Nobody named means everybody: an image's modes do not hang on a umask. */
	if (!who)
		who = 07777;
	if (!**p || !strchr("+-=", **p))
		return false;
	while (**p && strchr("+-=", **p)) {
		char op = *(*p)++;

		if (!perm_bits(p, is_dir, *mode, &bits))
			return false;
		if (op == '=')
			/* A directory keeps its setuid and setgid, as chmod(1) does. */
			*mode &= ~(who & (is_dir ? 01777u : 07777u));
		if (op == '-')
			*mode &= ~(bits & who);
		else
			*mode |= bits & who;
	}
	return true;
}

bool modes_apply(const char *text, bool is_dir, uint32_t *mode)
{
	uint32_t m = *mode;

	if (octal(text, is_dir, mode))
		return true;
	for (const char *p = text;;) {
		if (!clause(&p, is_dir, &m))
			return false;
		if (!*p)
			break;
		if (*p++ != ',')
			return false;
	}
	*mode = m;
	return true;
}

static char type_letter(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	default:
		return '-';
	}
}

void modes_text(uint32_t mode, char buf[11])
{
	static const char letters[] = "rwxrwxrwx";

	buf[0] = type_letter(mode);
	for (int i = 0; i < 9; i++)
		buf[i + 1] = mode & 0400u >> i ? letters[i] : '-';
	if (mode & S_ISUID)
		buf[3] = mode & S_IXUSR ? 's' : 'S';
	if (mode & S_ISGID)
		buf[6] = mode & S_IXGRP ? 's' : 'S';
	if (mode & S_ISVTX)
		buf[9] = mode & S_IXOTH ? 't' : 'T';
	buf[10] = '\0';
}

const char *modes_type_name(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symbolic link";
	case S_IFCHR:
		return "character device";
	case S_IFBLK:
		return "block device";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "regular file";
	}
}
