// SPDX-License-Identifier: GPL-2.0-only
/* Writing of data to files, from any kind of memory. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "ending.h"
#include "say.h"
#include "write.h"

/* Removes written data from the front of a vector */
static void advance(struct iovec **vector, int *count, size_t done)
{
	for (; *count && done >= (*vector)->iov_len; (*vector)++, (*count)--)
		done -= (*vector)->iov_len;
	if (*count) {
		(*vector)->iov_base = (char *)(*vector)->iov_base + done;
		(*vector)->iov_len -= done;
	}
}

/*
 * Some file systems (9p, or anything opened for direct I/O) pin the pages of the writer.
 * Pages of a dma-buf cannot be pinned, and the call fails with EFAULT. Then the data are
 * copied first, in pieces.
 */
static ssize_t write_copy(int fd, const struct iovec *piece)
{
	static char copy[1 << 16];
	size_t size = piece->iov_len < sizeof(copy) ? piece->iov_len : sizeof(copy);

	memcpy(copy, piece->iov_base, size);
	return write(fd, copy, size);
}

/*
 * Direct I/O needs whole blocks in aligned memory, which frames are not. The parent process
 * has opened stdout for direct I/O.
 */
static bool leave_direct(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && flags & O_DIRECT && !fcntl(fd, F_SETFL, flags & ~O_DIRECT);
}

/* For a pipe that another process has made non-blocking */
static bool wait_for_room(int fd)
{
	struct pollfd file = { .fd = fd, .events = POLLOUT };

	return poll(&file, 1, -1) >= 0 || errno == EINTR;
}

/* Writes all data, with as many calls as needed; changes the vector */
int write_vector(int fd, struct iovec *vector, int count)
{
	ssize_t done;

	while (count) {
		done = writev(fd, vector, count);
		if (done < 0 && errno == EFAULT)
			done = write_copy(fd, vector);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EINVAL && leave_direct(fd))
			continue;
		if (done < 0 && errno == EAGAIN && wait_for_room(fd))
			continue;
		if (done < 0)
			return -errno;
		advance(&vector, &count, done);
	}
	return 0;
}

int write_all(int fd, const void *data, size_t size)
{
	struct iovec vector = { (void *)data, size };

	return write_vector(fd, &vector, size ? 1 : 0);
}

static void advise(const char *path, const char *what, int err)
{
	say_error("cannot %s %s: %s", what, path, strerror(err));
	if (err == ENOENT || err == ENOTDIR)
		say_advice("Its directory does not exist: mkdir creates one.");
	else if (err == ENOSPC || err == EDQUOT)
		say_advice("The disk is full.");
	else
		say_advice("Choose another name or directory.");
}

FILE *write_open(const char *path)
{
	int copy = name_is_stdout(path) ? dup(STDOUT_FILENO) : -1;
	FILE *file = copy < 0 ? fopen(path, "we") : fdopen(copy, "w");

	if (!file)
		advise(path, "open", errno);
	return file;
}

int write_close(FILE *file, const char *path)
{
	int err = ferror(file) ? EIO : 0;

	if (fclose(file))
		err = errno;
	if (err)
		advise(path, "write", err);
	return -err;
}
