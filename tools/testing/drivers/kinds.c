// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kinds of drivers, simulated by ksalloc-test-video: what works with each, and what ks-capture
 * prints if a driver cannot be used.
 */
#include "../selftests/probe.h"
#include "try.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DRIVER "ksalloc-test"

/* After so many calls, VIDIOC_REQBUFS of some kinds makes one buffer only. "-1": never */
#define FEW_AFTER "/sys/module/ksalloc_test_video/parameters/few_after"

FIXTURE(kinds) {
	char said[8192];
};

FIXTURE_SETUP(kinds)
{
	(void)self;
	repair_machine();
	load_module("ksalloc_test_video");
	/* A test that was ended by a timeout has left it */
	write_text(FEW_AFTER, "-1");
}

FIXTURE_TEARDOWN(kinds)
{
	(void)self;
	write_text(FEW_AFTER, "-1");
}

static void expect_outcome(const char *kind, const char *what, const char *expected)
{
	char name[64], outcome[OUTCOME];
	int video;

	snprintf(name, sizeof(name), DRIVER "-%s", kind);
	video = open_node(name, O_RDWR);
	try_node(video, outcome);
	close(video);
	EXPECT_STREQ(expected, outcome);
	tell_row("(simulated)", what, outcome);
}

/* Captures with ks-capture; returns its status */
static int capture(const char *kind, char *said, size_t size)
{
	char name[64], arguments[128];

	snprintf(name, sizeof(name), DRIVER "-%s", kind);
	snprintf(arguments, sizeof(arguments), "-d %s -n 2 -o /tmp/frames.raw",
		 node_path(name));
	return run_capture(arguments, said, size);
}

/* The arguments for a capture with this memory */
static const char *with_memory(const char *kind, const char *memory)
{
	static char arguments[128];
	char name[64];

	snprintf(name, sizeof(name), DRIVER "-%s", kind);
	snprintf(arguments, sizeof(arguments), "-d %s -n 2 -H %s", node_path(name), memory);
	return arguments;
}

/* The reason in the list of ks-capture why a node is not usable; "" if there is none */
static const char *reason_in_list(const char *said, const char *kind)
{
	static char line[256];
	char name[64];
	const char *at;

	snprintf(name, sizeof(name), " " DRIVER "-%s (", kind);
	at = strstr(said, name);
	if (!EXPECT_TRUE(at))
		return "";
	at = strchr(at, '\n');
	snprintf(line, sizeof(line), "%s", at ? at + 1 : "");
	line[strcspn(line, "\n")] = '\0';
	return strstr(line, "not usable") ? line : "";
}

/* A driver without any restriction, for comparison */
TEST_F(kinds, plain)
{
	expect_outcome("plain", "nothing special", frames_in_all());
	EXPECT_EQ(0, capture("plain", self->said, sizeof(self->said)));
}

/* A driver that does not set vdev->queue, and is not uvcvideo */
TEST_F(kinds, no_queue)
{
	expect_outcome("no-queue", "does not set vdev->queue", frames_in_all());
	EXPECT_EQ(0, capture("no-queue", self->said, sizeof(self->said)));
}

/* A connection to a driver of some kind, with an allocator of two imported dma-bufs */
struct two_frames {
	int video, ksalloc, connection, dmabufs[2], allocator;
};

static void two_frames_open(struct two_frames *two, const char *kind)
{
	struct ksallocator_framing framing = {};
	char name[64];
	int i;

	snprintf(name, sizeof(name), DRIVER "-%s", kind);
	two->video = open_node(name, O_RDWR);
	two->ksalloc = open_ksalloc();
	two->connection = do_connect(two->ksalloc, two->video);
	ASSERT_LE(0, two->connection);
	ASSERT_EQ(0, get_framing(two->connection, &framing));
	for (i = 0; i < 2; i++)
		two->dmabufs[i] = from_udmabuf(whole_pages(framing.frame_size));
	two->allocator = import_dmabufs(two->connection, two->dmabufs, 2);
	ASSERT_LE(0, two->allocator);
	ASSERT_EQ(0, set_allocator(two->connection, two->allocator));
}

static void two_frames_close(struct two_frames *two)
{
	int i;

	for (i = 0; i < 2; i++)
		close(two->dmabufs[i]);
	close(two->allocator);
	close(two->connection);
	close(two->ksalloc);
	close(two->video);
}

/*
 * I1: a driver without VIDIOC_PREPARE_BUF, as uvcvideo before 6.17, maps each frame in ACQUIRE, and
 * none later.
 */
