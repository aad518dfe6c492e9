// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other ways by which many programs see the pictures of one camera. Each is written to need few
 * instructions. The programs that capture, and the readers of v4l2loopback, count lost frames. The
 * consumers of a daemon cannot lose one: the rings have a place for each buffer.
 *
 * The daemon captures, and tells each consumer the index of the picture by a ring in shared memory
 * and an eventfd. A consumer sleeps in read() of its eventfd. It gives a picture back by a counter
 * in shared memory. The daemon looks at these counters when it gets the next picture, so nobody
 * has to wake it. A consumer that dies keeps its pictures for ever; a daemon for real use has to
 * do more.
 *
 * The same daemon with a futex wakes all consumers with one call. All of them use the same ring.
 *
 * v4l2loopback needs a program that captures and copies each picture into a buffer of its node,
 * from which the readers stream.
 */
#include "crowd.h"
#include "meter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOPBACK "/dev/video100"
#define LOOPBACK_BUFFERS 8

static struct session session;

/* The daemon */

struct consumer {
	int eventfd;
	/* Used by the consumer only */
	unsigned int tail;
	/* Used by the daemon only */
	unsigned int head;
	unsigned int ring[BUFFERS];
};

static struct {
	struct consumer consumers[READERS_MAX];
	/* Number of consumers that have the picture */
	atomic_uint users[BUFFERS];
	/* With a futex: the number of pictures so far, and their indices */
	atomic_uint pictures;
	unsigned int ring[BUFFERS];
} *daemon_memory;
static unsigned int consumers;
static bool with_futex;

static void tell_consumer(struct consumer *consumer, unsigned int index)
{
	const __u64 one = 1;

	consumer->ring[consumer->head++ % BUFFERS] = index;
	must(write(consumer->eventfd, &one, sizeof(one)), "write to an eventfd");
}

static void tell_all(unsigned int index)
{
	const unsigned int pictures = atomic_load(&daemon_memory->pictures);

	daemon_memory->ring[pictures % BUFFERS] = index;
	atomic_store(&daemon_memory->pictures, pictures + 1);
	must(syscall(SYS_futex, &daemon_memory->pictures, FUTEX_WAKE, INT_MAX, NULL, NULL, 0),
	     "FUTEX_WAKE");
}

/* Queues pictures again in the order in which they were passed: an older one delays newer ones */
static void daemon_run(void *data)
{
	unsigned int passed[BUFFERS], head = 0, tail = 0, next = 0, index, i;
	bool more;

	(void)data;
	do {
		index = mmap_take_next(&session);
		crowd_number(&next, session.sequence);
		more = crowd_mark();
		passed[head++ % BUFFERS] = index;
		atomic_store(&daemon_memory->users[index], consumers);
		if (with_futex)
			tell_all(index);
		for (i = 0; i < consumers && !with_futex; i++)
			tell_consumer(&daemon_memory->consumers[i], index);
		while (tail != head &&
		       !atomic_load(&daemon_memory->users[passed[tail % BUFFERS]]))
			mmap_give(&session, passed[tail++ % BUFFERS]);
	} while (more);
}

static void consumer_run(void *data)
{
	struct consumer *consumer = data;
	__u64 count;

	do {
		must(read(consumer->eventfd, &count, sizeof(count)), "read of an eventfd");
		for (; count; count--) {
			const unsigned int index = consumer->ring[consumer->tail++ % BUFFERS];

			atomic_fetch_sub(&daemon_memory->users[index], 1);
		}
	} while (crowd_goes_on());
}

static void futex_run(void *data)
{
	unsigned int seen = 0;

	(void)data;
	do {
		while (atomic_load(&daemon_memory->pictures) == seen)
			syscall(SYS_futex, &daemon_memory->pictures, FUTEX_WAIT, seen, NULL, NULL,
				0);
		for (; seen != atomic_load(&daemon_memory->pictures); seen++) {
			const unsigned int index = daemon_memory->ring[seen % BUFFERS];

			atomic_fetch_sub(&daemon_memory->users[index], 1);
		}
	} while (crowd_goes_on());
}

static void start_daemon(unsigned int count, bool futex)
{
	unsigned int i;

	if (!daemon_memory)
		daemon_memory = shared_memory(sizeof(*daemon_memory));
	memset(daemon_memory, 0, sizeof(*daemon_memory));
	consumers = count;
	with_futex = futex;
	mmap_start(&session);
	set_rate(session.camera, CROWD_RATE);
	for (i = 0; i < count; i++) {
		struct consumer *consumer = &daemon_memory->consumers[i];

		consumer->eventfd = must(eventfd(0, EFD_CLOEXEC), "eventfd");
		crowd_process(futex ? futex_run : consumer_run, consumer);
	}
	crowd_process(daemon_run, NULL);
}

void daemon_start(unsigned int count)
{
	start_daemon(count, false);
}

void futex_start(unsigned int count)
{
	start_daemon(count, true);
}

