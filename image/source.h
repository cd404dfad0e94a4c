/* SPDX-License-Identifier: MIT */
/*
 * What a listing can be read from. Each reader takes a listing that listing_init() made
 * and leaves it finished. An image is read from a descriptor of a file or a block device,
 * without mounting and without privileges; what is wrong with it is ERR_INPUT with the
 * image's name first.
 */
#ifndef IMAGE_SOURCE_H
#define IMAGE_SOURCE_H

#include "fs/engine.h"
#include "image/listing.h"

/* A staging tree with its database. Content is read too, by l->threads. */
int list_engine(struct listing *l, struct engine *en, struct err *e);

/*
 * A directory as the kernel shows it: a view, a running system. What is mounted below it
 * is not part of it. Content is read by l->threads too.
 */
int list_directory(struct listing *l, const char *path, struct err *e);

/* ext2, ext3, ext4. Content is read by l->threads. */
int list_ext(struct listing *l, int fd, struct err *e);
int list_squashfs(struct listing *l, int fd, struct err *e);
int list_erofs(struct listing *l, int fd, struct err *e);
/* tar, cpio. Content is read by l->threads where it is neither compressed nor sparse. */
int list_archive(struct listing *l, int fd, struct err *e);

/* Bytes of a regular file or a block device. */
int image_size(int fd, const char *name, uint64_t *size, struct err *e);

/* An image of any of these kinds, told by its content. */
int list_image(struct listing *l, const char *path, struct err *e);

#endif
