/* SPDX-License-Identifier: MIT */
#include "tools/image.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "fs/session.h"
#include "image/compare.h"
#include "image/source.h"
#include "tools/command.h"
#include "tools/mount.h"
#include "tools/output.h"
#include "tools/progress.h"

/* How the image is made. */
enum way {
	WAY_VIEW,    /* the tool reads a sealed view */
	WAY_STAGING, /* mke2fs reads the staging tree; ext images are finished anyway */
	WAY_STREAM,  /* an archive, read from the engine */
};

struct job {
	const struct place *place;
	const struct image_request *request;
	const struct format *format;
	struct listing listing;
	struct identity id;
	enum way way;
	struct progress progress;
};

int image_parse_drop(const char *text, struct engine_options *o, struct err *e)
{
	while (*text) {
		size_t len = strcspn(text, ",");

		if (len == 6 && strncmp(text, "labels", len) == 0)
			o->no_labels = true;
		else if (len == 4 && strncmp(text, "acls", len) == 0)
			o->no_acls = true;
		else if (len == 6 && strncmp(text, "xattrs", len) == 0)
			o->no_labels = o->no_acls = o->no_xattrs = true;
		else
			return err_set(e, ERR_USAGE,
				"--drop=%.*s: there are labels, acls and xattrs (all "
				"attributes)",
				(int)len, text);
		text += len + (text[len] == ',');
	}
	return 0;
}

static void on_name(void *arg)
{
	progress_step(arg);
}

/* Findings that would make the image wrong, in words of the first one. */
struct first_finding {
	char text[512];
	size_t count;
};

static void on_finding(void *arg, const struct finding *f)
{
	struct first_finding *first = arg;

	if (!finding_breaks_seal(f->kind))
		return;
	if (!first->count++)
		snprintf(first->text, sizeof(first->text), "%s: %s", f->path, f->text);
}

static int check_findings(struct engine *en, struct err *e)
{
	struct first_finding first = {.count = 0};

	engine_check_seal(en);
	engine_findings(en, on_finding, &first);
	if (!first.count)
		return 0;
	return err_set(e, ERR_REFUSED, "%s (%zu finding%s; 'livery verify' lists them)",
		first.text, first.count, first.count == 1 ? "" : "s");
}

static int check_labels(struct engine *en, const struct listing *l, struct err *e)
{
	for (size_t i = 0; i < l->count; i++) {
		struct node *n;
		size_t len;

		if (listing_label(l->entries[i].inode, &len))
			continue;
		n = engine_find(en, l->entries[i].path, e);
		if (!n)
			return -1;
		if (engine_label_excluded(n))
			continue;
		err_set(e, ERR_REFUSED, "/%s has no label", l->entries[i].path);
		return err_hint(e, "'livery label' gives labels; --allow-unlabeled or "
				   "--drop=labels does without");
	}
	return 0;
}

static int list_tree(struct job *j, struct engine *en, struct err *e)
{
	const struct image_request *r = j->request;

	j->listing.on_name = on_name;
	j->listing.on_name_arg = &j->progress;
	progress_start(&j->progress, "read");
	if (list_engine(&j->listing, en, e) < 0 || check_findings(en, e) < 0)
		return -1;
	progress_clear(&j->progress);
	if (!r->allow_unlabeled && !r->engine.no_labels &&
		check_labels(en, &j->listing, e) < 0)
		return -1;
	return identity_make(
		&j->id, &j->listing, r->engine.clamp ? r->engine.clamp_time : -1, e);
}

static void say_way(const char *why)
{
	fprintf(stderr, "livery: without a view, since %s\n", why);
}

static int choose_way(struct job *j, struct err *e)
{
	enum format_family family = j->format->family;
	struct err why;

	j->way = family == FORMAT_EXT ? WAY_STAGING : WAY_STREAM;
	if (family == FORMAT_EXT || family == FORMAT_ARCHIVE)
		return 0;
	if (!j->request->without_fuse) {
		if (session_host_selinux("") && !j->request->engine.no_labels)
			say_way("this host's kernel answers security.selinux itself");
		else if (session_check_host(&why) < 0)
			say_way(why.msg);
		else
			j->way = WAY_VIEW;
	}
	return j->way == WAY_STREAM ? make_check_stream(j->format, e) : 0;
}

