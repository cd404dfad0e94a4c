/* SPDX-License-Identifier: MIT */
/* EROFS images with one field that is wrong, with damaged bytes, and cut short. */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "tests/unit/erofs_util.h"

/* A sound image in memory that damage is done to. */
static unsigned char *sound;
static size_t sound_size;
static struct listing sound_list;
static int memory = -1;
static int refused, listed, untold;

static void put_at(size_t at, const void *bytes, size_t len)
{
	if (pwrite(memory, bytes, len, (off_t)at) != (ssize_t)len)
		err(1, "memfd");
}

static void load_sound(const char *const flags[6])
{
	struct err e;

	make_image(flags, "small", "made");
	sound = (unsigned char *)get_file("made", &sound_size);
	sound[1024 + 8] &= (unsigned char)~1; /* no checksum over the superblock */
	memory = memfd_create("image", MFD_CLOEXEC);
	put_at(0, sound, sound_size);
	if (list(&sound_list, memory, NULL, &e) < 0)
		errx(1, "%s", e.msg);
}

static void drop_sound(void)
{
	free(sound);
	listing_free(&sound_list);
	close(memory);
}

/* Lists what is in memory now; content is read as far as the sound image has it. */
static const char *try_damaged(void)
{
	static struct err e;
	cleanup_listing struct listing l;

	if (list(&l, memory, &sound_list, &e) == 0) {
		listed++;
		return "";
	}
	refused++;
	if (e.code != ERR_INPUT || strncmp(e.msg, NAME ": ", strlen(NAME) + 2) != 0 ||
		!one_line(e.msg)) {
		printf("# %s\n", e.msg);
		untold++;
	}
	return e.msg;
}

static void flip(size_t from, size_t to, unsigned char bits)
{
	for (size_t at = from; at < to && at < sound_size; at++) {
		unsigned char byte = sound[at] ^ bits;

		/* Most of an image is zeros that nothing reads. */
		if (at > 1024 + 128 && !sound[at] && at % 16)
			continue;
		put_at(at, &byte, 1);
		try_damaged();
		put_at(at, &sound[at], 1);
	}
}

static void make_small(void)
{
	char path[64];

	put_dir("small");
	put_dir("small/dir");
	if (chmod("small/dir", 0751) < 0 ||
		setxattr("small/dir", "user.own", "value", 5, 0) < 0)
		err(1, "small/dir");
	put_filled("small/words", 8200, true);
	put_filled("small/noise", 4100, false);
	if (chmod("small/noise", 0640) < 0)
		err(1, "small/noise");
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "small/dir/%d", i);
		put_text(path, "text");
		if (setxattr(path, "user.shared", "value", 5, 0) < 0)
			err(1, "%s", path);
	}
	put_link("target", "small/link");
	if (mkfifo("small/fifo", 0600) < 0 || chmod("small/fifo", 0604) < 0 ||
		link("small/words", "small/dir/linked") < 0)
		err(1, "small");
}

static void test_damage(const char *const flags[6], const char *what)
{
	load_sound(flags);
	refused = listed = untold = 0;
	flip(1024, 1024 + 128, 0xff);
	flip(1024, 1024 + 128, 0x01);
	flip(1024 + 128, 4096, 0xff);
	ok(refused > 100, "%s: %d damaged images are refused", what, refused);
	ok(listed > 20, "%d with damage to what does not matter are not", listed);
	is_int(untold, 0, "%s: every refusal says why", what);
	refused = listed = 0;
	for (size_t len = 0; len < sound_size; len += len < 2048 ? 64 : 1021) {
		if (ftruncate(memory, (off_t)len) < 0)
			err(1, "memfd");
		try_damaged();
		put_at(0, sound, sound_size);
	}
	is_int(listed, 0, "%s: none that is cut short is listed", what);
	is_int(untold, 0, "and it says why");
	drop_sound();
}

/* Where the inode with this mode is. */
static size_t find_inode(uint32_t mode)
{
	for (size_t at = 1024 + 128; at + 64 <= sound_size; at += 32)
		if (sound[at + 4] == (mode & 0xff) && sound[at + 5] == mode >> 8 &&
			sound[at] < 16 && sound[at + 1] == 0)
			return at;
	errx(1, "no inode with mode %o", mode);
}

