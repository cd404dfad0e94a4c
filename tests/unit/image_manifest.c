/* SPDX-License-Identifier: MIT */
/* Manifests: the exact text of each kind of inode, and its digest. */
#include "image/manifest.h"

#include <stdlib.h>

#include "pack/tool.h"
#include "tests/unit/listing_util.h"
#include "tests/unit/scratch.h"

#define HEAD "#livery-manifest 1\n"

/* The text of a listing, which is finished here; malloc'd. */
static char *text_of(struct listing *l)
{
	FILE *out = fopen("text", "w");

	if (!out)
		err(1, "text");
	must_finish(l);
	manifest_print(out, l);
	fclose(out);
	return get_file("text", NULL);
}

/* The same by sha256sum(1), from a file. */
static void check_digest(struct listing *l, const char *text)
{
	cleanup_tool_args struct tool_args a = {0};
	cleanup_buf struct buf out = {0};
	char hex[MANIFEST_DIGEST_SIZE];
	struct err e = {0};

	put_text("m", text);
	tool_arg(&a, "sha256sum");
	tool_arg(&a, "m");
	if (tool_run("coreutils", &a, NULL, NULL, NULL, &out, &e) < 0 || out.len < 64)
		errx(1, "%s", e.msg);
	out.data[64] = 0;
	is_int(manifest_digest(l, hex, &e), 0, "a digest");
	is_str(hex, out.data, "of the text");
}

static void text_is(struct listing *l, const char *want, const char *what)
{
	char *text = text_of(l);

	is_str(text, want, "%s", what);
	check_digest(l, text);
	free(text);
	listing_free(l);
}

static void fill(struct listing_inode *in, uint32_t uid, uint32_t gid, int64_t mtime)
{
	in->uid = uid;
	in->gid = gid;
	in->mtime = mtime;
	in->mtime_ns = 999999999;
}

static void test_types(void)
{
	struct listing l;
	struct listing_inode *in;

	must_init(&l, "tree");
	fill(put_name(&l, "", S_IFDIR | 01755), 0, 0, 0);
	fill(put_content(&l, "file", "abc"), UINT32_MAX, 1, INT64_MIN);
	fill(put_target(&l, "link", "to/here"), 1, 2, -1);
	in = put_name(&l, "char", S_IFCHR | 0);
	in->major = UINT32_MAX;
	in = put_name(&l, "block", S_IFBLK | 0660);
	in->major = 8;
	in->minor = 1;
	put_name(&l, "fifo", S_IFIFO | 07777);
	put_name(&l, "socket", S_IFSOCK | 0600)->mtime = INT64_MAX;
	put_name(&l, "what", 0600);
	text_is(&l,
		HEAD ". type=dir mode=1755 uid=0 gid=0 time=0\n"
		     "./block type=block mode=0660 uid=0 gid=0 time=0 device=8,1\n"
		     "./char type=char mode=0000 uid=0 gid=0 time=0 "
		     "device=4294967295,0\n"
		     "./fifo type=fifo mode=7777 uid=0 gid=0 time=0\n"
		     "./file type=file mode=0644 uid=4294967295 gid=1 "
		     "time=-9223372036854775808 size=3 "
		     "sha256="
		     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
		     "./link type=link mode=0777 uid=1 gid=2 time=-1 link=to/here\n"
		     "./socket type=socket mode=0600 uid=0 gid=0 "
		     "time=9223372036854775807\n"
		     "./what type=unknown mode=0600 uid=0 gid=0 time=0\n",
		"each type");
}

static void test_links(void)
{
	struct listing l;
	struct listing_inode *in;

	must_init(&l, "tree");
	put_name(&l, "", S_IFDIR | 0755);
	put_name(&l, "d", S_IFDIR | 0755);
	in = put_name(&l, "z", S_IFIFO | 0600);
	put_hardlink(&l, "d/a b", in);
	put_hardlink(&l, "e", in);
	text_is(&l,
		HEAD ". type=dir mode=0755 uid=0 gid=0 time=0\n"
		     "./d type=dir mode=0755 uid=0 gid=0 time=0\n"
		     "./d/a\\040b type=fifo mode=0600 uid=0 gid=0 time=0\n"
		     "./e hardlink=./d/a\\040b\n"
		     "./z hardlink=./d/a\\040b\n",
		"hard links name the first one");
}