/* What only a stream keeps. */
static int check_unshown(struct job *j, struct err *e)
{
	const char *path = format_unshown(&j->listing);

	if (!path || j->way != WAY_VIEW)
		return 0;
	j->way = WAY_STREAM;
	if (make_check_stream(j->format, e) < 0)
		return err_wrap(e,
			"/%s has an attribute in trusted.*, which no mount can "
			"show",
			path);
	say_way("no mount can show the attributes in trusted.*");
	return 0;
}

static void show_size(void *arg)
{
	const struct making *m = arg;
	struct stat st;

	if (isatty(STDERR_FILENO) && stat(m->out, &st) == 0)
		fprintf(stderr, "\r\033[K%s: %llu MB", m->format->name,
			(unsigned long long)st.st_blocks * 512 / 1000000);
}

/* dir: absolute, made for this, and gone afterwards. */
static int make_on(const struct making *m, const struct job *j,
	const struct mount_options *options, const char *dir, struct err *e)
{
	struct err why;
	int ended = 0, rc = mount_view(j->place->staging, dir, false, options, e);

	if (rc > 0)
		rc = err_set(e, ERR_SYS, "the view could not be mounted (see above)");
	else if (rc == 0) {
		rc = make_from_directory(m, dir, e);
		ended = unmount_view(dir, &why);
	}
	rmdir(dir);
	if (ended < 0 && rc < 0)
		return err_hint(e, "and the view is still there: %s", why.msg);
	if (rc == 0 && ended < 0) {
		*e = why;
		return -1;
	}
	if (rc == 0 && ended > 0)
		return err_set(e, ERR_REFUSED,
			"the tree changed while the image was made (see above)");
	return rc;
}

