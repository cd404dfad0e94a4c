// SPDX-License-Identifier: MIT
#include "tests/view/generate.h"
#include "tests/view/random.h"

#include <endian.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

/*
 * Directories that are sticky and that others may write to are left out: where the host
 * protects links and files in them, who asks decides what is protected.
 */
unsigned random_mode(struct model *m)
{
	static const unsigned usual[] = {0644, 0755, 0600, 0700, 0777, 0, 04755, 02755,
		06755, 02775, 01755, 07755, 0444, 0111};
	unsigned mode = random_chance(&m->random, 70) ? random_pick(&m->random, usual)
						      : random_below(&m->random, 010000);

	return mode & 01000 ? mode & ~022u : mode;
}

void generate_mode(struct model *m, struct op *op)
{
	pick_path(m, op, 0, TYPES_ALL, 85, true);
	op->mode = random_mode(m);
	if (random_chance(&m->random, 15))
		op->flags = AT_SYMLINK_NOFOLLOW;
}

void generate_fchmod(struct model *m, struct op *op)
{
	op->slot = pick_slot(m, TYPES_ALL);
	op->mode = random_mode(m);
}

/* Our own, root's, those of others, the highest, and "as it is". */
static unsigned random_id(struct model *m)
{
	static const unsigned ids[] = {0, 0, 1, 33, 1000, 65534, 100000, 4294967294u,
		(unsigned)-1, (unsigned)-1};

	return random_pick(&m->random, ids);
}

void generate_owner(struct model *m, struct op *op)
{
	pick_path(m, op, 0, TYPES_ALL, 88, true);
	op->uid = random_id(m);
	op->gid = random_id(m);
	if (random_chance(&m->random, 40))
		op->flags = AT_SYMLINK_NOFOLLOW;
}

void generate_fchown(struct model *m, struct op *op)
{
	op->slot = pick_slot(m, TYPES_ALL);
	op->uid = random_id(m);
	op->gid = random_id(m);
}

/* Never near now, so that such a time is told from one that a clock gave. */
static void random_time(struct model *m, struct timespec *t)
{
	static const long long far[] = {0, -1, 1, 1000000000, 2147483647, 2147483648,
		-2147483648, -2147483649, 4294967296, 15032385535, 15032385536,
		99999999999, -99999999999};

	t->tv_sec = random_chance(&m->random, 40)
			    ? (time_t)random_pick(&m->random, far)
			    : (time_t)random_below(&m->random, 1500000000);
	t->tv_nsec =
		random_chance(&m->random, 30) ? 0 : random_below(&m->random, 1000000000);
	if (random_chance(&m->random, 20))
		t->tv_nsec = random_chance(&m->random, 50) ? UTIME_NOW : UTIME_OMIT;
	else if (random_chance(&m->random, 2))
		t->tv_nsec = 1000000000; /* wrong */
}

void generate_times(struct model *m, struct op *op)
{
	pick_path(m, op, 0, TYPES_ALL, 88, true);
	random_time(m, &op->times[0]);
	random_time(m, &op->times[1]);
	if (random_chance(&m->random, 50))
		op->flags = AT_SYMLINK_NOFOLLOW;
}

void generate_futimens(struct model *m, struct op *op)
{
	op->slot = pick_slot(m, TYPES_ALL);
	random_time(m, &op->times[0]);
	random_time(m, &op->times[1]);
}

/* On a path, a link itself (mode 1) or an open file. */
static void pick_for_attribute(struct model *m, struct op *op, unsigned types)
{
	if (random_chance(&m->random, 25)) {
		op->slot = pick_slot(m, types);
	} else {
		pick_path(m, op, 0, types, 88, false);
		op->mode = random_chance(&m->random, 50);
	}
}

/* struct vfs_cap_data of version 2: what setcap(8) writes. */
static void random_capability(struct model *m, struct op *op)
{
	uint32_t words[5] = {
		htole32(0x02000001), htole32(random_below(&m->random, 0x4000))};

	op->value_len = sizeof(words);
	memcpy(op->value, words, sizeof(words));
}

static void random_name(struct model *m, struct op *op)
{
	static const char *const names[] = {"user.a", "user.a", "user.b", "user.c",
		"user.odd \x01\xff=,", "user.long", "user.too-long", "user.", "user",
		"trusted.t", "security.capability", "security.selinux", "system.none",
		"other.x", ""};
	const char *name = random_pick(&m->random, names);
	size_t len = strlen(name), want = 0;

	if (strcmp(name, "user.long") == 0)
		want = 255;
	else if (strcmp(name, "user.too-long") == 0)
		want = 256;
	memcpy(op->name, name, len + 1);
	if (want) {
		memset(op->name + len, 'n', want - len);
		op->name[want] = '\0';
	}
}

