/* SPDX-License-Identifier: MIT */
/*
 * An ext2, ext3 or ext4 image that mke2fs filled, brought to hold exactly what a listing
 * says. mke2fs gives the root directory and all times values of its own, makes
 * lost+found, and makes separate files of a symbolic link's names; made from a staging
 * tree as it is, its owners, modes, devices and attributes are the staging files' own.
 */
#ifndef PACK_EXT_H
#define PACK_EXT_H

#include "image/listing.h"

/*
 * image: the file, changed in place. Contents, names and targets must be there already;
 * a device is there as it is or as an empty file. now: seconds since 1970, the time that
 * the filesystem itself is said to be written at. Refused (ERR_REFUSED): what the
 * filesystem cannot keep, by name; a fraction of a second that does not fit is cut off.
 * Same image and same listing give the same bytes; so do two images that mke2fs made of
 * one tree at different times, if it was given a UUID and a hash seed (-U, -E hash_seed).
 * lost+found goes if the listing has none. On error the image is of no more use.
 */
int ext_finish(const char *image, const struct listing *l, int64_t now, struct err *e);

#endif
