/* SPDX-License-Identifier: GPL-2.0-only */
/* What the name of a file asks for. */
#ifndef ENDING_H
#define ENDING_H

#include <stdbool.h>

#include <linux/types.h>

#include "kind.h"

/**
 * struct ending - what the end of a file's name means
 * @kind: the kind of output
 * @fourcc: the pixel format of raw frames; 0 for any
 */
struct ending {
	enum output_kind kind;
	__u32 fourcc;
};

/* What comes after the last dot of the file's own name; NULL where that is nothing */
const char *ending_of(const char *name);

/* False where the end of the name is of something else */
bool ending_find(const char *name, struct ending *ending);
/* Says what is wrong with the end of a name, and what to write instead */
void ending_explain(const char *name);

/* Whether the name is one of stdout's */
bool name_is_stdout(const char *name);

#endif /* ENDING_H */