/* Values are short: what a native filesystem has room for is not what is compared. */
static void random_value(struct model *m, struct op *op)
{
	if (strcmp(op->name, "security.capability") == 0) {
		random_capability(m, op);
	} else if (strcmp(op->name, "security.selinux") == 0) {
		op->value_len = (size_t)snprintf((char *)op->value, sizeof(op->value),
					"system_u:object_r:t%u_t:s0",
					random_below(&m->random, 5)) +
				1;
	} else {
		op->value_len = random_below(&m->random, 250);
		random_fill(random_next(&m->random), op->value, op->value_len);
	}
}

void generate_attribute(struct model *m, struct op *op)
{
	static const size_t rooms[] = {0, 1, 20, 300, 300, 300};
	static const int flags[] = {
		0, 0, 0, XATTR_CREATE, XATTR_REPLACE, XATTR_CREATE | XATTR_REPLACE, 4};

	pick_for_attribute(m, op, TYPES_ALL);
	random_name(m, op);
	if (op->kind == OP_SETXATTR) {
		random_value(m, op);
		op->flags = random_pick(&m->random, flags);
	} else if (op->kind == OP_GETXATTR) {
		op->len = random_pick(&m->random, rooms);
	}
}

struct acl_entry {
	uint16_t tag;
	uint16_t perm;
	uint32_t id;
};

static void add_acl(struct op *op, unsigned tag, unsigned perm, unsigned id)
{
	struct acl_entry e = {
		htole16((uint16_t)tag), htole16((uint16_t)perm), htole32(id)};

	memcpy(op->value + op->value_len, &e, sizeof(e));
	op->value_len += sizeof(e);
}

/*
 * The kernel's form, linux/posix_acl_xattr.h: sorted by tag, then id. Some are wrong.
 * None lets a group or others write: see random_mode().
 */
static void random_acl(struct model *m, struct op *op)
{
	uint32_t version = htole32(random_chance(&m->random, 97) ? 2 : 3);
	bool more = random_chance(&m->random, 75);
	unsigned bits = random_below(&m->random, 4096);

	memcpy(op->value, &version, 4);
	op->value_len = 4;
	add_acl(op, 0x01, 7 & bits, (unsigned)-1);
	if (more && random_chance(&m->random, 60))
		add_acl(op, 0x02, 7 & (bits >> 2), 1000 + random_below(&m->random, 3));
	if (more && random_chance(&m->random, 30))
		add_acl(op, 0x02, 5, 2000);
	add_acl(op, 0x04, 5 & (bits >> 5), (unsigned)-1);
	if (more && random_chance(&m->random, 60))
		add_acl(op, 0x08, 7 & (bits >> 3), 33);
	if (more)
		add_acl(op, 0x10, 5 & (bits >> 6), (unsigned)-1);
	if (random_chance(&m->random, 97))
		add_acl(op, 0x20, 5 & (bits >> 9), (unsigned)-1);
	if (random_chance(&m->random, 3))
		op->value_len = random_below(&m->random, 2) * 4;
	if (bits % 8 == 0)
		op->flags = XATTR_CREATE; /* which counts for nothing */
}

void generate_acl(struct model *m, struct op *op)
{
	bool inherited = random_chance(&m->random, 50);
	unsigned dice = random_below(&m->random, 10);

	op->kind = dice < 6 ? OP_SETXATTR : dice < 8 ? OP_GETXATTR : OP_REMOVEXATTR;
	pick_for_attribute(m, op, inherited ? TYPE(S_IFDIR) : TYPES_ALL & ~TYPE(S_IFLNK));
	strcpy(op->name,
		inherited ? "system.posix_acl_default" : "system.posix_acl_access");
	if (op->kind == OP_SETXATTR)
		random_acl(m, op);
	else if (op->kind == OP_GETXATTR)
		op->len = 300;
}

void generate_list_attributes(struct model *m, struct op *op)
{
	pick_for_attribute(m, op, TYPES_ALL);
	op->len = random_chance(&m->random, 70) ? 16384 : random_below(&m->random, 2) * 5;
}
