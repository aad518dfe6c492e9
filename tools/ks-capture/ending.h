/* SPDX-License-Identifier: GPL-2.0-only */
/* File name suffixes. */
#ifndef ENDING_H
#define ENDING_H

#include <stdbool.h>

#include <linux/types.h>

#include "kind.h"

/**
 * struct ending - the meaning of a file name suffix
 * @kind: the kind of output
 * @fourcc: the pixel format of raw frames; 0 for any
 */
struct ending {
	enum output_kind kind;
	__u32 fourcc;
};

/* The text after the last dot of the file name; NULL if there is none */
const char *ending_of(const char *name);

/* False if the suffix is for another kind of file */
bool ending_find(const char *name, struct ending *ending);
/* Prints what is wrong with the suffix of a name, and which one to use */
void ending_explain(const char *name);

/* Whether the name means stdout */
bool name_is_stdout(const char *name);

#endif /* ENDING_H */