/* The directory entry for the inode at a place. */
static size_t find_entry(size_t inode)
{
	uint64_t nid = inode / 32 - sound[1024 + 40] * 4096u / 32;

	for (size_t at = 1024 + 128; at + 12 <= sound_size; at += 4)
		if (memcmp(sound + at, &nid, 8) == 0 && sound[at + 10] < 8 &&
			sound[at + 11] == 0 && sound[at + 10] > 0)
			return at;
	errx(1, "no entry for nid %d", (int)nid);
}

/* Unlike damage at random: one field, and what has to be said of it. */
static void patched(size_t at, const void *bytes, size_t len, const char *says)
{
	put_at(at, bytes, len);
	is_str(try_damaged(), says, "refused: %s", says);
	put_at(at, sound + at, len);
}

static void test_fields(void)
{
	static const char *const flags[6] = {"-Eforce-inode-extended", NULL};
	size_t fifo, noise, dir;

	load_sound(flags);
	fifo = find_inode(S_IFIFO | 0604);
	noise = find_inode(S_IFREG | 0640);
	dir = find_inode(S_IFDIR | 0751);
	patched(1024, "x", 1, "image: it is no EROFS image");
	patched(1024 + 12, "\10", 1, "image: it has blocks of an impossible size");
	patched(1024 + 12, "\21", 1, "image: it has blocks of an impossible size");
	patched(1024 + 80, "\0\1\0\x40", 4,
		"image: it has features of EROFS that are not known here: 0x40000100");
	patched(1024 + 8, "\1", 1,
		"image: its superblock is damaged: the checksum differs");
	patched(1024 + 80, "\10\0\0\0\0\0\2", 7,
		"image: parts of it are on other devices, which cannot be read");
	patched(fifo, "\xf1", 1, "image: /fifo: its inode has an unknown form: 0xf1");
	patched(fifo, "\x0b", 1, "image: /fifo: its inode has an unknown form: 0xb");
	patched(fifo + 5, "\x31", 1, "image: /fifo: it is of a type that does not exist");
	patched(fifo + 5, "\x21", 1,
		"image: /fifo: its directory has another type for it than its inode");
	patched(noise + 16, "\0\0\1\0", 4,
		"image: /noise: its content lies behind the end of the filesystem: the "
		"image is damaged");
	patched(noise + 15, "\x10", 1,
		"image: /noise: its content lies behind the end of the filesystem: the "
		"image is damaged");
	patched(noise + 15, "\xf0", 1, "image: /noise: it claims an impossible size");
	patched(noise + 43, "\xff", 1, "image: /noise: it has an impossible time");
	/* Its one attribute is behind the inode and a header. */
	patched(dir + 64 + 12 + 1, "\7", 1,
		"image: /dir: it has an attribute of an unknown kind");
	patched(dir + 64 + 12 + 2, "\xff", 1, "image: /dir: its attributes are damaged");
	patched(dir + 64 + 4, "\11", 1, "image: /dir: its attributes are damaged");
	/* In chunks, and of 2^40 bytes. */
	put_at(dir, "\x09", 1);
	put_at(dir + 16, "\0\0\0\0", 4);
	patched(dir + 13, "\1", 1,
		"image: /dir: the directories claim to be larger than the image");
	put_at(dir + 16, "\x40", 1);
	patched(dir + 13, "\0", 1, "image: /dir: its chunks have an unknown form: 0x40");
	put_at(dir, sound + dir, 20);
	patched(noise + 3, "\xff", 1, "image: /noise: its last bytes are in two blocks");
	drop_sound();
}

