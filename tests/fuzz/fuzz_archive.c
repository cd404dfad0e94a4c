/* SPDX-License-Identifier: MIT */
/* An archive from arbitrary bytes, listed with the content of some of its files. */
#include "tests/fuzz/listing.h"

const char *__asan_default_options(void);

/* libarchive asks for what a header says, up to 4 GiB; it may be told no. */
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:max_allocation_size_mb=256";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return list_input(data, size, list_archive);
}
