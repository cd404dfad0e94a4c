/* SPDX-License-Identifier: MIT */
/* chown, chmod and setfattr: what they share, and each as a change to one record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/quote.h"
#include "fs/acl.h"
#include "fs/edit.h"
#include "fs/xattr.h"
#include "tools/commands.h"
#include "tools/locate.h"
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

struct change {
	struct engine *en;
	struct edit_links *links; /* with -R: one record for all names of a file */
	const char *text;         /* owner or mode as given */
	struct names *names;      /* of the tree, once they were asked for */
	int (*apply)(
		struct change *ch, struct node *n, struct db_record *r, struct err *e);
};

static int change_record(
	struct change *ch, struct node *n, const char *path, int64_t id, struct err *e)
{
	struct db *db = engine_db(ch->en);
	char quoted[1024];
	struct db_record r;
	int rc = db_record_get(db, id, &r, e);

	if (rc <= 0)
		return rc < 0 ? -1
			      : err_set(e, ERR_INPUT, "%s: a record is missing",
					db_path(db));
	if (ch->apply(ch, n, &r, e) == 0)
		return 0;
	/* What is wrong with the command line has to do with no file. */
	if (e->code == ERR_USAGE)
		return -1;
	return err_wrap(e, "/%s", quote_path(quoted, sizeof(quoted), path));
}

static int note_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct change *ch = arg;

	return edit_links_note(ch->links, s, e);
}

static int change_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct change *ch = arg;
	int64_t id;

	if (edit_links_adopt(ch->links, ch->en, s, &id, e) < 0)
		return -1;
	return change_record(ch, s->node, s->path, id, e);
}

/* Links may lead anywhere in the tree: all names are noted before one is changed. */
static int change_below(
	struct change *ch, struct node *n, const char *path, struct err *e)
{
	int rc;

	ch->links = edit_links_new();
	if (!ch->links)
		return err_set(e, ERR_SYS, "out of memory");
	rc = engine_walk(ch->en, engine_root(ch->en), "", note_step, ch, e);
	if (rc == 0)
		rc = engine_walk(ch->en, n, path, change_step, ch, e);
	edit_links_free(ch->links);
	ch->links = NULL;
	return rc;
}

static int change_one(struct change *ch, struct node *n, const char *path, struct err *e)
{
	int64_t id;

	if (edit_adopt_path(ch->en, path, n, &id, e) < 0)
		return -1;
	return change_record(ch, n, path, id, e);
}

static int open_for_change(const struct place *p, struct engine **en, struct err *e)
{
	struct engine_options o = {0};

	/* A tree that is named gets a database; one that was found has it. */
	return place_open(p, opt_staging ? DB_CREATE : DB_WRITE, &o, en, e);
}

static int change_path(struct change *ch, const char *path, struct err *e)
{
	cleanup_place struct place p = {0};
	struct node *n;
	int rc;

	if (locate_path(&p, path, opt_staging, opt_db, e) < 0 ||
		open_for_change(&p, &ch->en, e) < 0)
		return -1;
	n = engine_find(ch->en, p.path, e);
	rc = n ? db_begin(engine_db(ch->en), e) : -1;
	if (rc == 0)
		rc = opt_recursive ? change_below(ch, n, p.path, e)
				   : change_one(ch, n, p.path, e);
	if (rc == 0)
		rc = db_commit(engine_db(ch->en), e);
	names_close(ch->names);
	ch->names = NULL;
	engine_close(ch->en);
	return rc;
}

static int change_paths(struct change *ch, int count, char **paths, struct err *e)
{
	for (int i = 0; i < count; i++)
		if (change_path(ch, paths[i], e) < 0)
			return -1;
	return EXIT_FINE;
}

static int apply_owner(
	struct change *ch, struct node *n, struct db_record *r, struct err *e)
{
	(void)n;
	if (!ch->names && names_open(&ch->names, engine_stage(ch->en), e) < 0)
		return -1;
	if (names_parse_owner(ch->names, ch->text, &r->uid, &r->gid, e) < 0)
		return -1;
	return db_record_put(engine_db(ch->en), r, e);
}