static void test_devices(void)
{
	static const char *const flags[6] = {"-Eforce-inode-extended", NULL};
	static const unsigned char zero;
	/* Linux's new_encode_dev() of 259, 703710. */
	static const uint32_t number =
		(703710 & 0xff) | 259 << 8 | (703710 & ~0xffu) << 12;
	cleanup_listing struct listing l;
	const struct listing_entry *at;
	uint32_t mode = S_IFBLK | 0604;
	size_t fifo;
	struct err e;

	load_sound(flags);
	fifo = find_inode(S_IFIFO | 0604);
	put_at(fifo + 4, &mode, 2);
	put_at(fifo + 16, &number, 4);
	put_at(find_entry(fifo) + 10, &zero, 1);
	is_int(list(&l, memory, NULL, &e), 0, "a device");
	at = listing_find(&l, "fifo");
	is_int(at ? at->inode->mode : 0, S_IFBLK | 0604, "its mode");
	is_int(at ? at->inode->major : 0, 259, "its major number");
	is_int(at ? at->inode->minor : 0, 703710, "and the minor one");
	drop_sound();
}

/* Where "." or ".." of a directory should be is something else. */
static void test_dots(void)
{
	static const char *const flags[6] = {NULL};
	uint64_t nid;
	unsigned char *names;
	size_t block;

	load_sound(flags);
	names = memmem(sound, sound_size, "...0123linked", 13);
	if (!names)
		errx(1, "no directory");
	block = (size_t)(names - sound) - 7 * 12;
	nid = find_inode(S_IFIFO | 0604) / 32 - sound[1024 + 40] * 4096u / 32;
	put_at(block + 12, &nid, 8);
	is_str(try_damaged(), "image: /dir: the directory is damaged",
		"refused: another directory above");
	put_at(block + 12 + 10, "", 1);
	put_at(block + 7 * 12 + 2, "a", 1);
	is_str(try_damaged(), "image: /dir: the directory is damaged",
		"refused: no directory above");
	drop_sound();
}

/* A file in chunks, of which one is a hole: mkfs.erofs does not always make them. */
static void test_hole(void)
{
	static const char *const flags[6] = {
		"-Eforce-inode-extended", "--chunksize=4096", NULL};
	cleanup_listing struct listing l;
	const struct listing_entry *at;
	unsigned char content[4100] = {0};
	struct sha256_ctx sha;
	uint8_t sum[32];
	struct err e;
	char *noise;

	load_sound(flags);
	put_at(find_inode(S_IFREG | 0640) + 64, "\xff\xff\xff\xff", 4);
	is_int(list(&l, memory, NULL, &e), 0, "a file with a hole");
	noise = get_file("small/noise", NULL);
	memcpy(content + 4096, noise + 4096, 4);
	free(noise);
	sha256_init(&sha);
	sha256_update(&sha, sizeof(content), content);
	sha256_digest(&sha, sizeof(sum), sum);
	at = listing_find(&l, "noise");
	ok(at && memcmp(at->inode->sha256, sum, 32) == 0, "its content");
	is_int(at ? at->inode->data_blocks : 0, 1, "and the block with data");
	drop_sound();
}

/* Bytes behind the filesystem, and a directory that is its own child. */
static void test_shape(void)
{
	static const char *const flags[6] = {NULL};
	cleanup_listing struct listing l;
	struct err e;
	uint64_t root;
	size_t entry;

	load_sound(flags);
	put_at(sound_size, sound, 5000);
	is_int(list(&l, memory, NULL, &e), 0,
		"bytes behind the filesystem do not matter");
	is_int(l.count, sound_list.count, "to its names");
	entry = find_entry(find_inode(S_IFIFO | 0604));
	root = sound[1024 + 14] | (uint64_t)sound[1024 + 15] << 8;
	put_at(entry, &root, 8);
	put_at(entry + 10, "\2", 1);
	is_str(try_damaged(), "image: /fifo: a directory has two names",
		"a directory within itself");
	drop_sound();
}

int main(void)
{
	static const char *const plain[6] = {"-x1", NULL};
	static const char *const chunks[6] = {"--chunksize=4096", NULL};
	static const char *const lz4[6] = {"-zlz4hc", "-C16384", "-Eztailpacking", NULL};
	static const char *const full[6] = {"-zlz4", "-Elegacy-compress", NULL};

	scratch_make();
	make_small();
	test_fields();
	test_devices();
	test_dots();
	test_hole();
	test_shape();
	test_damage(plain, "plain");
	test_damage(chunks, "chunks");
	test_damage(lz4, "compressed");
	test_damage(full, "compressed, full index");
	return done_testing();
}