void daemon_stop(void)
{
	unsigned int i;

	for (i = 0; i < consumers; i++)
		close(daemon_memory->consumers[i].eventfd);
	mmap_stop(&session);
}

/* v4l2loopback */

static struct {
	int writer;
	int readers[READERS_MAX];
	unsigned int count;
	void *map[LOOPBACK_BUFFERS];
} loopback;

bool has_loopback(void)
{
	struct stat status;

	return !stat(LOOPBACK, &status);
}

static void loopback_buffer(int fd, unsigned long request, unsigned int type,
			    struct v4l2_buffer *buffer)
{
	buffer->type = type;
	buffer->memory = V4L2_MEMORY_MMAP;
	must(ioctl(fd, request, buffer), "a buffer of v4l2loopback");
}

static void loopback_writer(void *data)
{
	struct v4l2_buffer buffer = { };
	unsigned int index, next = 0;
	bool more;

	(void)data;
	do {
		index = mmap_take_next(&session);
		crowd_number(&next, session.sequence);
		more = crowd_mark();
		loopback_buffer(loopback.writer, VIDIOC_DQBUF, V4L2_BUF_TYPE_VIDEO_OUTPUT,
				&buffer);
		copy_picture(loopback.map[buffer.index], session.map[index]);
		buffer.bytesused = FRAME_BYTES;
		/* The readers get this time, and no sequence number */
		buffer.timestamp.tv_sec = session.sequence + 1;
		loopback_buffer(loopback.writer, VIDIOC_QBUF, V4L2_BUF_TYPE_VIDEO_OUTPUT,
				&buffer);
		mmap_give(&session, index);
	} while (more);
}

static void loopback_reader(void *data)
{
	const int fd = *(const int *)data;
	struct v4l2_buffer buffer = { };
	unsigned int next = 0;

	do {
		loopback_buffer(fd, VIDIOC_DQBUF, V4L2_BUF_TYPE_VIDEO_CAPTURE, &buffer);
		crowd_number(&next, buffer.timestamp.tv_sec);
		loopback_buffer(fd, VIDIOC_QBUF, V4L2_BUF_TYPE_VIDEO_CAPTURE, &buffer);
	} while (crowd_goes_on());
}

static int loopback_open(unsigned int type)
{
	struct v4l2_requestbuffers request = {
		.count = LOOPBACK_BUFFERS,
		.type = type,
		.memory = V4L2_MEMORY_MMAP,
	};
	struct v4l2_format format = {
		.type = type,
		.fmt.pix = {
			.width = WIDTH,
			.height = HEIGHT,
			.pixelformat = V4L2_PIX_FMT_NV12,
			.field = V4L2_FIELD_NONE,
		},
	};
	int fd = must(open(LOOPBACK, O_RDWR | O_CLOEXEC), LOOPBACK);

	must(ioctl(fd, VIDIOC_S_FMT, &format), "VIDIOC_S_FMT of v4l2loopback");
	if (type == V4L2_BUF_TYPE_VIDEO_OUTPUT)
		must(ioctl(fd, VIDIOC_STREAMON, &type), "VIDIOC_STREAMON of v4l2loopback");
	must(ioctl(fd, VIDIOC_REQBUFS, &request), "VIDIOC_REQBUFS of v4l2loopback");
	return fd;
}

/* Called after the last VIDIOC_REQBUFS of all files, because that ends mappings */
static void loopback_map(void)
{
	unsigned int i;

	for (i = 0; i < LOOPBACK_BUFFERS; i++) {
		struct v4l2_buffer buffer = { .index = i };

		loopback_buffer(loopback.writer, VIDIOC_QUERYBUF, V4L2_BUF_TYPE_VIDEO_OUTPUT,
				&buffer);
		loopback.map[i] = mmap(NULL, FRAME_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
				       loopback.writer, buffer.m.offset);
		if (loopback.map[i] == MAP_FAILED)
			die("mmap of v4l2loopback: %s", strerror(errno));
	}
}

void loopback_start(unsigned int count)
{
	unsigned int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	unsigned int i;

	loopback.count = count;
	loopback.writer = loopback_open(V4L2_BUF_TYPE_VIDEO_OUTPUT);
	for (i = 0; i < count; i++)
		loopback.readers[i] = loopback_open(type);
	loopback_map();
	mmap_start(&session);
	set_rate(session.camera, CROWD_RATE);
	for (i = 0; i < count; i++) {
		must(ioctl(loopback.readers[i], VIDIOC_STREAMON, &type),
		     "VIDIOC_STREAMON of v4l2loopback");
		crowd_process(loopback_reader, &loopback.readers[i]);
	}
	crowd_process(loopback_writer, NULL);
}

void loopback_stop(void)
{
	unsigned int i;

	mmap_stop(&session);
	for (i = 0; i < LOOPBACK_BUFFERS; i++)
		munmap(loopback.map[i], FRAME_BYTES);
	for (i = 0; i < loopback.count; i++)
		close(loopback.readers[i]);
	close(loopback.writer);
}
