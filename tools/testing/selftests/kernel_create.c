// SPDX-License-Identifier: GPL-2.0-only
/*
 * ksalloc_create_allocator(), with a test module.
 */
#include "direct.h"

#include <fcntl.h>
#include <linux/dma-heap.h>
#include <string.h>
#include <unistd.h>

/*
 * A2, A4: the kernel-mode function creates the same allocator as the ioctl, fails with the
 * same errnos, and leaks nothing.
 */
TEST_F(direct, create)
{
	struct ksallocator_framing right = {
		.options_flags = usual_memory(),
		.frames = FRAMES,
		.frame_size = self->rig.framing.frame_size,
		.file_alignment = 63,
	};
	const struct {
		__u32 options, pool, frames, size, alignment, reserved;
	} wrong[] = {
		{ 4 | 2, 0, FRAMES, 0, 0, 0 },
		{ 2, 2, FRAMES, 0, 0, 0 },
		{ 2, 0, 1, 0, 0, 0 },
		{ 2, 0, KSALLOC_MAX_FRAMES + 1, 0, 0, 0 },
		{ 2, 0, FRAMES, 1, 0, 0 },
		{ 2, 0, FRAMES, 0xffffffff, 0, 0 },
		{ 2, 0, FRAMES, 0, 2, 0 },
		{ 2, 0, FRAMES, 0, 2 * getpagesize() - 1, 0 },
		{ 2, 0, FRAMES, 0, 0, 1 },
		{ 0, 0, FRAMES, 0, 0, 0 },
	};
	struct ksalloc_status ours = { 0 }, theirs = { 0 };
	struct footprint before;
	int fd, kernel, null = open("/dev/null", O_RDWR);
	unsigned int i;

	need_heap();
	ASSERT_EQ(0, client_detach(self->client));
	footprint_take(&before);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct ksallocator_framing framing = {
			.options_flags = wrong[i].options,
			.pool_type = wrong[i].pool,
			.frames = wrong[i].frames,
			.frame_size = wrong[i].size,
			.file_alignment = wrong[i].alignment,
			.reserved = wrong[i].reserved,
		};
		int user = create_framed(self->rig.connection, self->rig.heap,
					 &framing);

		EXPECT_GT(0, user);
		EXPECT_EQ(user, client_create(self->client,
					      self->rig.connection,
					      self->rig.heap, &framing));
	}
	EXPECT_EQ(-EINVAL, client_create(self->client, self->rig.video,
					 self->rig.heap, &right));
	EXPECT_EQ(-EINVAL, client_create(self->client, self->allocator,
					 self->rig.heap, &right));
	EXPECT_EQ(-EINVAL, client_create(self->client, self->rig.connection,
					 null, &right));
	EXPECT_EQ(-EINVAL, client_create(self->client, self->rig.connection,
					 self->client, &right));
	EXPECT_EQ(-EINVAL, client_create(self->client, self->rig.connection,
					 -1, &right));
	EXPECT_FOOTPRINT(&before);

	ASSERT_EQ(0, client_create(self->client, self->rig.connection,
				   self->rig.heap, &right));
	kernel = call_fd(self->client, CLIENT_FD, NULL);
	fd = create_framed(self->rig.connection, self->rig.heap, &right);
	ASSERT_LE(0, kernel);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, get_status(kernel, &theirs));
	ASSERT_EQ(0, get_status(fd, &ours));
	EXPECT_EQ(0, memcmp(&ours, &theirs, sizeof(ours)));
	/* Its frames can be used with the camera. */
	ASSERT_EQ(0, set_allocator(self->rig.connection, kernel));
	EXPECT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	ASSERT_EQ(0, set_allocator(self->rig.connection, -1));
	close(kernel);
	close(fd);
	ASSERT_EQ(0, client_detach(self->client));
	EXPECT_FOOTPRINT(&before);
}

/* Makes standard input a dma-buf of a heap that is open in this mode; returns its inode number */
static unsigned long long replace_input(struct direct_fixture *self, unsigned int mode)
{
	struct dma_heap_allocation_data data = {
		.len = self->rig.framing.frame_size,
		.fd_flags = mode | O_CLOEXEC,
	};

	ASSERT_EQ(0, call_fd(self->rig.heap, DMA_HEAP_IOCTL_ALLOC, &data));
	ASSERT_EQ(0, dup2(data.fd, 0));
	close(data.fd);
	return inode_of(0);
}

/*
 * A5: the descriptor that a heap returned can be another one by now, or the file is not a heap.
 * A dma-buf that the caller can only read is not taken. With any other, the second frame would
 * have the same descriptor, which is closed by then.
 */
TEST_F(direct, heap_of_another_kind)
{
	unsigned long long inode;
	struct footprint before;

	need_heap();
	inode = replace_input(self, O_RDONLY);
	footprint_take(&before);
	EXPECT_EQ(-EINVAL, create_allocator(self->rig.connection, self->client, FRAMES, 0));
	EXPECT_EQ(inode, inode_of(0));
	EXPECT_FOOTPRINT(&before);

	replace_input(self, O_RDWR);
	EXPECT_EQ(-EINVAL, create_allocator(self->rig.connection, self->client, FRAMES, 0));
	EXPECT_EQ(-1, fcntl(0, F_GETFD));
}

/* Whether the kernel log has a text after a position */
static bool log_says(int log, const char *text)
{
	char record[8192];
	bool found = false;
	ssize_t got;

	while ((got = read(log, record, sizeof(record) - 1)) > 0 ||
	       (got < 0 && errno == EPIPE)) {
		if (got < 0)
			continue;
		record[got] = '\0';
		if (strstr(record, text))
			found = true;
	}
	return found;
}

static bool kernel_checks_sleep(void)
{
	char text[64];

	return read_text("/sys/module/ksalloc_test_client/parameters/sleep_is_checked",
			 text, sizeof(text)) > 0 && text[0] == 'Y';
}

/*
 * A3: a kernel with CONFIG_DEBUG_ATOMIC_SLEEP detects a creation in an atomic context.
 * Other kernels skip this test. judge.awk accepts this warning.
 */
TEST_F(direct, atomic_context)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	ASSERT_LE(0, log);
	lseek(log, 0, SEEK_END);
	if (!kernel_checks_sleep())
		SKIP("no CONFIG_DEBUG_ATOMIC_SLEEP");
	EXPECT_EQ(-EINVAL, call_fd(self->client, CLIENT_BREAK_RULES, NULL));
	EXPECT_TRUE(log_says(log, "sleeping function called from invalid context"));
}
