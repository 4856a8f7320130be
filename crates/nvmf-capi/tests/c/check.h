/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program, and says where, unless it holds. */
#define CHECK(condition)                                                        \
	do {                                                                    \
		if (!(condition)) {                                             \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,      \
				#condition);                                    \
			exit(1);                                                \
		}                                                               \
	} while (0)

/* Like CHECK, for the errno that a call returns. */
#define RETURNS(expected, call)                                                 \
	do {                                                                    \
		long returned = (call);                                         \
		if (returned != (expected)) {                                   \
			fprintf(stderr, "%s:%d: %s returned %ld, not %ld\n",    \
				__FILE__, __LINE__, #call, returned,            \
				(long)(expected));                              \
			exit(1);                                                \
		}                                                               \
	} while (0)

/* Whether `text` is `expected`; frees it. */
static inline int is(char *text, const char *expected)
{
	int same = text && !strcmp(text, expected);

	if (!same)
		fprintf(stderr, "`%s`, not `%s`\n", text ? text : "NULL", expected);
	free(text);
	return same;
}
