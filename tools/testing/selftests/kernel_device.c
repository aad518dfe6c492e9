// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices of other drivers, with a test module, with and without their own memory; and
 * kernel-mode clients of that memory.
 */
#include "kernel.h"

#include <ksalloc-test-device.h>
#include <sys/mman.h>

#define DEVICE_NODE "/dev/ksalloc-test-device"

/* The test device, a connection to it, and a kernel-mode client that is not attached yet */
FIXTURE(device) {
	struct rig rig;
	int device;
	int connection;
	int client;
	struct ksallocator_framing own;
};

#define DEVICE_FRAME_SIZE 5000

static int device_connect(int device, unsigned int memory)
{
	struct device_connect arg = {
		.memory = memory,
		.frame_size = DEVICE_FRAME_SIZE,
	};

	return call_fd(device, DEVICE_CONNECT, &arg);
}

static struct device_counts device_counts(int device)
{
	struct device_counts counts = { 0 };

	ASSERT_EQ(0, call_fd(device, DEVICE_COUNTS, &counts));
	return counts;
}

FIXTURE_SETUP(device)
{
	rig_open(&self->rig, 0, 320, 180);
	ASSERT_EQ(0, system("modprobe ksalloc-test-client && modprobe ksalloc-test-device"));
	self->client = open_sample(CLIENT_DEVICE);
	self->device = open_sample(DEVICE_NODE);
	self->connection = device_connect(self->device, DEVICE_MEMORY_DMABUF);
	ASSERT_LE(0, self->connection);
	self->own = (struct ksallocator_framing){ .frames = FRAMES };
}

FIXTURE_TEARDOWN(device)
{
	struct device_counts counts;

	if (self->client > 0)
		close(self->client);
	if (self->connection > 0)
		close(self->connection);
	rig_close(&self->rig);
	if (self->device > 0) {
		/* Checks that all operations of the memory were called in pairs. */
		EXPECT_TRUE(EVENTUALLY(device_counts(self->device).buffers == 0));
		counts = device_counts(self->device);
		EXPECT_EQ(counts.initialized, counts.deleted);
		EXPECT_EQ(counts.allocated, counts.freed);
		close(self->device);
	}
	close_all();
	expect_unload("ksalloc_test_device");
	expect_unload("ksalloc_test_client");
}

/* F2, D3: a device of another driver has its own framing. */
TEST_F(device, framing)
{
	struct ksallocator_framing framing;

	ASSERT_EQ(0, get_framing(self->connection, &framing));
	EXPECT_EQ(DEVICE_FRAME_SIZE, framing.frame_size);
	EXPECT_EQ(2, framing.frames);
	EXPECT_EQ(KSSTATE_STOP, get_state(self->connection));
}

/* Streams through a connection: each frame contains its own number */
static void expect_stream(int connection, int allocator, int frames)
{
	__u32 *map[KSALLOC_MAX_FRAMES];
	int i, index, expected;

	ASSERT_EQ(0, set_allocator(connection, allocator));
	ASSERT_EQ(0, set_state(connection, KSSTATE_PAUSE));
	for (i = 0; i < frames; i++) {
		int dmabuf = export_frame(allocator, i);

		map[i] = map_frame(dmabuf, 4096, PROT_READ);
		close(dmabuf);
		index = alloc_now(allocator);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, submit(connection, index));
	}
	ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
	for (i = 0; i < 3 * frames; i++) {
		struct ksalloc_complete out;

		ASSERT_EQ(POLLIN, poll_fd(connection, POLLIN, PATIENCE_MS));
		index = complete(connection, 0, in_ms(PATIENCE_MS), &out);
		ASSERT_LE(0, index);
		if (!i)
			expected = out.sequence;
		EXPECT_EQ(expected + i, (int)out.sequence);
		EXPECT_EQ(out.sequence, read_word(map[index]));
		EXPECT_EQ(4, out.header.data_used);
		ASSERT_EQ(0, submit(connection, index));
	}
	ASSERT_EQ(0, set_state(connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(allocator));
	ASSERT_EQ(0, set_allocator(connection, -1));
	for (i = 0; i < frames; i++)
		munmap(map[i], 4096);
}