TEST_F(kinds, no_prepare_maps_once)
{
	struct two_frames two;
	int before, i;

	(void)self;
	two_frames_open(&two, "no-queue");
	if (!probe_maps_begin())
		SKIP("the kernel does not count calls");
	ASSERT_EQ(0, set_state(two.connection, KSSTATE_ACQUIRE));
	before = probe_maps_count();
	EXPECT_LE(2, before);
	ASSERT_EQ(0, set_state(two.connection, KSSTATE_RUN));
	for (i = 0; i < 6; i++) {
		if (i < 2)
			ASSERT_EQ(i, alloc_now(two.allocator));
		ASSERT_EQ(0, submit_fd(two.connection, i % 2, i % 3 ? -1 : two.dmabufs[i % 2]));
		ASSERT_EQ(i % 2, complete(two.connection, 0, in_ms(PATIENCE_MS), NULL));
	}
	EXPECT_EQ(before, probe_maps_count());
	probe_maps_end();
	two_frames_close(&two);
}

/* A driver that allows one open file: EBUSY, because a connection has a file of its own. */
TEST_F(kinds, once)
{
	expect_outcome("once", "can be opened once", "EBUSY in CONNECT");
	EXPECT_EQ(3, capture("once", self->said, sizeof(self->said)));
	expect_said(self->said, "allows only one open file");
	expect_said(self->said, "--list");
}

/* The same node, while another program has it open. */
TEST_F(kinds, once_in_use)
{
	int video = open_node(DRIVER "-once", O_RDWR);

	EXPECT_EQ(3, capture("once", self->said, sizeof(self->said)));
	expect_said(self->said, "cannot open");
	expect_said(self->said, "has it open");
	expect_said(self->said, "allows only one open file");
	close(video);
}

/* A driver that cannot import memory: its own memory can be used. */
TEST_F(kinds, no_import)
{
	expect_outcome("no-import", "cannot import memory", "frames in own memory");
	EXPECT_EQ(0, capture("no-import", self->said, sizeof(self->said)));
	expect_said(self->said, "own memory");
	EXPECT_EQ(3, run_capture(with_memory("no-import", "udmabuf"), self->said,
				 sizeof(self->said)));
	expect_said(self->said, "/dev/udmabuf: its driver cannot import memory");
}

/* The same without vdev->queue */
TEST_F(kinds, no_queue_no_import)
{
	expect_outcome("no-queue-no-import", "cannot import memory, no vdev->queue",
		       "frames in own memory");
	EXPECT_EQ(0, capture("no-queue-no-import", self->said, sizeof(self->said)));
}

/*
 * I4: a driver that keeps its queue in VIDIOC_STREAMOFF while it does not stream, as omap4iss.
 * Frames that it has queued in PAUSE become free, too, and it can be used again.
 */
