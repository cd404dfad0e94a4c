/* SPDX-License-Identifier: MIT */
#include "tools/show.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "common/quote.h"
#include "fs/xattr.h"
#include "tools/modes.h"

#define LABEL_TEXT_MAX (4 * DB_LABEL_MAX + 8) /* each byte may become \ooo */

static const char *label_text(const struct node *n, char buf[LABEL_TEXT_MAX])
{
	if (engine_label(n))
		return quote_path(buf, LABEL_TEXT_MAX, engine_label(n));
	return engine_label_excluded(n) ? LABEL_EXCLUDED : "?";
}

static void owner_text(
	const struct names *names, const struct stat *st, char user[64], char group[64])
{
	const char *u = names ? names_user(names, st->st_uid) : NULL;
	const char *g = names ? names_group(names, st->st_gid) : NULL;

	if (u)
		quote_path(user, 64, u);
	else
		snprintf(user, 64, "%u", st->st_uid);
	if (g)
		quote_path(group, 64, g);
	else
		snprintf(group, 64, "%u", st->st_gid);
}

static bool is_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
}

/* The columns of a listing whose width varies. */
struct columns {
	char links[24], user[64], group[64], size[48];
	const char *label; /* in label_buf, or constant */
	char label_buf[LABEL_TEXT_MAX];
};

static void fill_columns(const struct node *n, const struct stat *st,
	const struct names *names, struct columns *c)
{
	snprintf(c->links, sizeof(c->links), "%ju", (uintmax_t)st->st_nlink);
	owner_text(names, st, c->user, c->group);
	c->label = label_text(n, c->label_buf);
	if (is_device(st))
		snprintf(c->size, sizeof(c->size), "%u, %u", major(st->st_rdev),
			minor(st->st_rdev));
	else
		snprintf(c->size, sizeof(c->size), "%lld", (long long)st->st_size);
}

static void widen(int *width, const char *text)
{
	int len = (int)strlen(text);

	if (*width < len)
		*width = len;
}

void show_measure(struct engine *en, const struct node *n, const struct names *names,
	struct show_widths *w)
{
	struct columns c;
	struct stat st;

	engine_stat(en, n, &st);
	fill_columns(n, &st, names, &c);
	widen(&w->links, c.links);
	widen(&w->user, c.user);
	widen(&w->group, c.group);
	widen(&w->label, c.label);
	widen(&w->size, c.size);
}

/* " -> target" for a symbolic link, nothing for others. */
static int print_target(
	struct engine *en, struct node *n, const struct stat *st, struct err *e)
{
	char target[PATH_MAX + 1];

	if (!S_ISLNK(st->st_mode))
		return 0;
	if (engine_readlink(en, n, target, sizeof(target), e) < 0)
		return -1;
	printf(" -> ");
	quote_print(stdout, target, strlen(target));
	return 0;
}

/* As ls(1) has it: '+' an ACL, '.' a label and no ACL. */
static int access_mark(struct engine *en, struct node *n, char *mark, struct err *e)
{
	struct xattr x;
	int rc = engine_xattr(en, n, XATTR_ACL_ACCESS, &x, e);

	if (rc == 0)
		rc = engine_xattr(en, n, XATTR_ACL_DEFAULT, &x, e);
	*mark = rc > 0 ? '+' : engine_label(n) ? '.' : ' ';
	return rc < 0 ? -1 : 0;
}

int show_line(struct engine *en, struct node *n, const char *shown,
	const struct names *names, const struct show_widths *w, struct err *e)
{
	char mode[11], when[32];
	struct columns c;
	struct stat st;
	struct tm tm;
	char mark;

	if (access_mark(en, n, &mark, e) < 0)
		return -1;
	engine_stat(en, n, &st);
	modes_text(st.st_mode, mode);
	fill_columns(n, &st, names, &c);
	if (!localtime_r(&st.st_mtime, &tm) ||
		!strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm))
		snprintf(when, sizeof(when), "%lld", (long long)st.st_mtime);
	printf("%s%c %*s %-*s %-*s %-*s %*s %s ", mode, mark, w->links, c.links, w->user,
		c.user, w->group, c.group, w->label, c.label, w->size, c.size, when);
	quote_print(stdout, shown, strlen(shown));
	if (print_target(en, n, &st, e) < 0)
		return -1;
	putchar('\n');
	return 0;
}

static bool printable(const struct xattr *x)
{
	const char *p = x->value;

	if (!x->len || !utf8_valid(p, x->len))
		return false;
	for (size_t i = 0; i < x->len; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			return false;
	return true;
}

static void print_hex(FILE *out, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", p[i]);
}

static int print_xattr(void *arg, const struct xattr *x)
{
	(void)arg;
	if (strcmp(x->name, XATTR_LABEL) == 0)
		return 0;
	printf("%9s: ", "Attribute");
	quote_print(stdout, x->name, strlen(x->name));
	if (printable(x)) {
		printf("=\"");
		quote_print(stdout, x->value, x->len);
		printf("\"\n");
	} else {
		printf("=0x");
		print_hex(stdout, x->value, x->len);
		printf("\n");
	}
	return 0;
}

static void print_time(const struct stat *st)
{
	char when[64], zone[16];
	struct tm tm;

	if (localtime_r(&st->st_mtime, &tm) &&
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm) &&
		strftime(zone, sizeof(zone), "%z", &tm))
		printf("%9s: %s.%09ld %s\n", "Modify", when, st->st_mtim.tv_nsec, zone);
	else
		printf("%9s: %lld\n", "Modify", (long long)st->st_mtime);
}