/* A symbolic link with every byte that a target can have. */
static void test_escaping(void)
{
	struct listing l;
	char target[256], name[256];
	char *text, *at;
	int bad = 0;
	size_t n = 0;

	must_init(&l, "tree");
	put_name(&l, "", S_IFDIR | 0755);
	for (int c = 1; c < 256; c++) {
		target[c - 1] = (char)c;
		if (c != '/')
			name[n++] = (char)c;
	}
	target[255] = 0;
	name[n] = 0;
	put_target(&l, name, target);
	text = text_of(&l);
	check_digest(&l, text);
	at = strstr(text, " link=") + 6;
	for (int c = 1; c < 256; c++) {
		char want[8];

		if (c > ' ' && c < 0x7f && c != '\\' && c != '#')
			snprintf(want, sizeof(want), "%c", c);
		else
			snprintf(want, sizeof(want), "\\%c%c%c", '0' + c / 64,
				'0' + c / 8 % 8, '0' + c % 8);
		bad += strncmp(at, want, strlen(want)) != 0;
		at += strlen(want);
	}
	is_str(at, "\n", "nothing behind it");
	is_int(bad, 0, "each byte of a target");
	at = strstr(text, "\n./\\001") + 3;
	for (int c = 1; c < 256; c++) {
		unsigned value = (unsigned char)*at;

		if (c == '/')
			continue;
		if (*at == '\\' && sscanf(at, "\\%3o", &value) == 1)
			at += 3;
		at++;
		bad += value != (unsigned)c;
	}
	is_int(bad, 0, "each byte of a name");
	is_int(strncmp(at, " type=link ", 11), 0, "and its type behind it");
	free(text);
	listing_free(&l);
}

static void test_xattrs(void)
{
	struct listing l;
	struct listing_inode *in;

	must_init(&l, "tree");
	in = put_name(&l, "", S_IFDIR | 0755);
	put_attribute(&l, in, "user.a", "", 0);
	put_attribute(&l, in, "user.=", "\xff", 1);
	put_attribute(&l, in, "user.b c", "ab", 2);
	put_attribute(&l, in, "trusted.x", "abc", 3);
	put_attribute(&l, in, "security.selinux", "u:r:t:s0 #", 11);
	in = put_name(&l, "nul", S_IFIFO | 0600);
	put_attribute(&l, in, "security.selinux", "a\0b", 3);
	in = put_name(&l, "none", S_IFIFO | 0600);
	put_attribute(&l, in, "security.selinux", "", 0);
	text_is(&l,
		HEAD ". type=dir mode=0755 uid=0 gid=0 time=0 label=u:r:t:s0\\040\\043 "
		     "xattr.trusted.x=YWJj xattr.user.\\075=/w== xattr.user.a= "
		     "xattr.user.b\\040c=YWI=\n"
		     "./none type=fifo mode=0600 uid=0 gid=0 time=0 label=\n"
		     "./nul type=fifo mode=0600 uid=0 gid=0 time=0 label=a\\000b\n",
		"attributes and labels");
}

/* Around the pieces that values are printed in, against base64(1). */
static void test_base64(void)
{
	static const size_t lengths[] = {
		1, 2, 3, 46, 47, 48, 49, 50, 51, 95, 96, 97, 5000};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		cleanup_tool_args struct tool_args a = {0};
		cleanup_buf struct buf out = {0};
		unsigned char value[5000];
		struct listing l;
		struct err e = {0};
		const char *value_at;
		char *text;

		for (size_t k = 0; k < lengths[i]; k++)
			value[k] = (unsigned char)(k * 37 + 200);
		must_init(&l, "tree");
		put_attribute(&l, put_name(&l, "", S_IFDIR), "user.v", value, lengths[i]);
		text = text_of(&l);
		put_file("v", value, lengths[i]);
		tool_arg(&a, "base64");
		tool_arg(&a, "-w0");
		tool_arg(&a, "v");
		if (tool_run("coreutils", &a, NULL, NULL, NULL, &out, &e) < 0)
			errx(1, "%s", e.msg);
		buf_addc(&out, '\n');
		value_at = strstr(text, "user.v=") + 7;
		ok(strcmp(value_at, out.data) == 0, "%zu bytes", lengths[i]);
		free(text);
		listing_free(&l);
	}
}

static void test_hex(void)
{
	static const uint8_t bytes[] = {0, 1, 0x9a, 0xff};
	char hex[9];

	manifest_hex(bytes, 4, hex);
	is_str(hex, "00019aff", "hexadecimal");
}

int main(void)
{
	scratch_make();
	test_types();
	test_links();
	test_escaping();
	test_xattrs();
	test_base64();
	test_hex();
	return done_testing();
}
