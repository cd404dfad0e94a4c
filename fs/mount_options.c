/* SPDX-License-Identifier: MIT */
#include "fs/mount_options.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "common/quote.h"

int mount_options_init(struct mount_options *m, struct err *e)
{
	*m = (struct mount_options){0};
	strcpy(m->kernel, "ro");
	if (engine_options_init(&m->engine, e) < 0)
		return -1;
	m->engine.want_labels = true;
	return 0;
}

/* A decimal number up to max that ends at one of the bytes of end or at the NUL. */
static const char *number(const char *text, const char *end, uint64_t max, uint64_t *out)
{
	char *stop;

	if (text[0] < '0' || text[0] > '9')
		return NULL;
	errno = 0;
	*out = strtoull(text, &stop, 10);
	if (errno || *out > max || (*stop && !strchr(end, *stop)))
		return NULL;
	return stop;
}

int mount_options_owner(const char *text, uint32_t *uid, uint32_t *gid)
{
	uint64_t u, g;
	const char *p = number(text, ":", UINT32_MAX - 1, &u);

	if (!p || *p != ':' || !number(p + 1, "", UINT32_MAX - 1, &g))
		return -1;
	*uid = (uint32_t)u;
	*gid = (uint32_t)g;
	return 0;
}

static int bad_value(struct err *e, const char *option, const char *want)
{
	char quoted[256];

	return err_set(e, ERR_USAGE, "mount option %s: %s",
		quote_path(quoted, sizeof(quoted), option), want);
}

static int set_owner(
	struct mount_options *m, const char *value, const char *option, struct err *e)
{
	if (mount_options_owner(value, &m->engine.uid, &m->engine.gid) < 0)
		return bad_value(e, option, "say default-owner=UID:GID in numbers");
	return 0;
}

static int set_clamp(
	struct mount_options *m, const char *value, const char *option, struct err *e)
{
	uint64_t v;

	if (!number(value, "", INT64_MAX, &v))
		return bad_value(e, option, "say clamp=SECONDS since 1970");
	m->engine.clamp = true;
	m->engine.clamp_time = (int64_t)v;
	m->said_clamp = true;
	return 0;
}

static int set_threads(
	struct mount_options *m, const char *value, const char *option, struct err *e)
{
	uint64_t v;

	if (!number(value, "", 256, &v) || v == 0)
		return bad_value(e, option, "say threads=N, 1 to 256");
	m->threads = (unsigned)v;
	return 0;
}

static int copy(
	char *to, size_t size, const char *value, const char *option, struct err *e)
{
	if (!*value || strlen(value) >= size)
		return bad_value(e, option, "the value is empty or too long");
	strcpy(to, value);
	return 0;
}

static int set_user(
	struct mount_options *m, const char *value, const char *option, struct err *e)
{
	return copy(m->user, sizeof(m->user), value, option, e);
}

static int set_db(
	struct mount_options *m, const char *value, const char *option, struct err *e)
{
	return copy(m->db, sizeof(m->db), value, option, e);
}

static int set_policy(
	struct mount_options *m, const char *value, const char *option, struct err *e)
{
	m->label_new = true;
	return copy(m->policy, sizeof(m->policy), value, option, e);
}

static int set_flag(
	struct mount_options *m, const char *value, const char *option, struct err *e)
{
	(void)value;
	(void)e;
	m->engine.no_labels |= strcmp(option, "no-labels") == 0;
	m->allow_other |= strcmp(option, "allow_other") == 0;
	m->debug |= strcmp(option, "debug") == 0;
	m->stats |= strcmp(option, "stats") == 0;
	m->label_new |= strcmp(option, "policy") == 0;
	if (strcmp(option, "allow-unlabeled") == 0)
		m->engine.want_labels = false;
	return 0;
}

/* Once each, however often the kernel's word is said. */
static int pass_on(
	struct mount_options *m, const char *value, const char *option, struct err *e)
{
	char with_commas[sizeof(m->kernel) + 2];
	char word[34];

	(void)value;
	snprintf(with_commas, sizeof(with_commas), ",%s,", m->kernel);
	snprintf(word, sizeof(word), ",%.31s,", option);
	if (strstr(with_commas, word))
		return 0;
	if (strlen(m->kernel) + strlen(option) + 2 > sizeof(m->kernel))
		return bad_value(e, option, "too many options");
	strcat(m->kernel, ",");
	strcat(m->kernel, option);
	return 0;
}

static int ignore(
	struct mount_options *m, const char *value, const char *option, struct err *e)
{
	(void)m;
	(void)value;
	(void)option;
	(void)e;
	return 0;
}