/* A9, F2: an allocator of the device's own memory. The device recognizes it, and streams. */
TEST_F(device, own_memory)
{
	struct device_counts before = device_counts(self->device), after;
	struct ksalloc_status status = { 0 };
	int allocator;

	allocator = create_framed(self->connection, -1, &self->own);
	ASSERT_LE(0, allocator);
	after = device_counts(self->device);
	EXPECT_EQ(before.initialized + 1, after.initialized);
	EXPECT_EQ(before.allocated + FRAMES, after.allocated);
	ASSERT_EQ(0, get_status(allocator, &status));
	EXPECT_EQ(whole_pages(DEVICE_FRAME_SIZE), status.frame_bytes);
	EXPECT_EQ(DEVICE_FRAME_SIZE, status.status.framing.frame_size);
	EXPECT_EQ(0, status.status.framing.options_flags);
	expect_stream(self->connection, allocator, FRAMES);
	EXPECT_EQ(after.recognized + 1, device_counts(self->device).recognized);
	close(allocator);
	after = device_counts(self->device);
	EXPECT_EQ(before.freed + FRAMES, after.freed);
	EXPECT_EQ(before.deleted + 1, after.deleted);
}

/* A9, G1: the same device can use frames of a heap, and memory of other devices. */
TEST_F(device, heap_memory)
{
	struct ksallocator_framing framing = {
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.frames = FRAMES,
	};
	int allocator = create_framed(self->connection, self->rig.heap,
				      &framing);

	need_heap();
	ASSERT_LE(0, allocator);
	expect_stream(self->connection, allocator, FRAMES);
	EXPECT_EQ(0, device_counts(self->device).recognized);
	close(allocator);
}

/* G1, H6: a device's own memory can be used with a camera too, if its framing fits. */
TEST_F(device, own_memory_for_a_camera)
{
	struct ksalloc_complete out;
	int allocator, i;

	self->own.frame_size = self->rig.framing.frame_size;
	allocator = create_framed(self->connection, -1, &self->own);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, set_allocator(self->rig.connection, allocator));
	self->rig.allocator = allocator;
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	rig_submit_all(&self->rig);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	for (i = 0; i < 2 * FRAMES; i++)
		rig_turn(&self->rig, &out);
	EXPECT_EQ(self->rig.framing.frame_size, out.header.data_used);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
}

/*
 * A9: a heap where the device's own memory is requested, or no heap where one is needed:
 * EINVAL.
 */
TEST_F(device, heap_or_not)
{
	struct ksallocator_framing system = {
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.frames = FRAMES,
	};

	need_heap();
	EXPECT_EQ(-EINVAL, create_framed(self->connection, self->rig.heap,
					 &self->own));
	EXPECT_EQ(-EBADF, create_framed(self->connection, -1, &system));
}

/* A9: a device without its own memory: EOPNOTSUPP. */
TEST_F(device, no_memory)
{
	int bare = device_connect(self->device, DEVICE_MEMORY_NONE);

	ASSERT_LE(0, bare);
	EXPECT_EQ(-EOPNOTSUPP, create_framed(bare, -1, &self->own));
	EXPECT_EQ(-EOPNOTSUPP, client_create(self->client, bare, -1,
					     &self->own));
	close(bare);
}

/*
 * B7, F2: the allocator outlives its connection, the module stays loaded until then, and
 * the memory is freed with the last of both.
 */
TEST_F(device, allocator_outlives_connection)
{
	int allocator = create_framed(self->connection, -1, &self->own);
	int dmabuf, index;

	ASSERT_LE(0, allocator);
	close(self->connection);
	close(self->device);
	self->connection = 0;
	EXPECT_LT(0, module_refs("ksalloc_test_device"));
	EXPECT_EQ(-EWOULDBLOCK, unload("ksalloc_test_device"));
	index = alloc_now(allocator);
	EXPECT_LE(0, index);
	dmabuf = export_frame(allocator, index);
	ASSERT_LE(0, dmabuf);
	EXPECT_EQ(0, free_frame(allocator, index));
	close(allocator);
	EXPECT_EQ(-EWOULDBLOCK, unload("ksalloc_test_device"));
	close(dmabuf);
	self->device = open_sample(DEVICE_NODE);
}

