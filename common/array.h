/* SPDX-License-Identifier: MIT */
/* Arrays that grow by doubling. */
#ifndef COMMON_ARRAY_H
#define COMMON_ARRAY_H

#include <stdlib.h>

/*
 * Makes room for one element of `size` bytes behind the `count` that there are. Returns
 * the array, which the caller keeps in place of the old one; NULL (errno ENOMEM), and
 * then the old one is as it was.
 */
static inline void *array_grow(void *array, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 64;
	void *grown;

	if (count < *room)
		return array;
	grown = reallocarray(array, more, size);
	if (grown)
		*room = more;
	return grown;
}

/* The same for the array itself, an lvalue: 0, or -1 with errno ENOMEM. */
#define array_room(array, count, room)                                                   \
	({                                                                               \
		__typeof__(array) grown_ =                                               \
			array_grow((array), (count), (room), sizeof(*(array)));          \
		if (grown_)                                                              \
			(array) = grown_;                                                \
		grown_ ? 0 : -1;                                                         \
	})

#endif