/* Of ro and rw the last one counts. */
static int set_access(
	struct mount_options *m, const char *value, const char *option, struct err *e)
{
	(void)value;
	(void)e;
	if (strcmp(option, "writable") == 0) {
		m->said_writable = true;
	} else {
		m->said_rw = strcmp(option, "rw") == 0;
		m->said_ro = !m->said_rw;
	}
	return 0;
}

static const struct {
	const char *name; /* a pattern for fnmatch(3); "NAME=" takes a value */
	bool fstab_only;
	int (*set)(struct mount_options *m, const char *value, const char *option,
		struct err *e);
} table[] = {
	{"ro", false, set_access},
	{"rw", false, set_access},
	{"writable", false, set_access},
	{"policy", false, set_flag},
	{"policy=", false, set_policy},
	{"no-labels", false, set_flag},
	{"allow-unlabeled", false, set_flag},
	{"allow_other", false, set_flag},
	{"debug", false, set_flag},
	{"stats", false, set_flag},
	{"default-owner=", false, set_owner},
	{"clamp=", false, set_clamp},
	{"threads=", false, set_threads},
	{"db=", false, set_db},
	{"noexec", false, pass_on},
	{"nosuid", false, ignore}, /* always on for an ordinary user */
	{"nodev", false, ignore},
	{"noatime", false, ignore},
	{"nodiratime", false, ignore},
	{"relatime", false, ignore},
	{"exec", true, ignore},
	{"suid", true, ignore},
	{"dev", true, ignore},
	{"async", true, ignore},
	{"setuid=", true, set_user},
	{"defaults", true, ignore},
	{"auto", true, ignore},
	{"noauto", true, ignore},
	{"user", true, ignore},
	{"user=*", true, ignore},
	{"users", true, ignore},
	{"nouser", true, ignore},
	{"owner", true, ignore},
	{"group", true, ignore},
	{"_netdev", true, ignore},
	{"nofail", true, ignore},
	{"x-*", true, ignore},
	{"X-*", true, ignore},
	{"comment=*", true, ignore},
};

static int apply(struct mount_options *m, const char *option, bool fstab, struct err *e)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *name = table[i].name;
		size_t len = strlen(name);

		if (table[i].fstab_only && !fstab)
			continue;
		if (name[len - 1] == '=' && strncmp(option, name, len) == 0)
			return table[i].set(m, option + len, option, e);
		if (name[len - 1] != '=' && fnmatch(name, option, FNM_NOESCAPE) == 0)
			return table[i].set(m, NULL, option, e);
	}
	return bad_value(e, option, "there is no such option; see livery(1)");
}

int mount_options_parse(
	struct mount_options *m, const char *text, bool fstab, struct err *e)
{
	char option[4200];
	size_t len = 0;

	m->fstab = fstab;
	for (const char *p = text;; p++) {
		if (*p == '\\' && p[1] && len + 1 < sizeof(option)) {
			option[len++] = *++p;
			continue;
		}
		if (*p && *p != ',') {
			if (len + 1 >= sizeof(option))
				return err_set(
					e, ERR_USAGE, "a mount option is too long");
			option[len++] = *p;
			continue;
		}
		option[len] = '\0';
		if (len && apply(m, option, fstab, e) < 0)
			return -1;
		len = 0;
		if (!*p)
			return 0;
	}
}

static int refuse(struct err *e, const char *text)
{
	return err_set(e, ERR_USAGE, "mount options %s", text);
}

/* A view that writes is the staging tree as it is, changed by one person. */
static int check_writable(const struct mount_options *m, struct err *e)
{
	if (m->allow_other)
		return refuse(e,
			"rw and allow_other exclude each other: whoever can reach such a "
			"view could change anything in it, as root can; leave one out");
	if (m->said_clamp)
		return refuse(e,
			"rw and clamp= exclude each other: a view that writes shows the "
			"staging tree's own times; say clamp= for the sealed view that "
			"the image is made from");
	return 0;
}

int mount_options_check(struct mount_options *m, struct err *e)
{
	if (m->said_writable && m->said_ro)
		return refuse(e, "ro and writable exclude each other: leave one out");
	if (m->fstab && m->said_rw && !m->said_writable)
		return refuse(e,
			"of this line in fstab: say ro, or writable for a view that "
			"writes (mount(8) says rw by itself where a line does not say "
			"ro)");
	m->writable = m->said_rw || m->said_writable;
	if (m->label_new && !m->writable)
		return refuse(e,
			"policy and ro exclude each other: only new files are labeled "
			"by it; say rw, or label the tree with 'livery label'");
	memcpy(m->kernel, m->writable ? "rw" : "ro", 2);
	if (!m->writable)
		return 0;
	if (check_writable(m, e) < 0)
		return -1;
	m->engine.clamp = false; /* SOURCE_DATE_EPOCH */
	return 0;
}