TEST_F(kinds, keeps_queue)
{
	struct two_frames two;
	int index[2], i;

	two_frames_open(&two, "keeps-queue");
	EXPECT_EQ(0, capture("keeps-queue", self->said, sizeof(self->said)));
	ASSERT_EQ(0, set_state(two.connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, alloc_now(two.allocator));
	ASSERT_EQ(0, submit(two.connection, 0));
	EXPECT_EQ(0, set_state(two.connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(0, in_device(two.allocator));
	ASSERT_EQ(0, set_state(two.connection, KSSTATE_RUN));
	for (i = 0; i < 2; i++) {
		index[i] = alloc_now(two.allocator);
		ASSERT_LE(0, index[i]);
		ASSERT_EQ(0, submit(two.connection, index[i]));
	}
	for (i = 0; i < 2; i++)
		EXPECT_EQ(index[i], complete(two.connection, 0, in_ms(PATIENCE_MS), NULL));
	two_frames_close(&two);
}

/* A camera in STOP fills the two frames of this allocator. */
static void expect_two_filled(int connection, int allocator)
{
	int i;

	ASSERT_EQ(0, set_allocator(connection, allocator));
	ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(i, alloc_now(allocator));
		ASSERT_EQ(0, submit(connection, i));
	}
	for (i = 0; i < 2; i++)
		EXPECT_EQ(i, complete(connection, 0, in_ms(PATIENCE_MS), NULL));
	ASSERT_EQ(0, set_state(connection, KSSTATE_STOP));
}

/*
 * I1, I4: such a driver has no memory for all buffers when they are made again. Its frames become
 * free, too. No frame can be queued, and the stream does not begin, before STOP and ACQUIRE.
 */
TEST_F(kinds, keeps_queue_without_memory)
{
	struct two_frames two;
	int own, i;

	(void)self;
	two_frames_open(&two, "keeps-queue");
	/* In ACQUIRE, the buffers are made again, too: frames are queued to be mapped */
	ASSERT_EQ(0, write_text(FEW_AFTER, "1"));
	EXPECT_EQ(-ENOMEM, set_state(two.connection, KSSTATE_ACQUIRE));
	ASSERT_EQ(0, write_text(FEW_AFTER, "-1"));

	ASSERT_EQ(0, set_state(two.connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, alloc_now(two.allocator));
	ASSERT_EQ(0, submit(two.connection, 0));
	ASSERT_EQ(0, write_text(FEW_AFTER, "0"));
	EXPECT_EQ(0, set_state(two.connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(0, in_device(two.allocator));
	ASSERT_EQ(0, write_text(FEW_AFTER, "-1"));
	ASSERT_EQ(0, set_state(two.connection, KSSTATE_PAUSE));
	for (i = 0; i < 2; i++)
		ASSERT_LE(0, alloc_now(two.allocator));
	/* There is a buffer for the first frame, but not for the second one */
	for (i = 0; i < 2; i++)
		EXPECT_EQ(-ENOMEM, submit(two.connection, i));
	EXPECT_EQ(-ENOMEM, set_state(two.connection, KSSTATE_RUN));
	EXPECT_EQ(KSSTATE_PAUSE, get_state(two.connection));

	ASSERT_EQ(0, set_state(two.connection, KSSTATE_STOP));
	own = create_own(two.connection, 2, 0);
	ASSERT_LE(0, own);
	expect_two_filled(two.connection, own);
	close(own);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, free_frame(two.allocator, i));
	expect_two_filled(two.connection, two.allocator);
	two_frames_close(&two);
}

/* A driver that exports nothing: other memory can be used, and its own is refused. */
TEST_F(kinds, no_export)
{
	expect_outcome("no-export", "cannot export memory",
		       usual_memory() ? "frames in heap memory" : "EOPNOTSUPP in CREATE");
	EXPECT_EQ(0, capture("no-export", self->said, sizeof(self->said)));
	EXPECT_FALSE(strstr(self->said, "own memory"));
	EXPECT_EQ(3, run_capture(with_memory("no-export", "device"), self->said,
				 sizeof(self->said)));
	expect_said(self->said, "its own memory: its driver cannot export it");
}

/* A driver that can neither import nor export memory cannot be used. */
TEST_F(kinds, no_dmabuf)
{
	expect_outcome("no-dmabuf", "can neither import nor export memory",
		       "EOPNOTSUPP in CREATE");
	EXPECT_EQ(3, capture("no-dmabuf", self->said, sizeof(self->said)));
	expect_said(self->said, "can neither import nor export memory");
	EXPECT_FALSE(strstr(self->said, "-H"));
}

/* The same without vdev->queue: only a request shows that the driver cannot import */
TEST_F(kinds, no_queue_no_dmabuf)
{
	expect_outcome("no-queue-no-dmabuf", "can neither import nor export memory, no vdev->queue",
		       usual_memory() ? "EOPNOTSUPP in ACQUIRE" : "EOPNOTSUPP in CREATE");
	EXPECT_EQ(3, capture("no-queue-no-dmabuf", self->said, sizeof(self->said)));
	expect_said(self->said, "can neither import nor export memory");
	EXPECT_FALSE(strstr(self->said, "CMA"));
}

/* A driver that supports only read() */
TEST_F(kinds, read_only)
{
	expect_outcome("read", "supports only read()", "EOPNOTSUPP in CONNECT");
	EXPECT_EQ(3, capture("read", self->said, sizeof(self->said)));
	expect_said(self->said, "does not support streaming I/O");
}

/* A pipeline of a media controller whose formats differ */
TEST_F(kinds, epipe)
{
	expect_outcome("epipe", "formats of the pipeline differ", "EPIPE in RUN");
	EXPECT_EQ(3, capture("epipe", self->said, sizeof(self->said)));
	expect_said(self->said, "have different formats or sizes, or a link is missing");
	expect_said(self->said, "media-ctl");
}

/* A pipeline without a link to a camera */
TEST_F(kinds, enolink)
{
	expect_outcome("enolink", "link of the pipeline is missing", "ENOLINK in RUN");
	EXPECT_EQ(3, capture("enolink", self->said, sizeof(self->said)));
	expect_said(self->said, "No camera is linked to this node");
	expect_said(self->said, "media-ctl");
}

/*
 * A device that sends more than a picture, or a driver that writes all of a buffer: it leaves
 * the rest of a dma-buf alone that is larger than the frame.
 */
TEST_F(kinds, rest_of_dmabuf)
{
	int video = open_node(DRIVER "-fills-all", O_RDWR), ksalloc = open_ksalloc();
	int connection = do_connect(ksalloc, video), dmabufs[2], allocator, index, i;
	struct ksallocator_framing framing = {};
	const unsigned char *map;
	__u32 bytes, at;

	(void)self;
	ASSERT_LE(0, connection);
	ASSERT_EQ(0, get_framing(connection, &framing));
	bytes = whole_pages(framing.frame_size);
	for (i = 0; i < 2; i++)
		dmabufs[i] = from_udmabuf(2 * bytes);
	allocator = import_dmabufs(connection, dmabufs, 2);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, set_allocator(connection, allocator));
	ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
	/* By the kernel thread, and with a descriptor */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(i, alloc_now(allocator));
		ASSERT_EQ(0, i ? submit(connection, i) : submit_fd(connection, i, dmabufs[i]));
	}
	for (i = 0; i < 2; i++) {
		index = complete(connection, 0, in_ms(PATIENCE_MS), NULL);
		ASSERT_LE(0, index);
		map = map_frame(dmabufs[index], 2 * bytes, PROT_READ);
		EXPECT_EQ(0xff, map[framing.frame_size - 1]);
		for (at = bytes; at < 2 * bytes && !map[at]; at++)
			;
		EXPECT_EQ(2 * bytes, at);
		munmap((void *)map, 2 * bytes);
		close(dmabufs[index]);
	}
	close(allocator);
	close(connection);
	close(ksalloc);
	close(video);
}

/* The list has a reason for each node that cannot be used, and for no other node. */
TEST_F(kinds, list)
{
	static const char * const usable[] = {
		"plain", "no-queue", "no-import", "no-queue-no-import", "no-export",
	};
	static const struct {
		const char *kind;
		const char *reason;
	} refused[] = {
		{ "once", "allows only one open file" },
		{ "no-dmabuf", "can neither import nor export" },
		{ "no-queue-no-dmabuf", "can neither import nor export" },
		{ "read", "does not support streaming" },
	};
	unsigned int i;

	EXPECT_EQ(0, run_capture("--list", self->said, sizeof(self->said)));
	for (i = 0; i < ARRAY_SIZE(usable); i++)
		EXPECT_STREQ("", reason_in_list(self->said, usable[i]));
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		expect_said(reason_in_list(self->said, refused[i].kind), refused[i].reason);
}

/*
 * I2: the last frame has ENDOFSTREAM. After it, KSALLOC_COMPLETE fails with EPIPE, also a call that
 * has begun before, and one while no frame is submitted.
 */
TEST_F(kinds, stream_ends)
{
	struct ksalloc_complete frames[3];
	unsigned int last = 0, failed = 0;
	struct two_frames two;
	struct call calls[3];
	int result, i;

	(void)self;
	two_frames_open(&two, "ends");
	ASSERT_EQ(0, set_state(two.connection, KSSTATE_RUN));
	for (i = 0; i < 3; i++) {
		start_complete(&calls[i], &frames[i], two.connection);
		ASSERT_TRUE(call_waits(&calls[i]));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(i, alloc_now(two.allocator));
		ASSERT_EQ(0, submit(two.connection, i));
	}
	for (i = 0; i < 3; i++) {
		result = call_result(&calls[i]);
		EXPECT_TRUE(!result || result == -EPIPE);
		failed += result == -EPIPE;
		last += !result && (frames[i].header.options_flags &
				    KSSTREAM_HEADER_OPTIONSF_ENDOFSTREAM);
	}
	EXPECT_EQ(1, failed);
	EXPECT_EQ(1, last);
	EXPECT_EQ(-EPIPE, complete(two.connection, 0, in_ms(PATIENCE_MS), &frames[0]));
	EXPECT_TRUE(poll_fd(two.connection, POLLIN, 0) & POLLIN);
	two_frames_close(&two);
}

/*
 * I6: when a node is unregistered, a call that waits for a frame ends, even if the driver does
 * nothing more.
 */
TEST_F(kinds, unregistered_while_waiting)
{
	struct ksalloc_complete frame;
	struct two_frames two;
	struct call call;
	int i;

	(void)self;
	two_frames_open(&two, "two-frames");
	ASSERT_EQ(0, set_state(two.connection, KSSTATE_RUN));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(i, alloc_now(two.allocator));
		ASSERT_EQ(0, submit(two.connection, i));
		ASSERT_EQ(i, complete(two.connection, 0, in_ms(PATIENCE_MS), NULL));
	}
	/* The camera does not fill this one */
	ASSERT_EQ(0, submit(two.connection, 0));
	start_complete(&call, &frame, two.connection);
	ASSERT_TRUE(call_waits(&call));
	ASSERT_EQ(0, write_text("/sys/module/ksalloc_test_video/parameters/unregister",
				"two-frames"));
	EXPECT_EQ(-ENODEV, call_result(&call));
	two_frames_close(&two);
	/* The next test loads it with all nodes */
	remove_module("ksalloc_test_video");
}