/* F2, A4: an error of each operation is passed on, and all earlier steps are undone. */
TEST_F(device, callbacks_fail)
{
	static const int errors[] = { -ENOMEM, -EIO, -ENOSPC, -EREMOTEIO };
	int i;

	for (i = -1; i < FRAMES; i++) {
		struct device_connect arg = {
			.memory = DEVICE_MEMORY_DMABUF,
			.frame_size = DEVICE_FRAME_SIZE,
			.failure = i < 0 ? DEVICE_FAILS_INITIALIZE :
				   DEVICE_FAILS_ALLOC,
			.fail_at = i,
			.error = errors[(i + 1) % ARRAY_SIZE(errors)],
		};
		struct device_counts before = device_counts(self->device), after;
		int failing = call_fd(self->device, DEVICE_CONNECT, &arg), kind;

		ASSERT_LE(0, failing);
		for (kind = 0; kind < 2; kind++)
			EXPECT_EQ(arg.error, kind ?
				  client_create(self->client, failing, -1,
						&self->own) :
				  create_framed(failing, -1, &self->own));
		after = device_counts(self->device);
		EXPECT_EQ(before.initialized + 2 * (i >= 0), after.initialized);
		EXPECT_EQ(before.deleted + 2 * (i >= 0), after.deleted);
		EXPECT_EQ(before.allocated + 2 * (i > 0 ? i : 0),
			  after.allocated);
		EXPECT_EQ(before.freed + 2 * (i > 0 ? i : 0), after.freed);
		EXPECT_EQ(0, after.buffers);
		close(failing);
	}
}

/*
 * F3: a process cannot create an allocator of memory that never leaves the kernel, and all
 * steps are undone. A kernel client can use it, in every context. All ioctls fail on a
 * descriptor of that allocator.
 */
TEST_F(device, kernel_only_memory)
{
	int kernel = device_connect(self->device, DEVICE_MEMORY_KERNEL);
	struct client_write write = { .index = 1, .word = 7 };
	struct ksalloc_status status = { .size = sizeof(status) };
	struct ksalloc_alloc alloc = { .size = sizeof(alloc) };
	struct device_counts counts;
	int fd, context;

	ASSERT_LE(0, kernel);
	EXPECT_EQ(-EOPNOTSUPP, create_framed(kernel, -1, &self->own));
	counts = device_counts(self->device);
	EXPECT_EQ(counts.initialized, counts.deleted);
	EXPECT_EQ(counts.allocated, counts.freed);
	EXPECT_EQ(0, counts.buffers);

	ASSERT_EQ(0, client_create(self->client, kernel, -1, &self->own));
	for (context = 0; context < CLIENT_CONTEXTS; context++)
		EXPECT_EQ(context, client_alloc(self->client, context));
	EXPECT_EQ(-EAGAIN, client_alloc(self->client, CLIENT_HARDIRQ));
	for (context = 0; context < CLIENT_CONTEXTS; context++)
		EXPECT_EQ(0, client_free(self->client, context, context));
	EXPECT_EQ(0, call_fd(self->client, CLIENT_WRITE, &write));

	fd = call_fd(self->client, CLIENT_FD, NULL);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EOPNOTSUPP, call_fd(fd, KSALLOC_ALLOC, &alloc));
	EXPECT_EQ(-EOPNOTSUPP, call_fd(fd, KSALLOC_STATUS, &status));
	EXPECT_EQ(-EOPNOTSUPP, export_frame(fd, 0));
	EXPECT_EQ(-EOPNOTSUPP, set_allocator(kernel, fd));
	EXPECT_EQ(-EOPNOTSUPP, set_allocator(self->rig.connection, fd));
	close(fd);
	close(kernel);
}

/* I4, B7: a connection that is closed while it runs leaks nothing. */
TEST_F(device, close_while_running)
{
	int i, round;

	for (round = 0; round < 10; round++) {
		int connection = device_connect(self->device, DEVICE_MEMORY_DMABUF);
		int allocator = create_framed(connection, -1, &self->own);

		ASSERT_LE(0, connection);
		ASSERT_LE(0, allocator);
		ASSERT_EQ(0, set_allocator(connection, allocator));
		ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
		for (i = 0; i < FRAMES; i++) {
			ASSERT_LE(0, alloc_now(allocator));
			ASSERT_EQ(0, submit(connection, i));
		}
		sleep_ms(round * 2);
		close(connection);
		EXPECT_TRUE(EVENTUALLY(allocated(allocator) == 0));
		close(allocator);
	}
}
