// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages between a test and its second process: see remote_message.h.
 */
#include "remote_message.h"

#include <string.h>

#include "harness.h"

bool send_message(int socket, const struct message *message, const int *fds)
{
	const struct iovec vec[] = {
		{ (void *)message, offsetof(struct message, arg) },
		{ (void *)message->arg, message->arg_bytes },
		{ (void *)message->room, message->room_bytes },
	};

	return send_with_fds(socket, vec, ARRAY_SIZE(vec), fds,
			     message->count_fds, 0);
}

int receive_message(int socket, struct message *message, int *fds)
{
	char data[ARG_MAX_BYTES + ROOM_MAX_BYTES];
	const struct iovec vec[] = {
		{ message, offsetof(struct message, arg) },
		{ data, sizeof(data) },
	};
	int received[PASSING_MAX];
	unsigned int count;
	ssize_t got = receive_with_fds(socket, vec, ARRAY_SIZE(vec), received,
				       &count, 0);

	if (got <= 0)
		return got;
	memcpy(message->arg, data, message->arg_bytes);
	memcpy(message->room, data + message->arg_bytes, message->room_bytes);
	if (count)
		memcpy(fds, received, sizeof(int) * count);
	return 1;
}

/* The offset of a field in an argument, or 0 */
static size_t place_of(const struct ioctl_field *field)
{
	return field ? field->offset : 0;
}

size_t fd_place(unsigned long request)
{
	const struct ioctl_entry *entry = ioctl_find(request);

	return entry ? place_of(ioctl_fd_field(entry)) : 0;
}

size_t room_place(unsigned long request)
{
	const struct ioctl_entry *entry = ioctl_find(request);

	return entry ? place_of(ioctl_field(entry, FIELD_ROOM)) : 0;
}

enum file_kind returned_file(unsigned long request)
{
	const struct ioctl_entry *entry = ioctl_find(request);

	return entry ? entry->returns : FILE_NONE;
}

size_t fd_returned_at(const struct message *message)
{
	const struct ioctl_entry *entry = ioctl_find(message->request);
	const struct ioctl_field *field;
	int fd;

	field = entry ? ioctl_field(entry, FIELD_OUT_DMABUF_FD) : NULL;
	if (!field || message->result ||
	    message->arg_bytes < field->offset + field->size)
		return 0;
	memcpy(&fd, message->arg + field->offset, sizeof(fd));
	return fd >= 0 ? field->offset : 0;
}

void patch_int(char *arg, size_t place, int value)
{
	memcpy(arg + place, &value, sizeof(value));
}

int int_at(const char *arg, size_t place)
{
	int value;

	memcpy(&value, arg + place, sizeof(value));
	return value;
}
