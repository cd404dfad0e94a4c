/* SPDX-License-Identifier: MIT */
/*
 * The process in which libsepol runs; see check.h. When the policy is loaded, or is not,
 * it sends one packet: an answer and what libsepol said. Then it is asked: a packet of
 * contexts, each with its NUL, is answered by one with a byte for each, and behind it, if
 * there was only one, what libsepol said of that. It ends when the socket is closed.
 */
#ifndef LABELER_CHECK_PROCESS_H
#define LABELER_CHECK_PROCESS_H

#include <stddef.h>

#define CHECK_PACKET_MAX 65536 /* a longer context is no value of an attribute */
#define CHECK_SAID_MAX   512   /* bytes of what libsepol says that are told */

enum check_answer {
	CHECK_READY = 'r',   /* the policy is loaded; only then is anything asked */
	CHECK_REFUSED = 'f', /* it is not, and the process ends */
	CHECK_VALID = 'v',
	CHECK_UNKNOWN = 'u',
	CHECK_MEMORY = 'm', /* neither, for want of memory */
};

struct check_job {
	int socket;  /* SOCK_SEQPACKET */
	int policy;  /* the policy's file */
	size_t size; /* and its size */
	unsigned ms; /* time on a processor for each packet */
};

/* The whole life of the process; to be called right after fork(2), signals blocked. */
_Noreturn void check_process(const struct check_job *job);

#endif
