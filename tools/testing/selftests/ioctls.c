// SPDX-License-Identifier: GPL-2.0-only
/*
 * All ioctls: see ioctls.h.
 */
#include "ioctls.h"

#define OFFSET(member, field) offsetof(union ioctl_argument, member.field)
#define SIZE(member, field) sizeof(((union ioctl_argument *)0)->member.field)
#define FIELD(member, what, field) \
	{ FIELD_##what, OFFSET(member, field), SIZE(member, field) },
#define IOCTL(NAME, member, structure, on, until, bits, gives, often, list) \
	[IOCTL_##NAME] = { \
		.name = #NAME, \
		.request = KSALLOC_##NAME, \
		.size = sizeof(struct ksalloc_##structure), \
		.min_size = OFFSET(member, until) + SIZE(member, until), \
		.file = FILE_##on, \
		.flags = (bits), \
		.returns = FILE_##gives, \
		.weight = (often), \
		.fields = (const struct ioctl_field[]){ list { FIELD_END, 0, 0 } }, \
	},

const struct ioctl_entry ioctls[IOCTLS] = {
#include "ioctls.def"
};

const struct ioctl_entry *ioctl_find(unsigned long request)
{
	const struct ioctl_entry *entry;

	for_each_ioctl(entry)
		if (entry->request == request)
			return entry;
	return NULL;
}

const struct ioctl_field *ioctl_field(const struct ioctl_entry *entry,
				      enum field_kind kind)
{
	const struct ioctl_field *field;

	for (field = entry->fields; field->kind != FIELD_END; field++)
		if (field->kind == kind)
			return field;
	return NULL;
}

enum file_kind field_file(enum field_kind kind)
{
	switch (kind) {
	case FIELD_VIDEO_FD:
		return FILE_VIDEO;
	case FIELD_HEAP_FD:
		return FILE_HEAP;
	case FIELD_ALLOCATOR_FD:
		return FILE_ALLOCATOR;
	case FIELD_DMABUF_FD:
		return FILE_DMABUF;
	case FIELD_EVENTFD:
		return FILE_EVENTFD;
	default:
		return FILE_NONE;
	}
}

const struct ioctl_field *ioctl_fd_field(const struct ioctl_entry *entry)
{
	const struct ioctl_field *field;

	for (field = entry->fields; field->kind != FIELD_END; field++)
		if (field_file(field->kind) != FILE_NONE)
			return field;
	return NULL;
}

bool field_is_out(enum field_kind kind)
{
	return kind >= FIELD_ROOM_SIZE;
}

bool ioctl_answers(const struct ioctl_entry *entry)
{
	const struct ioctl_field *field;

	for (field = entry->fields; field->kind != FIELD_END; field++)
		if (field_is_out(field->kind))
			return true;
	return false;
}
