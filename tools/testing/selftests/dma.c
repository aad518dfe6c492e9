// SPDX-License-Identifier: GPL-2.0-only
/*
 * A real device, QEMU's edu, reads frames and tries to write to them. With intel_iommu=on, an IOMMU
 * translates its addresses, and enforces the direction of a mapping. check boots a guest of its own
 * for that. In all other guests, the device can write to all memory, and only its driver keeps it
 * from that.
 */
#define SHARE_WITHOUT_FIXTURE
#define READERS_WITHOUT_FIXTURE
#include "share.h"
#include "readers.h"

#include <errno.h>
#include <ksalloc-test-edu.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EDU "/dev/ksalloc-test-edu"

/* The device copies parts of a picture. No part is in two pages */
#define PART EDU_MAX_BYTES
#define MIDDLE (FRAME_SIZE / PART / 2 * PART)
#define LAST (FRAME_SIZE / PART * PART - PART)

FIXTURE(dma) {
	int edu, log;
	/* Whether mappings are enforced */
	bool translated;
	/* The file that has the kind of the device's IOMMU domain, if the test has changed it */
	char domain[PATH_MAX + 32];
};

static void edu_open(struct dma_fixture *self)
{
	if (system("modprobe -q ksalloc-test-edu") || !EVENTUALLY(!access(EDU, F_OK)))
		SKIP("the machine has no device edu");
	self->edu = open(EDU, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->edu);
}

/* The kernel changes the domain of a device only while this has no driver */
static void set_domain(struct dma_fixture *self, const char *type)
{
	close(self->edu);
	ASSERT_EQ(0, system("rmmod ksalloc-test-edu"));
	ASSERT_EQ(0, write_text(self->domain, type));
	edu_open(self);
}

FIXTURE_SETUP(dma)
{
	char line[4096] = "";

	edu_open(self);
	self->log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->log);
	ASSERT_LE(0, lseek(self->log, 0, SEEK_END));
	ASSERT_LT(0, read_text("/proc/cmdline", line, sizeof(line)));
	self->translated = strstr(line, "intel_iommu=on") && !strstr(line, "iommu=pt");
}

FIXTURE_TEARDOWN(dma)
{
	if (self->domain[0])
		set_domain(self, "auto");
	close(self->edu);
	close(self->log);
}

static int edu_map(struct dma_fixture *self, int dmabuf, enum edu_direction direction)
{
	struct edu_map arg = { .fd = dmabuf, .direction = direction };

	return call(self->edu, EDU_MAP, &arg);
}

static void edu_unmap(struct dma_fixture *self)
{
	EXPECT_EQ(0, call(self->edu, EDU_UNMAP, NULL));
}

/* The device sees this picture. */
static void expect_read(struct dma_fixture *self, const unsigned char *picture)
{
	static const size_t offsets[] = { 0, MIDDLE, LAST };
	unsigned char seen[PART] = { };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		struct edu_copy arg = {
			.offset = offsets[i],
			.buffer = (uintptr_t)seen,
			.bytes = PART,
		};
		const unsigned char *part = picture + offsets[i];

		/* It is not of one color, as memory that nobody has written */
		EXPECT_NE(0, memcmp(part, part + 1, PART - 1));
		ASSERT_EQ(0, call(self->edu, EDU_READ, &arg));
		EXPECT_EQ(0, memcmp(part, seen, PART));
	}
}

/* Lets the device write to a part of a picture; whether the memory has changed */
static bool edu_writes(struct dma_fixture *self, const unsigned char *picture, size_t offset,
		       __u64 *address)
{
	unsigned char before[PART], data[PART];
	struct edu_copy arg = {
		.offset = offset,
		.buffer = (uintptr_t)data,
		.bytes = PART,
	};
	unsigned int i;

	memcpy(before, picture + offset, PART);
	for (i = 0; i < PART; i++)
		data[i] = ~before[i];
	ASSERT_EQ(0, call(self->edu, EDU_WRITE, &arg));
	if (address)
		*address = arg.address;
	if (!memcmp(picture + offset, before, PART))
		return false;
	/* The device does not write a part of it */
	EXPECT_EQ(0, memcmp(picture + offset, data, PART));
	return true;
}

/* Whether the IOMMU has reported that a device was not permitted to write here */
static bool fault_is_logged(int log, __u64 address)
{
	char record[1024], text[64];
	ssize_t size;

	snprintf(text, sizeof(text), " fault addr 0x%llx ",
		 (unsigned long long)address & ~(getpagesize() - 1ULL));
	while ((size = read(log, record, sizeof(record) - 1)) > 0) {
		record[size] = '\0';
		if (strstr(record, "[DMA Write") && strstr(record, text))
			return true;
	}
	return false;
}