static int run_chown(const struct command *c, int argc, char **argv, struct err *e)
{
	struct change ch = {.text = argv[0], .apply = apply_owner};

	(void)c;
	return change_paths(&ch, argc - 1, argv + 1, e);
}

/* The mask of an access ACL is the mode's group: one changes with the other. */
static int keep_acl(
	struct change *ch, struct node *n, int64_t record, uint32_t mode, struct err *e)
{
	cleanup_buf struct buf acl = {0};
	struct xattr x;
	int rc = engine_xattr(ch->en, n, XATTR_ACL_ACCESS, &x, e);

	if (rc <= 0)
		return rc;
	if (buf_add(&acl, x.value, x.len) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	acl_set_mode(acl.data, acl.len, mode);
	return db_xattr_put(
		engine_db(ch->en), record, XATTR_ACL_ACCESS, acl.data, acl.len, e);
}

static int apply_mode(
	struct change *ch, struct node *n, struct db_record *r, struct err *e)
{
	struct stat st;
	uint32_t mode;

	/* A symbolic link has no mode of its own; -R passes it by, as chmod(1) does. */
	if (r->type == S_IFLNK)
		return opt_recursive ? 0
				     : err_set(e, ERR_REFUSED,
					       "a symbolic link has no mode of its own");
	engine_stat(ch->en, n, &st);
	mode = r->mode != DB_SILENT ? r->mode : st.st_mode & 07777;
	if (!modes_apply(ch->text, r->type == S_IFDIR, &mode))
		return err_set(
			e, ERR_USAGE, "'%s' is no mode: say 4755 or u+s,go-w", ch->text);
	r->mode = mode;
	if (keep_acl(ch, n, r->id, mode, e) < 0)
		return -1;
	return db_record_put(engine_db(ch->en), r, e);
}

static int run_chmod(const struct command *c, int argc, char **argv, struct err *e)
{
	struct change ch = {.text = argv[0], .apply = apply_mode};

	(void)c;
	return change_paths(&ch, argc - 1, argv + 1, e);
}

static int set_label(
	struct change *ch, struct db_record *r, const struct buf *value, struct err *e)
{
	size_t len = value->len;

	if (len && !value->data[len - 1])
		len--;
	r->label = db_label_intern(engine_db(ch->en), len ? value->data : "", len, e);
	return r->label < 0 ? -1 : db_record_put(engine_db(ch->en), r, e);
}

static int remove_attr(struct change *ch, struct db_record *r, struct err *e)
{
	int rc;

	if (strcmp(opt_remove, XATTR_LABEL) == 0) {
		rc = r->label != 0;
		r->label = 0;
		if (rc && db_record_put(engine_db(ch->en), r, e) < 0)
			return -1;
	} else {
		rc = db_xattr_drop(engine_db(ch->en), r->id, opt_remove, e);
	}
	if (rc == 0)
		return err_set(
			e, ERR_REFUSED, "its record has no attribute %s", opt_remove);
	return rc < 0 ? -1 : 0;
}

static int apply_attr(
	struct change *ch, struct node *n, struct db_record *r, struct err *e)
{
	cleanup_buf struct buf value = {0};
	struct stat st;

	if (opt_remove)
		return remove_attr(ch, r, e);
	if (xattr_value_parse(opt_value ? opt_value : "", &value, e) < 0)
		return -1;
	if (strcmp(opt_name, XATTR_LABEL) == 0)
		return set_label(ch, r, &value, e);
	switch (xattr_fate(r->type, opt_name, value.data, value.len)) {
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
		engine_stat(ch->en, n, &st);
		r->mode = (st.st_mode & 07000) | acl_mode(value.data, value.len);
		if (db_record_put(engine_db(ch->en), r, e) < 0)
			return -1;
	}
	return db_xattr_put(engine_db(ch->en), r->id, opt_name,
		value.len ? value.data : "", value.len, e);
}

static int run_setfattr(const struct command *c, int argc, char **argv, struct err *e)
{
	struct change ch = {.apply = apply_attr};

	(void)c;
	if (!opt_name == !opt_remove)
		return err_set(e, ERR_USAGE, "say -n NAME with -v VALUE, or -x NAME");
	return change_paths(&ch, argc, argv, e);
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
