/* SPDX-License-Identifier: GPL-2.0-only */
/* Kinds of output. */
#ifndef KIND_H
#define KIND_H

enum output_kind {
	OUTPUT_NONE,
	OUTPUT_RAW,
	OUTPUT_PNG,
	OUTPUT_Y4M,
	OUTPUT_JPEG,
};

const char *output_kind_name(enum output_kind kind);
/* Finds a kind by its name; OUTPUT_NONE if there is none */
enum output_kind output_kind_find(const char *name);

#endif /* KIND_H */