/* Before the device reads the page: QEMU reports no fault on a page that it has translated */
static void expect_no_write(struct dma_fixture *self, const unsigned char *picture, size_t offset)
{
	__u64 address;

	/* The kernel logs at most 10 lines about faults in 5 s, and two for each */
	sleep_ms(1200);

	EXPECT_FALSE(edu_writes(self, picture, offset, &address));
	EXPECT_TRUE(EVENTUALLY(fault_is_logged(self->log, address)));
}

/* What a device can do with a view */
static void expect_only_read(struct dma_fixture *self, int view, const unsigned char *picture)
{
	EXPECT_EQ(-EACCES, edu_map(self, view, EDU_FROM_DEVICE));
	ASSERT_EQ(0, edu_map(self, view, EDU_TO_DEVICE));
	if (self->translated)
		expect_no_write(self, picture, 0);
	expect_read(self, picture);
	edu_unmap(self);

	if (!self->translated) {
		EXPECT_EQ(-EACCES, edu_map(self, view, EDU_BIDIRECTIONAL));
		return;
	}
	ASSERT_EQ(0, edu_map(self, view, EDU_BIDIRECTIONAL));
	expect_no_write(self, picture, LAST);
	expect_read(self, picture);
	edu_unmap(self);
}

/*
 * Frames in memory of the camera, or of the heap. The device cannot write to the reader's view. It
 * can write to the dma-buf of the owner, which shows that the test detects a write.
 */
static void try_reader(struct dma_fixture *self, bool own)
{
	struct ksalloc_reader_frame frame = { };
	const unsigned char *picture;
	int reader, view, dmabuf;
	struct rig rig;

	rig_open(&rig, 0, WIDTH, HEIGHT);
	if (own)
		rig_own_allocator(&rig, FRAMES);
	else
		rig_allocator(&rig, FRAMES);
	ASSERT_EQ(0, circulate(rig.connection, KSSTATE_RUN));
	reader = reader_with_view(rig.connection, 2, &frame, &view);
	picture = map_frame(view, FRAME_SIZE, PROT_READ);
	expect_only_read(self, view, picture);

	dmabuf = export_frame(rig.allocator, frame.index);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, edu_map(self, dmabuf, EDU_BIDIRECTIONAL));
	EXPECT_TRUE(edu_writes(self, picture, 0, NULL));
	EXPECT_TRUE(edu_writes(self, picture, LAST, NULL));
	edu_unmap(self);

	close(dmabuf);
	munmap((void *)picture, FRAME_SIZE);
	close(view);
	close(reader);
	rig_close(&rig);
}

/* K5: a reader's view of memory of a heap */
TEST_F(dma, reader_of_heap)
{
	need_heap();
	try_reader(self, false);
}

/* K5: a reader's view of the camera's own memory */
TEST_F(dma, reader_of_own_memory)
{
	try_reader(self, true);
}

/* K5: the same, and the memory is contiguous, as that of many cameras is. */
TEST_F(dma, reader_of_contiguous_memory)
{
	need_vivid("1,1", "1,1");
	try_reader(self, true);
}

/*
 * K5: an IOMMU that does not translate (iommu=pt) enforces nothing. Without an IOMMU, this is
 * reader_of_own_memory.
 */
TEST_F(dma, identity)
{
	char device[PATH_MAX] = "";

	if (self->translated) {
		ASSERT_NE(NULL, realpath("/sys/class/misc/ksalloc-test-edu/device", device));
		snprintf(self->domain, sizeof(self->domain), "%s/iommu_group/type", device);
		set_domain(self, "identity");
		self->translated = false;
	}
	try_reader(self, true);
}

/* K5: VIDIOC_EXPBUF of the node of a share */
TEST_F(dma, share)
{
	struct share_fixture share = { .ksalloc = open_ksalloc(), .video = open_camera(0) };
	const unsigned char *picture;
	struct v4l2_buffer buffer;
	int fd, dmabuf;

	ASSERT_EQ(0, set_format(share.video, WIDTH, HEIGHT));
	share.share = share_of(share.ksalloc, share.video, 0, share.path);
	ASSERT_LE(0, share.share);
	fd = handle_start(&share);
	ASSERT_EQ(0, dequeue(fd, &buffer));
	dmabuf = export_buffer(fd, buffer.index, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, dmabuf);
	picture = map_frame(dmabuf, FRAME_SIZE, PROT_READ);
	expect_only_read(self, dmabuf, picture);

	munmap((void *)picture, FRAME_SIZE);
	close(dmabuf);
	close(fd);
	close(share.share);
	close(share.video);
	close(share.ksalloc);
}
