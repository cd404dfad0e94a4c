/* SPDX-License-Identifier: MIT */
/* chown, chmod and setfattr, each as a change to one record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/quote.h"
#include "fs/acl.h"
#include "fs/xattr.h"
#include "tools/commands.h"
#include "tools/edit_paths.h"
#include "tools/modes.h"
#include "tools/names.h"
#include "tools/xattr_value.h"

static const char *opt_db, *opt_staging, *opt_name, *opt_value, *opt_remove;
static bool opt_recursive;

static int option(int key, const char *value, struct err *e)
{
	(void)e;
	switch (key) {
	case OPT_DB:
		opt_db = value;
		break;
	case OPT_STAGING:
		opt_staging = value;
		break;
	case 'R':
		opt_recursive = true;
		break;
	case 'n':
		opt_name = value;
		break;
	case 'v':
		opt_value = value;
		break;
	case 'x':
		opt_remove = value;
		break;
	}
	return 0;
}

/* What a command does to each record. */
struct change {
	const char *text;    /* owner or mode as given */
	struct buf value;    /* of an attribute */
	struct names *names; /* of the tree, once they were asked for */
};

static void forget_names(void *arg)
{
	struct change *ch = arg;

	names_close(ch->names);
	ch->names = NULL;
}

static int change_paths(struct change *ch,
	int (*apply)(void *arg, struct engine *en, struct node *n, struct db_record *r,
		struct err *e),
	int count, char **paths, struct err *e)
{
	const struct edit_paths ep = {
		.staging = opt_staging,
		.db = opt_db,
		.recursive = opt_recursive,
		.apply = apply,
		.tree_done = forget_names,
		.arg = ch,
	};

	return edit_paths(&ep, count, paths, e) < 0 ? -1 : EXIT_FINE;
}

static int apply_owner(
	void *arg, struct engine *en, struct node *n, struct db_record *r, struct err *e)
{
	struct change *ch = arg;

	(void)n;
	if (!ch->names && names_open(&ch->names, engine_stage(en), e) < 0)
		return -1;
	if (names_parse_owner(ch->names, ch->text, &r->uid, &r->gid, e) < 0)
		return -1;
	return db_record_put(engine_db(en), r, e);
}

static int run_chown(const struct command *c, int argc, char **argv, struct err *e)
{
	struct change ch = {.text = argv[0]};

	(void)c;
	if (names_owner_syntax(argv[0], e) < 0)
		return -1;
	return change_paths(&ch, apply_owner, argc - 1, argv + 1, e);
}

/* The mask of an access ACL is the mode's group: one changes with the other. */
static int keep_acl(
	struct engine *en, struct node *n, int64_t record, uint32_t mode, struct err *e)
{
	cleanup_buf struct buf acl = {0};
	struct xattr x;
	int rc = engine_xattr(en, n, XATTR_ACL_ACCESS, &x, e);

	if (rc <= 0)
		return rc;
	if (buf_add(&acl, x.value, x.len) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	acl_set_mode(acl.data, acl.len, mode);
	return db_xattr_put(
		engine_db(en), record, XATTR_ACL_ACCESS, acl.data, acl.len, e);
}

static int apply_mode(
	void *arg, struct engine *en, struct node *n, struct db_record *r, struct err *e)
{
	struct change *ch = arg;
	struct stat st;
	uint32_t mode;

	/* A symbolic link has no mode of its own; -R passes it by, as chmod(1) does. */
	if (r->type == S_IFLNK)
		return opt_recursive ? 0
				     : err_set(e, ERR_REFUSED,
					       "a symbolic link has no mode of its own");
	engine_stat(en, n, &st);
	mode = r->mode != DB_SILENT ? r->mode : st.st_mode & 07777;
	modes_apply(ch->text, r->type == S_IFDIR, &mode);
	r->mode = mode;
	if (keep_acl(en, n, r->id, mode, e) < 0)
		return -1;
	return db_record_put(engine_db(en), r, e);
}

static int run_chmod(const struct command *c, int argc, char **argv, struct err *e)
{
	struct change ch = {.text = argv[0]};
	uint32_t any = 0;

	(void)c;
	/* Whatever the file, a text is a mode or it is none. */
	if (!modes_apply(argv[0], false, &any))
		return err_set(
			e, ERR_USAGE, "'%s' is no mode: say 4755 or u+s,go-w", argv[0]);
	return change_paths(&ch, apply_mode, argc - 1, argv + 1, e);
}

static int set_label(
	struct db *db, struct db_record *r, const struct buf *value, struct err *e)
{
	size_t len = value->len;