static int make_from_view(const struct making *m, const struct job *j, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	struct mount_options options;
	char made[PATH_MAX], dir[PATH_MAX];
	int rc;

	if (mount_options_init(&options, e) < 0)
		return -1;
	options.engine = j->request->engine;
	options.engine.trusted = false;
	options.engine.want_labels = !j->request->allow_unlabeled;
	options.hold = hold_new(getpid());
	if (strlen(j->place->db) >= sizeof(options.db))
		return err_set(e, ERR_USAGE, "%s: the path is too long", j->place->db);
	strcpy(options.db, j->place->db);
	snprintf(made, sizeof(made), "%s/livery-view.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	tool_hold();
	if (!mkdtemp(made)) {
		rc = err_sys(e, made, "cannot make a directory to mount on");
	} else if (!realpath(made, dir)) {
		rc = err_sys(e, made, "cannot find");
		rmdir(made);
	} else {
		rc = make_on(m, j, &options, dir, e);
	}
	tool_release();
	if (rc == 0 && tool_interrupted())
		return err_set(e, ERR_SYS, "interrupted");
	return rc;
}

static int make(struct job *j, const char *out, struct engine *en, struct making *m,
	struct err *e)
{
	int rc;

	*m = (struct making){
		.format = j->format,
		.listing = &j->listing,
		.id = &j->id,
		.out = out,
		.options = j->request->options,
		.size = j->request->size,
		.tick = show_size,
		.tick_arg = m,
	};
	if (j->way == WAY_VIEW) {
		rc = make_from_view(m, j, e); /* which sees to its own seal */
	} else {
		rc = j->way == WAY_STAGING ? make_from_directory(m, j->place->staging, e)
					   : make_from_stream(m, en, e);
		if (rc == 0)
			rc = check_findings(en, e);
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
	return rc;
}

#define DIFFERENCES_SHOWN 50

static void show_difference(void *arg, const struct difference *d)
{
	long *shown = arg;

	if ((*shown)++ >= DIFFERENCES_SHOWN)
		return;
	fputs("livery: /", stderr);
	quote_print(stderr, d->path, strlen(d->path));
	fprintf(stderr, " %s: expected %s, found %s\n", d->field, d->expected, d->found);
}

long image_compare(const struct listing *expected, const char *path, compare_fn *fn,
	void *arg, struct err *e)
{
	cleanup_listing struct listing found = {0};
	struct progress progress;
	int rc;

	if (listing_init(&found, path, e) < 0)
		return -1;
	found.expected = expected;
	found.on_name = on_name;
	found.on_name_arg = &progress;
	progress_start(&progress, "verified");
	rc = list_image(&found, path, e);
	progress_clear(&progress);
	return rc < 0 ? -1 : compare_listings(expected, &found, fn, arg, e);
}

static int verify(struct job *j, const char *path, struct err *e)
{
	long shown = 0;
	long count = image_compare(&j->listing, path, show_difference, &shown, e);

	if (count <= 0)
		return (int)count;
	if (count > DIFFERENCES_SHOWN)
		fprintf(stderr, "livery: and %ld more\n", count - DIFFERENCES_SHOWN);
	return err_set(e, ERR_REFUSED,
		"%s: what was made differs from the database in %ld point%s (see above), "
		"and was not kept",
		j->request->out, count, count == 1 ? "" : "s");
}

static const char *way_text(enum way way)
{
	switch (way) {
	case WAY_VIEW:
		return "through a sealed view";
	case WAY_STAGING:
		return "from the staging tree, without a view";
	case WAY_STREAM:
		break;
	}
	return "as a stream, without a view";
}

/* Everything after the filesystem is there: hash tree, disk, names. */
static int complete(struct job *j, struct making *m, struct output *raw,
	struct image_result *out, struct err *e)
{
	const struct image_request *r = j->request;
	cleanup_output struct output hashes = {0}, disk = {0};
	struct output *last = raw;
	struct stat st;

	if (r->hash_file && output_begin(&hashes, r->hash_file, e) < 0)
		return -1;
	if (r->verity && verity_make(&out->verity, raw->temp, hashes.temp, m, e) < 0)
		return -1;
	if (r->disk != DISK_NONE) {
		if (output_begin(&disk, r->out, e) < 0)
			return -1;
		if (disk_convert(raw->temp, disk.temp, r->disk, !r->no_verify, m, e) <
			0) {
			output_name_error(&disk, e);
			return -1;
		}
		last = &disk;
	}
	if (tool_interrupted())
		return err_set(e, ERR_SYS, "interrupted");
	if (stat(last->temp, &st) < 0)
		return err_sys(e, last->temp, "cannot examine");
	out->bytes = (uint64_t)st.st_size;
	if (r->hash_file && output_finish(&hashes, e) < 0)
		return -1;
	return output_finish(last, e);
}

static int run_job(
	struct job *j, struct engine *en, struct image_result *out, struct err *e)
{
	cleanup_output struct output raw = {0};
	struct making m;
	int rc = output_begin(&raw, j->request->out, e);

	if (rc == 0)
		rc = make(j, raw.temp, en, &m, e);
	if (rc == 0 && !j->request->no_verify)
		rc = verify(j, raw.temp, e);
	out->verified = !j->request->no_verify;
	out->names = j->listing.count;
	out->way = way_text(j->way);
	memcpy(out->digest, j->id.digest, sizeof(out->digest));
	if (rc == 0)
		rc = complete(j, &m, &raw, out, e);
	if (rc < 0)
		output_name_error(&raw, e);
	return rc;
}

int image_make(const struct place *p, const struct image_request *r,
	struct image_result *out, struct err *e)
{
	struct job j = {.place = p, .request = r};
	struct engine_options options = r->engine;
	struct engine *en = NULL;
	int rc;

	*out = (struct image_result){0};
	options.trusted = true;
	j.format = format_find(r->type, e);
	if (!j.format || choose_way(&j, e) < 0 ||
		place_open(p, DB_SEALED, &options, &en, e) < 0)
		return -1;
	tool_catch_signals(output_end_all);
	rc = listing_init(&j.listing, p->staging, e);
	if (rc == 0)
		rc = list_tree(&j, en, e);
	if (rc == 0)
		rc = format_check(j.format, &j.listing, e);
	if (rc == 0)
		rc = check_unshown(&j, e);
	/* The view's daemon is forked: it must not inherit a database that is open. */
	if (rc == 0 && j.way == WAY_VIEW)
		engine_close(take_ptr(en));
	if (rc == 0)
		rc = run_job(&j, en, out, e);
	if (en)
		engine_close(en);
	listing_free(&j.listing);
	return rc;
}
