// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads of RGB with libkswin, with a model of a camera. Pictures of V4L2 begin with the top line,
 * those of Windows with the bottom line.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "tap.h"
#include "wincamera.h"
#include "wrap.h"

#define PICTURE (CAMERA_LINE * CAMERA_LINES)

static HANDLE filter, pin;
/* Memory of the client that another thread unmaps as soon as something was copied to it */
static void *unmapped_next;

ssize_t __wrap_process_vm_writev(pid_t pid, const struct iovec *local, unsigned long nr_local,
				 const struct iovec *remote, unsigned long nr_remote,
				 unsigned long flags)
{
	ssize_t copied = __real_process_vm_writev(pid, local, nr_local, remote, nr_remote, flags);

	if (unmapped_next && remote->iov_base == unmapped_next) {
		munmap(unmapped_next, CAMERA_BYTES);
		unmapped_next = NULL;
	}
	return copied;
}

static void open_rgb_pin(bool top_down)
{
	open_all(LIBKS_UDMABUF, &filter, &pin);
	CHECK(CloseHandle(pin));
	camera.rgb = true;
	camera.top_down = top_down;
	camera.data_used = PICTURE;
	pin = open_pin(filter);
}

static bool has_value(const unsigned char *data, ULONG bytes, int value)
{
	ULONG i;

	for (i = 0; i < bytes && data[i] == value; i++)
		;
	return i == bytes;
}

/* The first picture, with one of its ends first */
static bool has_lines(const unsigned char *data, bool top_down)
{
	int i, last = CAMERA_LINES - 1;

	for (i = 0; i <= last; i++)
		if (!has_value(data + i * CAMERA_LINE, CAMERA_LINE, top_down ? i : last - i))
			return false;
	return true;
}

static void check_memory(bool top_down)
{
	unsigned char data[CAMERA_BYTES];
	KSSTREAM_HEADER header = {
		.Size = sizeof(header), .Data = data, .FrameExtent = sizeof(data),
	};
	OVERLAPPED overlapped = { 0 };

	memset(data, 0x5a, sizeof(data));
	open_rgb_pin(top_down);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(begin_read(pin, &header, sizeof(header), &overlapped), ERROR_IO_PENDING);
	camera_fill();
	CHECK_EQ(end_read(pin, &overlapped, TRUE), 0);
	CHECK_EQ(header.DataUsed, PICTURE);
	CHECK(has_lines(data, top_down));
	CHECK(has_value(data + PICTURE, sizeof(data) - PICTURE, 0x5a));
	/* Others can read the frame of the library, so it stays as it is */
	CHECK_EQ(camera.began, DMA_BUF_SYNC_READ);
	CHECK_EQ(camera.ended, DMA_BUF_SYNC_READ);
	close_all(filter, pin);
}

/* J2: a picture in memory of the client begins with the line that the format says. */
static void test_memory(void)
{
	check_memory(false);
	check_memory(true);
}

/* Memory that the client unmaps meanwhile is an error of the read. */
static void test_unmapped(void)
{
	void *data = mmap(NULL, CAMERA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	KSSTREAM_HEADER header = {
		.Size = sizeof(header), .Data = data, .FrameExtent = CAMERA_BYTES,
	};
	OVERLAPPED overlapped = { 0 };

	open_rgb_pin(false);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(begin_read(pin, &header, sizeof(header), &overlapped), ERROR_IO_PENDING);
	unmapped_next = data;
	camera_fill();
	CHECK_EQ(end_read(pin, &overlapped, TRUE), ERROR_NOACCESS);
	CHECK(!unmapped_next);
	close_all(filter, pin);
}

static void check_frame(bool top_down)
{
	KSSTREAM_HEADER header = { .Size = sizeof(header), .FrameExtent = CAMERA_BYTES };
	__u64 access = top_down ? DMA_BUF_SYNC_READ : DMA_BUF_SYNC_RW;
	OVERLAPPED overlapped = { 0 };
	HANDLE allocator;

	open_rgb_pin(top_down);
	allocator = open_allocator(pin);
	CHECK_EQ(allocate(allocator, &header.Data, NULL), 0);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(begin_read(pin, &header, sizeof(header), &overlapped), ERROR_IO_PENDING);
	camera_fill();
	CHECK_EQ(end_read(pin, &overlapped, TRUE), 0);
	CHECK(has_lines(header.Data, top_down));
	CHECK_EQ(camera.began, access);
	CHECK_EQ(camera.ended, 0);
	CHECK_EQ(free_frame(allocator, header.Data), 0);
	CHECK_EQ(camera.ended, access);
	CHECK(CloseHandle(allocator));
	close_all(filter, pin);
}

/* The same in a frame of an allocator. Swapping its lines is an access for writing, too. */
static void test_frame(void)
{
	check_frame(false);
	check_frame(true);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "lines in memory of the client", test_memory },
		{ "memory that is unmapped during the copy", test_unmapped },
		{ "lines in a frame", test_frame },
	};

	alarm(PATIENCE_S);
	return tap_run(tests, ARRAY_SIZE(tests));
}
