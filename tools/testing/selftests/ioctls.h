/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table of all ioctls, made from ioctls.def
 */
#ifndef SELFTESTS_IOCTLS_H
#define SELFTESTS_IOCTLS_H

#include <linux/ksalloc.h>
#include <stdbool.h>
#include <stddef.h>

/* Files that have ioctls, or whose descriptors are in their arguments */
enum file_kind {
	FILE_NONE,
	FILE_DEVICE,
	FILE_CONNECTION,
	FILE_ALLOCATOR,
	FILE_READER,
	FILE_VIDEO,
	FILE_HEAP,
	FILE_DMABUF,
	FILE_EVENTFD,
	FILE_SHARE,
	/* The node of a share. It has ioctls of V4L2 only */
	FILE_NODE,
	FILE_KINDS,
};

enum field_kind {
	FIELD_END,
	FIELD_RESERVED,
	/* In */
	FIELD_VIDEO_FD,
	FIELD_HEAP_FD,
	FIELD_ALLOCATOR_FD,
	FIELD_DMABUF_FD,
	FIELD_EVENTFD,
	FIELD_STATE,
	FIELD_RESET,
	FIELD_INDEX,
	FIELD_PLANE,
	FIELD_EVENT,
	FIELD_EVENT_ID,
	FIELD_DEADLINE,
	FIELD_FRAMING,
	/* A number of descriptors, and a pointer to them. Both are zero without KSALLOC_IMPORT */
	FIELD_DMABUF_COUNT,
	FIELD_DMABUFS,
	FIELD_DEPTH,
	FIELD_EVERY,
	FIELD_GENERATION,
	/* Pointers to frames to give back and to take, and their numbers */
	FIELD_GIVE,
	FIELD_GIVE_COUNT,
	FIELD_TAKE,
	FIELD_TAKE_COUNT,
	FIELD_TAKE_SIZE,
	FIELD_WAIT_FOR,
	/* The size of FIELD_ROOM, if it is not written */
	FIELD_ROOM_BYTES,
	/* A pointer to a buffer for more of the result */
	FIELD_ROOM,
	/* In and out: the size of FIELD_ROOM, which is the next field */
	FIELD_ROOM_SIZE,
	/* Out */
	FIELD_OUT,
	FIELD_OUT_INDEX,
	FIELD_OUT_EVENT_ID,
	FIELD_OUT_DMABUF_FD,
};

/* A part of an argument */
struct ioctl_field {
	enum field_kind kind;
	unsigned int offset, size;
};

struct ioctl_entry {
	const char *name;
	unsigned long request;
	/* Size of the argument, now and in the first version of the ABI */
	unsigned int size, min_size;
	enum file_kind file;
	unsigned int flags;
	enum file_kind returns;
	unsigned int weight;
	/* The last one is FIELD_END. */
	const struct ioctl_field *fields;
};

/* Indexes in the table */
enum {
#define IOCTL(NAME, member, ...) IOCTL_##NAME,
#include "ioctls.def"
#undef IOCTL
	IOCTLS
};

/* The argument of any ioctl */
union ioctl_argument {
	struct {
		__u32 size, flags;
	} head;
#define IOCTL(NAME, member, structure, ...) struct ksalloc_##structure member;
#include "ioctls.def"
#undef IOCTL
};

extern const struct ioctl_entry ioctls[IOCTLS];

#define for_each_ioctl(entry) \
	for ((entry) = ioctls; (entry) < ioctls + IOCTLS; (entry)++)

/* The entry with a number, or NULL */
const struct ioctl_entry *ioctl_find(unsigned long request);
/* Its field of a kind, or NULL */
const struct ioctl_field *ioctl_field(const struct ioctl_entry *entry,
				      enum field_kind kind);
/* Its field with a descriptor, or NULL. No ioctl has two. */
const struct ioctl_field *ioctl_fd_field(const struct ioctl_entry *entry);
/* The kind of file of a field, or FILE_NONE */
enum file_kind field_file(enum field_kind kind);
/* Does the kernel write to fields of this kind? */
bool field_is_out(enum field_kind kind);
bool ioctl_answers(const struct ioctl_entry *entry);

#endif