int show_full(struct engine *en, struct node *n, const char *path,
	const struct names *names, struct err *e)
{
	char mode[11], user[64], group[64], label[LABEL_TEXT_MAX];
	struct stat st;

	engine_stat(en, n, &st);
	modes_text(st.st_mode, mode);
	owner_text(names, &st, user, group);
	printf("%9s: /", "File");
	quote_print(stdout, path, strlen(path));
	if (print_target(en, n, &st, e) < 0)
		return -1;
	printf("\n%9s: %s\n", "Type", modes_type_name(st.st_mode));
	printf("%9s: %lld\n", "Size", (long long)st.st_size);
	if (is_device(&st))
		printf("%9s: %u, %u\n", "Device", major(st.st_rdev), minor(st.st_rdev));
	printf("%9s: %04o %s\n", "Mode", st.st_mode & 07777, mode);
	printf("%9s: %u (%s)\n%9s: %u (%s)\n", "Uid", st.st_uid, user, "Gid", st.st_gid,
		group);
	printf("%9s: %ju\n%9s: %ju\n", "Inode", (uintmax_t)st.st_ino, "Links",
		(uintmax_t)st.st_nlink);
	print_time(&st);
	printf("%9s: %s\n", "Label", label_text(n, label));
	printf("%9s: %s\n", "Record", engine_record(n) ? "yes" : "none");
	return engine_xattrs(en, n, print_xattr, NULL, e) < 0 ? -1 : 0;
}

void show_json_bytes(FILE *out, const char *key, const void *bytes, size_t len)
{
	fprintf(out, "\"%s\": ", key);
	quote_json(out, bytes, len);
	if (utf8_valid(bytes, len))
		return;
	fprintf(out, ", \"%s_hex\": \"", key);
	print_hex(out, bytes, len);
	putc('"', out);
}

struct json_xattrs {
	bool utf8;        /* those with such names, or the others */
	const char *open; /* printed before the first */
	size_t count;
};

static int json_xattr(void *arg, const struct xattr *x)
{
	struct json_xattrs *j = arg;

	if (utf8_valid(x->name, strlen(x->name)) != j->utf8)
		return 0;
	printf("%s", j->count++ ? ", " : j->open);
	if (j->utf8) {
		quote_json(stdout, x->name, strlen(x->name));
	} else {
		putchar('"');
		print_hex(stdout, x->name, strlen(x->name));
		putchar('"');
	}
	printf(": \"");
	print_hex(stdout, x->value, x->len);
	putchar('"');
	return 0;
}

/* A name that is no UTF-8 cannot be a key: such have an object of their own. */
static int json_all_xattrs(struct engine *en, struct node *n, struct err *e)
{
	struct json_xattrs named = {true, "", 0};
	struct json_xattrs hex = {false, ", \"xattrs_hex\": {", 0};

	printf("\"xattrs\": {");
	if (engine_xattrs(en, n, json_xattr, &named, e) < 0)
		return -1;
	putchar('}');
	if (engine_xattrs(en, n, json_xattr, &hex, e) < 0)
		return -1;
	if (hex.count)
		putchar('}');
	return 0;
}

static void json_label(const struct node *n)
{
	if (!engine_label(n)) {
		printf("\"label\": null");
		return;
	}
	show_json_bytes(stdout, "label", engine_label(n), strlen(engine_label(n)));
}

int show_json(struct engine *en, struct node *n, const char *path, struct err *e)
{
	char target[PATH_MAX + 1];
	struct stat st;

	engine_stat(en, n, &st);
	printf("{");
	show_json_bytes(stdout, "path", path, strlen(path));
	printf(", \"type\": \"%s\", \"mode\": \"%04o\", \"uid\": %u, \"gid\": %u",
		modes_type_name(st.st_mode), st.st_mode & 07777, st.st_uid, st.st_gid);
	printf(", \"inode\": %ju, \"links\": %ju, \"size\": %lld", (uintmax_t)st.st_ino,
		(uintmax_t)st.st_nlink, (long long)st.st_size);
	printf(", \"mtime\": %lld, \"mtime_nsec\": %ld", (long long)st.st_mtime,
		st.st_mtim.tv_nsec);
	if (is_device(&st))
		printf(", \"major\": %u, \"minor\": %u", major(st.st_rdev),
			minor(st.st_rdev));
	if (S_ISLNK(st.st_mode)) {
		if (engine_readlink(en, n, target, sizeof(target), e) < 0)
			return -1;
		printf(", ");
		show_json_bytes(stdout, "target", target, strlen(target));
	}
	printf(", ");
	json_label(n);
	printf(", \"recorded\": %s, ", engine_record(n) ? "true" : "false");
	if (json_all_xattrs(en, n, e) < 0)
		return -1;
	printf("}");
	return 0;
}
