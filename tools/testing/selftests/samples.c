// SPDX-License-Identifier: GPL-2.0-only
/*
 * The samples for driver authors work as described.
 */
#include "kernel.h"

#include <ksalloc-client/ksalloc-client.h>
#include <ksalloc-device/ksalloc-device.h>
#include <sys/mman.h>

FIXTURE(samples) {
	struct rig rig;
	int node;
};

FIXTURE_SETUP(samples)
{
	rig_open(&self->rig, 0, 320, 180);
	ASSERT_EQ(0, system("modprobe ksalloc-client && modprobe ksalloc-device"));
}

FIXTURE_TEARDOWN(samples)
{
	if (self->node > 0)
		close(self->node);
	rig_close(&self->rig);
	close_all();
	expect_unload("ksalloc_client");
	expect_unload("ksalloc_device");
}

static __u32 *map_word(int allocator, unsigned int index)
{
	int dmabuf = export_frame(allocator, index);
	__u32 *word = map_frame(dmabuf, 4096, PROT_READ | PROT_WRITE);

	close(dmabuf);
	return word;
}

static __u32 largest_word(__u32 *const word[FRAMES])
{
	__u32 largest = 0;
	int i;

	for (i = 0; i < FRAMES; i++)
		if (read_word(word[i]) > largest)
			largest = read_word(word[i]);
	return largest;
}

/*
 * C1, C3, C5: the client fills and frees free frames, continues when a frame becomes free
 * after there was none, and leaks nothing.
 */
TEST_F(samples, client)
{
	const __u32 ours = 0xffffffff;
	__u32 *word[FRAMES];
	int i, client;

	rig_allocator(&self->rig, FRAMES);
	for (i = 0; i < FRAMES; i++)
		word[i] = map_word(self->rig.allocator, i);
	client = open_sample("/dev/ksalloc-client");
	self->node = client;
	EXPECT_EQ(-EBADF, call_fd(client, KSALLOC_SAMPLE_FILL, (void *)-1L));
	EXPECT_EQ(-EINVAL, call_fd(client, KSALLOC_SAMPLE_FILL,
				   (void *)(long)self->rig.video));
	ASSERT_EQ(0, call_fd(client, KSALLOC_SAMPLE_FILL,
			     (void *)(long)self->rig.allocator));
	EXPECT_EQ(-EBUSY, call_fd(client, KSALLOC_SAMPLE_FILL,
				  (void *)(long)self->rig.allocator));
	EXPECT_TRUE(EVENTUALLY(largest_word(word) > 2 * FRAMES));

	for (i = 0; i < FRAMES; i++) {
		int index = alloc_frame(self->rig.allocator, 0,
					in_ms(PATIENCE_MS));

		ASSERT_LE(0, index);
		*word[index] = ours;
	}
	ASSERT_EQ(0, free_frame(self->rig.allocator, 2));
	EXPECT_TRUE(EVENTUALLY(read_word(word[2]) != ours));
	for (i = 0; i < FRAMES; i++)
		EXPECT_TRUE(i == 2 || read_word(word[i]) == ours);

	self->node = 0;
	close(client);
	EXPECT_EQ(FRAMES - 1, allocated(self->rig.allocator));
	for (i = 0; i < FRAMES; i++)
		munmap(word[i], 4096);
}

/* F2, I2, I4: each frame that the device fills contains its sequence number. */
TEST_F(samples, device)
{
	const struct ksallocator_framing framing = {
		.options_flags = usual_memory(),
		.frames = FRAMES,
	};
	struct ksalloc_complete out;
	int i, connection, allocator;
	__u32 *word[FRAMES], last = 0;

	need_heap();
	self->node = open_sample("/dev/ksalloc-device");
	connection = call_fd(self->node, KSALLOC_SAMPLE_CONNECT, NULL);
	ASSERT_LE(0, connection);
	allocator = create_framed(connection, self->rig.heap, &framing);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, set_allocator(connection, allocator));
	ASSERT_EQ(0, set_state(connection, KSSTATE_PAUSE));
	for (i = 0; i < FRAMES; i++) {
		word[i] = map_word(allocator, i);
		ASSERT_EQ(i, alloc_now(allocator));
		ASSERT_EQ(0, submit(connection, i));
	}
	ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
	for (i = 0; i < 3 * FRAMES; i++) {
		int index;

		ASSERT_EQ(POLLIN, poll_fd(connection, POLLIN, PATIENCE_MS));
		index = complete(connection, 0, in_ms(PATIENCE_MS), &out);
		ASSERT_EQ(i % FRAMES, index);
		EXPECT_EQ(4, out.header.data_used);
		EXPECT_EQ(out.sequence, read_word(word[index]));
		EXPECT_TRUE(!i || out.sequence > last);
		last = out.sequence;
		ASSERT_EQ(0, submit(connection, index));
	}
	ASSERT_EQ(0, set_state(connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(allocator));
	close(connection);
	close(allocator);
	for (i = 0; i < FRAMES; i++)
		munmap(word[i], 4096);
}