	if (len && !value->data[len - 1])
		len--;
	if (xattr_label_check(value->data, len, e) < 0)
		return -1;
	r->label = db_label_intern(db, value->data, len, e);
	return r->label < 0 ? -1 : db_record_put(db, r, e);
}

static int remove_attr(struct db *db, struct db_record *r, struct err *e)
{
	int rc;

	if (strcmp(opt_remove, XATTR_LABEL) == 0) {
		rc = r->label != 0;
		r->label = 0;
		if (rc && db_record_put(db, r, e) < 0)
			return -1;
	} else {
		rc = db_xattr_drop(db, r->id, opt_remove, e);
	}
	if (rc == 0)
		return err_set(
			e, ERR_REFUSED, "its record has no attribute %s", opt_remove);
	return rc < 0 ? -1 : 0;
}

static int apply_attr(
	void *arg, struct engine *en, struct node *n, struct db_record *r, struct err *e)
{
	struct change *ch = arg;
	const struct buf *value = &ch->value;
	struct stat st;

	if (opt_remove)
		return remove_attr(engine_db(en), r, e);
	if (xattr_is_nameless(opt_name))
		return err_set(e, ERR_REFUSED,
			"%s has no name behind the dot, so it cannot be set", opt_name);
	if (strcmp(opt_name, XATTR_LABEL) == 0)
		return set_label(engine_db(en), r, value, e);
	switch (xattr_fate(r->type, opt_name, value->data, value->len)) {
	case XATTR_SHOWN:
		break;
	case XATTR_BAD:
		return err_set(
			e, ERR_REFUSED, "the value is none that %s can have", opt_name);
	case XATTR_HIDDEN:
		return err_set(e, ERR_REFUSED,
			"no reader could be given %s on such a file, so it cannot be set",
			opt_name);
	}
	if (strcmp(opt_name, XATTR_ACL_ACCESS) == 0) {
		engine_stat(en, n, &st);
		r->mode = (st.st_mode & 07000) | acl_mode(value->data, value->len);
		if (db_record_put(engine_db(en), r, e) < 0)
			return -1;
	}
	return db_xattr_put(engine_db(en), r->id, opt_name, value->len ? value->data : "",
		value->len, e);
}

static int run_setfattr(const struct command *c, int argc, char **argv, struct err *e)
{
	struct change ch = {0};
	int rc;

	(void)c;
	if (!opt_name == !opt_remove || (opt_remove && opt_value))
		return err_set(e, ERR_USAGE, "say -n NAME with -v VALUE, or -x NAME");
	rc = opt_value ? xattr_value_parse(opt_value, &ch.value, e) : 0;
	if (rc == 0)
		rc = change_paths(&ch, apply_attr, argc, argv, e);
	buf_free(&ch.value);
	return rc;
}

static const struct command_option owner_options[] = {
	{'R', "recursive", NULL, "directories with all that is in them"},
	OPTION_STAGING,
	OPTION_DB,
	{0},
};

const struct command cmd_chown = {
	.name = "chown",
	.synopsis = "OWNER[:GROUP] PATH...",
	.summary = "Set the owner that the view shows",
	.details = "Names come from the staging tree's own etc/passwd and etc/group. A\n"
		   "symbolic link is changed itself, never what it leads to.",
	.options = owner_options,
	.min_args = 2,
	.max_args = -1,
	.run = run_chown,
	.option = option,
};

const struct command cmd_chmod = {
	.name = "chmod",
	.synopsis = "MODE PATH...",
	.summary = "Set the mode that the view shows",
	.details = "MODE is octal (4755) or symbolic (u+s,go-w); no umask is applied.",
	.options = owner_options,
	.min_args = 2,
	.max_args = -1,
	.run = run_chmod,
	.option = option,
};

static const struct command_option attr_options[] = {
	{'n', "name", "NAME", "the attribute to set"},
	{'v', "value", "VALUE", "its value: text, 0xHEX or 0sBASE64"},
	{'x', "remove", "NAME", "remove that attribute from the record"},
	OPTION_STAGING,
	OPTION_DB,
	{0},
};

const struct command cmd_setfattr = {
	.name = "setfattr",
	.synopsis = "PATH...",
	.summary = "Set or remove an extended attribute that the view shows",
	.details = "Any attribute that a reader can be given: security.* and user.* and "
		   "POSIX\n"
		   "ACLs. security.selinux is the label.",
	.options = attr_options,
	.min_args = 1,
	.max_args = -1,
	.run = run_setfattr,
	.option = option,
};
