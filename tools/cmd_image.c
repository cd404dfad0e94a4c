/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "pack/format.h"
#include "tools/commands.h"
#include "tools/image.h"
#include "tools/show.h"

static struct image_request request;
static const char *opt_db;
static bool opt_json, options_ready;

/* "512M": bytes, with K, M, G or T of 1024; a multiple of 4096. */
static int parse_size(const char *text, uint64_t *size, struct err *e)
{
	static const char units[] = "KMGT";
	char *end;
	const char *unit;
	int shift = 0;

	errno = 0;
	*size = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (int)(unit - units + 1);
		end++;
	}
	if (text[0] < '0' || text[0] > '9' || errno || *end || !*size ||
		*size > (UINT64_C(1) << 60) >> shift)
		return err_set(e, ERR_USAGE,
			"--size=%s: not a size in bytes, or with K, M, G or T", text);
	*size <<= shift;
	if (*size % LISTING_BLOCK)
		return err_set(e, ERR_USAGE, "--size=%s: not a multiple of %d bytes",
			text, LISTING_BLOCK);
	return 0;
}

static int set_disk(enum disk_kind kind, struct err *e)
{
	if (request.disk != DISK_NONE && request.disk != kind)
		return err_set(e, ERR_USAGE, "--vhd and --qcow2 exclude each other");
	request.disk = kind;
	return 0;
}

static int option(int key, const char *value, struct err *e)
{
	if (!options_ready && engine_options_init(&request.engine, e) < 0)
		return -1;
	options_ready = true;
	switch (key) {
	case 't':
		request.type = value;
		return format_find(value, e) ? 0 : -1;
	case 'o':
		request.out = value;
		return 0;
	case OPT_SIZE:
		return parse_size(value, &request.size, e);
	case OPT_DROP:
		return image_parse_drop(value, &request.engine, e);
	case OPT_VHD:
		return set_disk(DISK_VHD, e);
	case OPT_QCOW2:
		return set_disk(DISK_QCOW2, e);
	case OPT_HASH_FILE:
		request.hash_file = value;
		request.verity = true;
		return 0;
	case OPT_VERITY:
		request.verity = true;
		return 0;
	case OPT_WITHOUT_FUSE:
		request.without_fuse = true;
		return 0;
	case OPT_NO_VERIFY:
		request.no_verify = true;
		return 0;
	case OPT_ALLOW_UNLABELED:
		request.allow_unlabeled = true;
		request.engine.want_labels = false;
		return 0;
	case OPT_JSON:
		opt_json = true;
		return 0;
	default:
		opt_db = value;
		return 0;
	}
}

/* A database, or what belongs to it: NAME-journal, NAME-wal, NAME-shm. */
static bool is_of_database(const char *file, const char *db)
{
	size_t len = strlen(db);

	return strncmp(file, db, len) == 0 && (!file[len] || file[len] == '-');
}

/* What is made must not become part of the tree, nor take its database's place. */
static int check_outside(
	const char *file, const struct place *p, char **full, struct err *e)
{
	cleanup_free char *copy = strdup(file);
	cleanup_free char *dir = NULL;
	/* Where a symbolic link leads that is the database's name. */
	cleanup_free char *db = realpath(p->db, NULL);
	char *slash = copy ? strrchr(copy, '/') : NULL;

	if (slash)
		*slash = '\0';
	dir = realpath(!slash ? "." : *copy ? copy : "/", NULL);
	if (!dir)
		return err_sys(e, file, "cannot write");
	if (path_inside(dir, p->staging))
		return err_set(e, ERR_REFUSED,
			"%s: would lie in the tree that the image is made of", file);
	if (asprintf(full, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir,
		    slash ? slash + 1 : file) < 0) {
		*full = NULL;
		return err_set(e, ERR_SYS, "out of memory");
	}
	if (is_of_database(*full, p->db) || (db && is_of_database(*full, db)))
		return err_set(e, ERR_REFUSED, "%s: is the tree's database", file);
	return 0;
}

/* What makes no sense together is refused rather than passed over. */
static int check_request(const struct place *p, const struct format *f, struct err *e)
{
	cleanup_free char *out = NULL;
	cleanup_free char *hashes = NULL;

	if (f->family == FORMAT_ARCHIVE && request.options[0])
		return err_set(e, ERR_USAGE,
			"%s: livery writes it itself; there is no tool for the option %s",
			f->name, request.options[0]);
	if (f->family == FORMAT_ARCHIVE && (request.verity || request.disk != DISK_NONE))
		return err_set(e, ERR_USAGE, "%s is an archive: no %s can be made of it",
			f->name, request.verity ? "hash tree" : "disk");
	if (f->family != FORMAT_EXT && request.size)
		return err_set(e, ERR_USAGE,
			"%s is as large as it gets: --size is for ext", f->name);
	if (check_outside(request.out, p, &out, e) < 0)
		return -1;
	if (!request.hash_file)
		return 0;
	if (check_outside(request.hash_file, p, &hashes, e) < 0)
		return -1;
	return strcmp(out, hashes) == 0
		       ? err_set(e, ERR_USAGE,
				 "-o and --hash-file name one file; --verity appends the "
				 "hash tree")
		       : 0;
}

