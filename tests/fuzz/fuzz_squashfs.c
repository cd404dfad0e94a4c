/* SPDX-License-Identifier: MIT */
/* A squashfs image from arbitrary bytes, listed with the content of some of its files. */
#include "tests/fuzz/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return list_input(data, size, list_squashfs);
}
