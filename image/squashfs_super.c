/* SPDX-License-Identifier: MIT */
/* The superblock of a squashfs image, and where it says that its tables are. */
#include <endian.h>

#include "image/squashfs.h"

static void swap_super(struct sqfs_super_t *b)
{
	b->magic = le32toh(b->magic);
	b->inode_count = le32toh(b->inode_count);
	b->block_size = le32toh(b->block_size);
	b->fragment_entry_count = le32toh(b->fragment_entry_count);
	b->compression_id = le16toh(b->compression_id);
	b->block_log = le16toh(b->block_log);
	b->flags = le16toh(b->flags);
	b->id_count = le16toh(b->id_count);
	b->version_major = le16toh(b->version_major);
	b->version_minor = le16toh(b->version_minor);
	b->root_inode_ref = le64toh(b->root_inode_ref);
	b->bytes_used = le64toh(b->bytes_used);
	b->id_table_start = le64toh(b->id_table_start);
	b->xattr_id_table_start = le64toh(b->xattr_id_table_start);
	b->inode_table_start = le64toh(b->inode_table_start);
	b->directory_table_start = le64toh(b->directory_table_start);
	b->fragment_table_start = le64toh(b->fragment_table_start);
	b->export_table_start = le64toh(b->export_table_start);
}

uint64_t squashfs_dirs_end(const struct squashfs *s)
{
	const struct sqfs_super_t *b = &s->super;
	const uint64_t tables[] = {b->fragment_table_start, b->export_table_start,
		b->id_table_start, b->xattr_id_table_start};
	uint64_t end = b->bytes_used;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (tables[i] > b->directory_table_start && tables[i] < end)
			end = tables[i];
	return end;
}

static int check_super(struct squashfs *s, uint64_t file_size, struct err *e)
{
	const struct sqfs_super_t *b = &s->super;

	if (b->magic != SQFS_MAGIC)
		return err_set(e, ERR_INPUT, "%s: it is no squashfs image", s->l->name);
	if (b->version_major != SQFS_VERSION_MAJOR ||
		b->version_minor != SQFS_VERSION_MINOR)
		return err_set(e, ERR_INPUT,
			"%s: it is squashfs version %u.%u; only 4.0 can be read",
			s->l->name, b->version_major, b->version_minor);
	if (b->block_size < SQFS_MIN_BLOCK_SIZE || b->block_size > SQFS_MAX_BLOCK_SIZE ||
		b->block_log > 20 || b->block_size != UINT32_C(1) << b->block_log)
		return squashfs_bad(s, e, "its block size is wrong");
	if (b->bytes_used > file_size)
		return err_set(e, ERR_INPUT,
			"%s: the squashfs image is cut off: it should have %llu bytes",
			s->l->name, (unsigned long long)b->bytes_used);
	if (b->inode_table_start < sizeof(*b) ||
		b->directory_table_start <= b->inode_table_start ||
		b->directory_table_start >= b->bytes_used ||
		b->id_table_start >= b->bytes_used ||
		(b->fragment_entry_count && b->fragment_table_start >= b->bytes_used))
		return squashfs_bad(s, e, "its tables are not where they could be");
	return 0;
}

int squashfs_super(struct squashfs *s, uint64_t file_size, struct err *e)
{
	if (file_size < sizeof(s->super))
		return err_set(e, ERR_INPUT, "%s: it is no squashfs image", s->l->name);
	s->super.bytes_used = sizeof(s->super);
	if (squashfs_pread(s, 0, &s->super, sizeof(s->super), e) < 0)
		return -1;
	swap_super(&s->super);
	return check_super(s, file_size, e);
}

/*
 * A table of count entries is blocks of 8 KiB, and at start a list of where they are,
 * which ends at *end. Sets *end to where the first block is.
 */
static int check_table(struct squashfs *s, uint64_t start, uint64_t count, size_t size,
	uint64_t *end, struct err *e)
{
	uint64_t blocks =
		(count * size + SQFS_META_BLOCK_SIZE - 1) / SQFS_META_BLOCK_SIZE;
	uint64_t first;

	if (start > *end || *end - start != blocks * sizeof(uint64_t))
		return squashfs_bad(s, e, "a table has not the size that it should have");
	if (squashfs_pread(s, start, &first, sizeof(first), e) < 0)
		return -1;
	if (le64toh(first) >= start)
		return squashfs_bad(s, e, s->rest.what);
	*end = le64toh(first);
	return 0;
}

/* From the last to the first, as linux: fs/squashfs/super.c does. */
int squashfs_tables(struct squashfs *s, struct err *e)
{
	const struct sqfs_super_t *b = &s->super;
	uint64_t end =
		b->xattr_id_table_start == UINT64_MAX ? b->bytes_used : s->xattr_start;

	if (check_table(s, b->id_table_start, b->id_count, sizeof(uint32_t), &end, e) < 0)
		return -1;
	if (b->export_table_start != UINT64_MAX &&
		check_table(s, b->export_table_start, b->inode_count, sizeof(uint64_t),
			&end, e) < 0)
		return -1;
	return b->fragment_entry_count == 0
		       ? 0
		       : check_table(s, b->fragment_table_start, b->fragment_entry_count,
				 sizeof(struct sqfs_fragment_t), &end, e);
}