static void print_json(const struct image_result *r)
{
	printf("{");
	show_json_bytes(stdout, "image", request.out, strlen(request.out));
	printf(", \"type\": \"%s\", \"bytes\": %" PRIu64 ", \"names\": %" PRIu64
	       ", \"way\": \"%s\", \"verified\": %s, \"digest\": \"%s\"",
		request.type, r->bytes, r->names, r->way, r->verified ? "true" : "false",
		r->digest);
	if (request.verity) {
		printf(", \"verity\": {\"root_hash\": \"%s\", \"salt\": \"%s\", "
		       "\"uuid\": "
		       "\"%s\", \"data_blocks\": %" PRIu64 ", \"hash_offset\": %" PRIu64,
			r->verity.root_hash, r->verity.salt, r->verity.uuid,
			r->verity.data_blocks, r->verity.hash_offset);
		if (request.hash_file) {
			printf(", ");
			show_json_bytes(stdout, "hash_file", request.hash_file,
				strlen(request.hash_file));
		}
		printf("}");
	}
	printf("}\n");
}

static void print_text(const struct image_result *r)
{
	quote_print(stdout, request.out, strlen(request.out));
	printf(": %s, %" PRIu64 " names, %" PRIu64 " bytes, made %s, %s\n", request.type,
		r->names, r->bytes, r->way, r->verified ? "verified" : "not verified");
	printf("digest: %s\n", r->digest);
	if (request.verity)
		printf("root hash: %s\nhash offset: %" PRIu64 "\n", r->verity.root_hash,
			r->verity.hash_offset);
}

static int run(const struct command *c, int argc, char **argv, struct err *e)
{
	static char *no_options[] = {NULL};
	cleanup_place struct place p = {0};
	struct image_result result;
	const struct format *f;

	(void)c;
	if (!request.type || !request.out)
		return err_set(e, ERR_USAGE, "say what to make: -t TYPE and -o FILE");
	f = format_find(request.type, e);
	if (argc > 1 && strcmp(argv[1], "--") != 0)
		return err_set(e, ERR_USAGE,
			"one operand too many: %s; options for the tool go behind --",
			argv[1]);
	request.options = argc > 2 ? argv + 2 : no_options;
	if (!f || locate_tree(&p, argv[0], opt_db, e) < 0 ||
		check_request(&p, f, e) < 0 || image_make(&p, &request, &result, e) < 0)
		return -1;
	if (opt_json)
		print_json(&result);
	else
		print_text(&result);
	return EXIT_FINE;
}

static const struct command_option command_options[] = {
	{'t', "type", "TYPE", FORMAT_NAMES},
	{'o', "output", "FILE", "the image; replaced when it is there"},
	{OPT_VHD, "vhd", NULL, "a VHD disk that holds the image (dynamic)"},
	{OPT_QCOW2, "qcow2", NULL, "a qcow2 disk that holds the image"},
	{OPT_VERITY, "verity", NULL, "append a dm-verity hash tree; print its root hash"},
	{OPT_HASH_FILE, "hash-file", "FILE", "the same, with the hash tree in FILE"},
	{OPT_SIZE, "size", "SIZE", "of an ext image, as 512M (default: what it needs)"},
	{OPT_DROP, "drop", "WHAT,...", "leave out labels, acls or xattrs (all of them)"},
	{OPT_ALLOW_UNLABELED, "allow-unlabeled", NULL,
		"an inode without a label is fine"},
	{OPT_WITHOUT_FUSE, "without-fuse", NULL, "mount no view, whatever the type"},
	{OPT_NO_VERIFY, "no-verify", NULL, "do not read the image back"},
	OPTION_JSON,
	OPTION_DB,
	{0},
};

const struct command cmd_image = {
	.name = "image",
	.synopsis = "STAGING [-- TOOL-OPTION...]",
	.summary = "Make a filesystem image or an archive of a staging tree",
	.details =
		"Runs the format's own tool, reads the image back and compares every\n"
		"inode. What the format cannot keep is refused. The same tree gives the\n"
		"same bytes; SOURCE_DATE_EPOCH caps the times in it.",
	.options = command_options,
	.min_args = 1,
	.max_args = -1,
	.run = run,
	.option = option,
};
