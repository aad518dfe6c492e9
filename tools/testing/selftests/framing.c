// SPDX-License-Identifier: GPL-2.0-only
/*
 * The extended framing: the properties that a device reports, and whether they are true;
 * and the extended status of allocators.
 */
#include "ksalloc_test.h"

#include <linux/ksalloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe.h"

#define TRIES "vivid:vidioc_try_fmt_vid_cap"
#define PAGE ((unsigned int)getpagesize())
#define MAX_ITEMS 4
#define WIDTH 320
#define HEIGHT 180

static const struct ks_guid system_memory = KSMEMORY_TYPE_SYSTEM;
static const struct ks_guid device_memory = KSMEMORY_TYPE_DEVICE_UNKNOWN;
static const struct ks_guid any_bus = KS_TYPE_DONT_CARE;

/* Buffer for a result */
union answer {
	struct ksallocator_framing_ex framing;
	char bytes[sizeof(struct ksallocator_framing_ex) +
		   MAX_ITEMS * sizeof(struct ks_framing_item)];
};

/* Returns the size of the whole result */
static int ask(int connection, void *to, unsigned int room)
{
	struct ksalloc_get_framing_ex arg = {
		.size = sizeof(arg),
		.framing = (unsigned long)to,
		.framing_size = room,
	};
	int err = call_fd(connection, KSALLOC_GET_FRAMING_EX, &arg);

	return err ? err : (int)arg.framing_size;
}

static const struct ks_framing_item *
find_item(const union answer *answer, const struct ks_guid *type)
{
	unsigned int i;

	for (i = 0; i < answer->framing.count_items && i < MAX_ITEMS; i++)
		if (!memcmp(&answer->framing.framing_item[i].memory_type, type,
			    sizeof(*type)))
			return &answer->framing.framing_item[i];
	ASSERT_TRUE(!"the item exists");
	return NULL;
}

/* In STOP, without an allocator */
FIXTURE(framing) {
	struct rig rig;
	int connection;
	union answer answer;
	unsigned int size;
};

FIXTURE_SETUP(framing)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	self->connection = self->rig.connection;
	self->size = WIDTH * HEIGHT * 2;
	ASSERT_LT(0, ask(self->connection, &self->answer,
			 sizeof(self->answer)));
}

FIXTURE_TEARDOWN(framing)
{
	rig_close(&self->rig);
	repair_machine();
}

/* Creates an allocator of the kind of memory of an item */
static int create_of(struct framing_fixture *self,
		     const struct ks_framing_item *item, unsigned int frames,
		     unsigned int frame_size)
{
	bool system = !memcmp(&item->memory_type, &system_memory,
			      sizeof(system_memory));
	struct ksallocator_framing framing = {
		.options_flags = system ? KSALLOCATOR_OPTIONF_SYSTEM_MEMORY : 0,
		.frames = frames,
		.frame_size = frame_size,
		.file_alignment = item->file_alignment,
	};

	return create_framed(self->connection, system ? self->rig.heap : -1,
			     &framing);
}

/*
 * D4: vivid can use system memory and its own, in this order. The common values are those
 * of GET_FRAMING.
 */
TEST_F(framing, items)
{
	const struct ksallocator_framing_ex *framing = &self->answer.framing;
	const struct ks_framing_item *item = framing->framing_item;
	unsigned int i;

	ASSERT_EQ(2, framing->count_items);
	EXPECT_EQ(0, memcmp(&item[0].memory_type, &system_memory,
			    sizeof(system_memory)));
	EXPECT_EQ(0, memcmp(&item[1].memory_type, &device_memory,
			    sizeof(device_memory)));
	EXPECT_GT(item[0].memory_type_weight, item[1].memory_type_weight);
	EXPECT_LT(0, item[1].memory_type_weight);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, memcmp(&item[i].bus_type, &any_bus,
				    sizeof(any_bus)));
		EXPECT_EQ(0, item[i].memory_flags);
		EXPECT_EQ(0, item[i].bus_flags);
		EXPECT_EQ(self->rig.framing.frames, item[i].frames);
		EXPECT_EQ(PAGE - 1, item[i].file_alignment);
		EXPECT_EQ(self->size,
			  item[i].physical_range.min_frame_size);
	}
	EXPECT_EQ(0, framing->pin_flags);
	EXPECT_EQ(1, framing->output_compression.ratio_numerator);
	EXPECT_EQ(1, framing->output_compression.ratio_denominator);
	EXPECT_EQ(0, framing->output_compression.ratio_constant_margin);
}

/*
 * A9: on a kernel without heaps, the device can use system memory, which the caller has to
 * provide. A file that is no heap is refused.
 */
TEST_F(framing, without_heaps)
{
	struct ksallocator_framing framing = {
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
	};
	int camera = self->rig.video;

	if (self->rig.heap >= 0)
		SKIP("the kernel has dma-buf heaps");
	EXPECT_EQ(2, self->answer.framing.count_items);
	/* A camera passes the check for a heap, because that accepts any character device */
	EXPECT_EQ(-EINVAL, create_framed(self->connection, camera, &framing));
	EXPECT_EQ(-EBADF, create_framed(self->connection, -1, &framing));
}

/* H1, H2, H4, H5: the flags of each kind of memory. */
TEST_F(framing, flags)
{
	EXPECT_EQ(KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER |
		  KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY |
		  KSALLOCATOR_FLAG_ENABLE_CACHED_MDL,
		  find_item(&self->answer, &system_memory)->flags);
	EXPECT_EQ(KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER |
		  KSALLOCATOR_FLAG_DEVICE_SPECIFIC |
		  KSALLOCATOR_FLAG_CAN_ALLOCATE |
		  KSALLOCATOR_FLAG_ENABLE_CACHED_MDL,
		  find_item(&self->answer, &device_memory)->flags);
	EXPECT_EQ(KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER |
		  KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY,
		  self->rig.framing.requirements_flags);
}

/* H1: INPLACE_MODIFIER is true: the device writes into the frame. */
TEST_F(framing, modifies_in_place)
{
	unsigned char *map;
	int dmabuf;

	rig_allocator(&self->rig, 3);
	ASSERT_EQ(0, alloc_now(self->rig.allocator));
	dmabuf = export_frame(self->rig.allocator, 0);
	ASSERT_LE(0, dmabuf);
	map = map_frame(dmabuf, self->size, PROT_READ | PROT_WRITE);
	memset(map, 0x33, self->size);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, submit(self->connection, 0));
	ASSERT_EQ(0, rig_complete(&self->rig, NULL));
	EXPECT_NE(0x33, map[self->size - 2]);
	munmap(map, self->size);
	close(dmabuf);
}

/* The frame size of the largest picture in YUYV, from V4L2 calls */
static unsigned int largest(int video)
{
	struct v4l2_frmsizeenum size = { .pixel_format = V4L2_PIX_FMT_YUYV };
	unsigned int most = 0;

	while (!call_fd(video, VIDIOC_ENUM_FRAMESIZES, &size)) {
		struct v4l2_format format = {
			.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
			.fmt.pix = {
				.width = size.discrete.width,
				.height = size.discrete.height,
				.pixelformat = V4L2_PIX_FMT_YUYV,
			},
		};

		ASSERT_EQ(V4L2_FRMSIZE_TYPE_DISCRETE, size.type);
		ASSERT_EQ(0, call_fd(video, VIDIOC_TRY_FMT, &format));
		if (format.fmt.pix.sizeimage > most)
			most = format.fmt.pix.sizeimage;
		size.index++;
	}
	ASSERT_LT(0, most);
	return most;
}

FIXTURE(tries) {
	struct rig rig;
};

/* Lets the kernel count how often vivid tries a format */
FIXTURE_SETUP(tries)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	if (!probe_begin(TRIES))
		SKIP("the kernel does not count calls");
}

FIXTURE_TEARDOWN(tries)
{
	probe_end(TRIES);
	rig_close(&self->rig);
}

/*
 * D4: the device is not asked to try a format of any size, because a camera may be
 * suspended, or fail while it streams.
 */
TEST_F(tries, none)
{
	struct ksallocator_framing framing;
	union answer answer;
	int before;

	/* This tries several sizes. It shows that they are counted */
	before = probe_count(TRIES);
	largest(self->rig.video);
	ASSERT_LT(before + 1, probe_count(TRIES));

	before = probe_count(TRIES);
	ASSERT_LT(0, ask(self->rig.connection, &answer, sizeof(answer)));
	ASSERT_EQ(0, get_framing(self->rig.connection, &framing));
	rig_allocator(&self->rig, 0);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_LT(0, ask(self->rig.connection, &answer, sizeof(answer)));
	EXPECT_EQ(before, probe_count(TRIES));
}

/* D4: preferred sizes are whole pages, up to the size of the largest picture. */
TEST_F(framing, best_range)
{
	const struct ks_framing_range_weighted *best;

	best = &find_item(&self->answer, &system_memory)->framing_range;
	EXPECT_EQ(whole_pages(self->size), best->range.min_frame_size);
	EXPECT_EQ(whole_pages(largest(self->rig.video)),
		  best->range.max_frame_size);
	EXPECT_EQ(PAGE, best->range.stepping);
	EXPECT_LT(best->not_in_place_weight, best->in_place_weight);

	best = &find_item(&self->answer, &device_memory)->framing_range;
	EXPECT_EQ(whole_pages(self->size), best->range.min_frame_size);
	EXPECT_EQ(whole_pages(self->size), best->range.max_frame_size);
	EXPECT_EQ(PAGE, best->range.stepping);
}

/*
 * D4: a frame of the largest preferred size is large enough for the largest picture, so the
 * allocator can be kept when the format changes.
 */
TEST_F(framing, best_range_serves_all_sizes)
{
	struct ksalloc_complete frame = { 0 };
	const struct ks_framing_item *item;

	need_heap();
	item = find_item(&self->answer, &system_memory);
	self->rig.allocator =
		create_of(self, item, item->frames,
			  item->framing_range.range.max_frame_size);
	ASSERT_LE(0, self->rig.allocator);
	ASSERT_EQ(0, set_allocator(self->connection, self->rig.allocator));
	ASSERT_EQ(0, set_format(self->rig.video, 3840, 2160));
	ASSERT_EQ(0, set_allocator(self->connection, self->rig.allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_LE(0, rig_submit_all(&self->rig));
	ASSERT_LE(0, rig_complete(&self->rig, &frame));
	EXPECT_EQ(3840 * 2160 * 2, frame.header.data_used);
}

/* D4, A8: every size in the possible range can be created, and no other size. */
TEST_F(framing, possible_range)
{
	static const struct ks_guid *types[] = {
		&system_memory, &device_memory,
	};
	unsigned int i, j;

	need_heap();
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		const struct ks_framing_item *item =
			find_item(&self->answer, types[i]);
		const struct ks_framing_range *range = &item->physical_range;
		const unsigned int good[] = {
			range->min_frame_size,
			range->min_frame_size + range->stepping,
			i ? range->max_frame_size : range->min_frame_size + 1,
		};

		EXPECT_EQ(1, range->stepping);
		for (j = 0; j < ARRAY_SIZE(good); j++) {
			int allocator = create_of(self, item, 0, good[j]);

			EXPECT_LE(0, allocator);
			close(allocator);
		}
		EXPECT_EQ(-EINVAL, create_of(self, item, 0,
					     range->min_frame_size - 1));
		/* The limit of the module, or the device's buffers */
		EXPECT_EQ(i ? -EOPNOTSUPP : -ENOMEM,
			  create_of(self, item, item->frames,
				    range->max_frame_size + 1));
	}
}

/* D4: the possible range depends on the limit of the module. */
TEST_F(framing, limit)
{
	const struct ks_framing_item *item;

	ASSERT_EQ(0, write_text("/sys/module/ksalloc/parameters/max_mbytes",
				"8"));
	EXPECT_LT(0, ask(self->connection, &self->answer,
			 sizeof(self->answer)));
	ASSERT_EQ(0, write_text("/sys/module/ksalloc/parameters/max_mbytes",
				"0"));
	item = find_item(&self->answer, &system_memory);
	EXPECT_EQ((8U << 20) / item->frames / PAGE * PAGE,
		  item->physical_range.max_frame_size);
	EXPECT_EQ(item->physical_range.max_frame_size,
		  item->framing_range.range.max_frame_size);
}

/* D4: as many whole items are written as fit into the buffer, and nothing else. */
TEST_F(framing, room)
{
	const unsigned int head = sizeof(struct ksallocator_framing_ex);
	const unsigned int item = sizeof(struct ks_framing_item);
	const unsigned int whole = head + 2 * item;
	const struct {
		unsigned int room, written;
	} cases[] = {
		{ 0, 0 }, { 1, 0 }, { head - 1, 0 }, { head, head },
		{ head + item - 1, head }, { head + item, head + item },
		{ whole - 1, head + item }, { whole, whole },
		{ sizeof(union answer), whole },
	};
	union answer answer;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&answer, 0xa5, sizeof(answer));
		EXPECT_EQ(whole, ask(self->connection, &answer,
				     cases[i].room));
		EXPECT_EQ(0, memcmp(&answer, &self->answer, cases[i].written));
		for (j = cases[i].written; j < sizeof(answer); j++)
			if (answer.bytes[j] != (char)0xa5)
				break;
		EXPECT_EQ(sizeof(answer), j);
	}
	EXPECT_EQ(whole, ask(self->connection, NULL, 0));
	EXPECT_EQ(whole, ask(self->connection, NULL, sizeof(answer)));
}

/* D4: a buffer or an argument that cannot be written: EFAULT. */
TEST_F(framing, bad_pointers)
{
	struct ksalloc_get_framing_ex *arg;
	char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, mprotect(page + PAGE, PAGE, PROT_NONE));
	EXPECT_EQ(-EFAULT, ask(self->connection, (void *)8,
			       sizeof(union answer)));
	EXPECT_EQ(-EFAULT, ask(self->connection, page + PAGE - 64,
			       sizeof(union answer)));
	EXPECT_EQ(-EFAULT, ask(self->connection, page + PAGE - 16,
			       sizeof(union answer)));
	arg = (void *)page;
	*arg = (struct ksalloc_get_framing_ex){ .size = sizeof(*arg) };
	ASSERT_EQ(0, mprotect(page, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, call_fd(self->connection, KSALLOC_GET_FRAMING_EX,
				   page));
	munmap(page, 2 * PAGE);
}

/* D4: the result is for the current format. */
TEST_F(framing, follows_the_format)
{
	ASSERT_EQ(0, set_format(self->rig.video, 640, 360));
	ASSERT_LT(0, ask(self->connection, &self->answer,
			 sizeof(self->answer)));
	EXPECT_EQ(640 * 360 * 2, find_item(&self->answer, &system_memory)
		  ->physical_range.min_frame_size);
}

/* D4: pictures of any size are possible if the device has a scaler. */
TEST_F(framing, stepwise_sizes)
{
	struct v4l2_format format;
	int input;

	/* The HDMI input */
	for (input = 0; input < 8; input++) {
		struct v4l2_input info = { .index = input };

		if (!call_fd(self->rig.video, VIDIOC_ENUMINPUT, &info) &&
		    info.capabilities & V4L2_IN_CAP_DV_TIMINGS)
			break;
	}
	if (call_fd(self->rig.video, VIDIOC_S_INPUT, &input))
		SKIP("vivid has no such input");
	ASSERT_EQ(0, get_format(self->rig.video, &format));
	ASSERT_LT(0, ask(self->connection, &self->answer,
			 sizeof(self->answer)));
	EXPECT_LE(format.fmt.pix.sizeimage,
		  find_item(&self->answer, &system_memory)
		  ->framing_range.range.max_frame_size);
	EXPECT_EQ(format.fmt.pix.sizeimage,
		  find_item(&self->answer, &system_memory)
		  ->physical_range.min_frame_size);
}

/* D4: PinFlags show whether an allocator is assigned. */
TEST_F(framing, allocator_exists)
{
	rig_allocator(&self->rig, 3);
	ASSERT_LT(0, ask(self->connection, &self->answer,
			 sizeof(self->answer)));
	EXPECT_EQ(KSALLOCATOR_FLAG_ALLOCATOR_EXISTS,
		  self->answer.framing.pin_flags);
	ASSERT_EQ(0, set_allocator(self->connection, -1));
	ASSERT_LT(0, ask(self->connection, &self->answer,
			 sizeof(self->answer)));
	EXPECT_EQ(0, self->answer.framing.pin_flags);
}

/* I6: a device that has disappeared has no framing. */
TEST_F(framing, gone)
{
	vivid_unbind();
	EXPECT_EQ(-ENODEV, ask(self->connection, NULL, 0));
}

/* D4: another process that got the connection over a socket gets the same result. */
TEST_F(framing, other_process)
{
	struct ksalloc_get_framing_ex arg = { .size = sizeof(arg) };
	struct agent agent;
	int fd;

	agent_start(&agent);
	fd = agent_pass(&agent, self->connection);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, agent_call(&agent, fd, KSALLOC_GET_FRAMING_EX, &arg,
				sizeof(arg)));
	EXPECT_EQ(ask(self->connection, NULL, 0), arg.framing_size);
	agent_exit(&agent);
}

static int get_status_ex(int allocator, struct ksalloc_status_ex *status)
{
	memset(status, 0, sizeof(*status));
	status->size = sizeof(*status);
	return call_fd(allocator, KSALLOC_STATUS_EX, status);
}

/* D2: STATUS_EX returns the framing of the allocator and its current frames. */
TEST_F(framing, status_ex)
{
	static const struct ks_guid *types[] = {
		&system_memory, &device_memory,
	};
	const struct ks_framing_item *item;
	struct ksalloc_status_ex status = { 0 };
	unsigned int i;

	need_heap();
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		int allocator = create_of(self,
					  find_item(&self->answer, types[i]),
					  3, self->size + 1);

		ASSERT_LE(0, allocator);
		ASSERT_LE(0, alloc_now(allocator));
		ASSERT_EQ(0, get_status_ex(allocator, &status));
		EXPECT_EQ(1, status.status.count_items);
		EXPECT_EQ(0, status.status.pin_flags);
		EXPECT_EQ(1, status.status.output_compression.ratio_numerator);
		EXPECT_EQ(1, status.status.allocated_frames);
		EXPECT_EQ(0, status.status.reserved);
		EXPECT_EQ(whole_pages(self->size + 1), status.frame_bytes);
		EXPECT_EQ(0, status.in_device);
		EXPECT_EQ(0, status.waiters);
		item = &status.status.framing_item;
		EXPECT_EQ(0, memcmp(&item->memory_type, types[i],
				    sizeof(*types[i])));
		EXPECT_EQ(!i, !!(item->flags &
				 KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY));
		EXPECT_EQ(!!i, !!(item->flags &
				  KSALLOCATOR_FLAG_DEVICE_SPECIFIC));
		EXPECT_EQ(3, item->frames);
		EXPECT_EQ(PAGE - 1, item->file_alignment);
		EXPECT_EQ(self->size + 1, item->physical_range.min_frame_size);
		EXPECT_EQ(whole_pages(self->size + 1),
			  item->physical_range.max_frame_size);
		EXPECT_EQ(self->size + 1,
			  item->framing_range.range.max_frame_size);
		close(allocator);
	}
}

/* H6: an allocator with compatible framing can be used for both devices. */
TEST_F(framing, compatible)
{
	struct ksallocator_framing framing = {
		.options_flags = usual_memory() |
				 KSALLOCATOR_OPTIONF_COMPATIBLE,
		.frames = 4,
	};
	struct rig other;
	int index;

	rig_open(&other, 1, WIDTH, HEIGHT);
	self->rig.allocator = create_framed(self->connection, self->rig.heap,
					    &framing);
	ASSERT_LE(0, self->rig.allocator);
	other.allocator = dup(self->rig.allocator);
	ASSERT_EQ(0, set_allocator(self->connection, self->rig.allocator));
	ASSERT_EQ(0, set_allocator(other.connection, other.allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, set_state(other.connection, KSSTATE_RUN));
	index = alloc_now(self->rig.allocator);
	ASSERT_EQ(0, submit(self->connection, index));
	ASSERT_EQ(index, rig_complete(&self->rig, NULL));
	ASSERT_EQ(0, submit(other.connection, index));
	ASSERT_EQ(index, rig_complete(&other, NULL));
	rig_close(&other);
}

/* Camera 0 is multi-planar, camera 1 needs contiguous memory. */
FIXTURE(framing_devices) {
	int ksalloc, heap;
};

FIXTURE_SETUP(framing_devices)
{
	need_vivid("2,1", "0,1");
	self->ksalloc = open_ksalloc();
	self->heap = open_heap();
}

FIXTURE_TEARDOWN(framing_devices)
{
	/* Files that the test opened would keep the device. */
	(void)self;
	close_range(3, ~0U, 0);
}

/* D4, H4: if heaps are not suitable, the device's own memory comes first. */
TEST_F(framing_devices, contiguous)
{
	union answer answer;
	int video, connection;

	need_heap();
	video = open_camera(1);
	ASSERT_EQ(0, set_format(video, WIDTH, HEIGHT));
	connection = do_connect(self->ksalloc, video);
	ASSERT_LE(0, connection);
	ASSERT_LT(0, ask(connection, &answer, sizeof(answer)));
	ASSERT_EQ(2, answer.framing.count_items);
	EXPECT_EQ(0, memcmp(&answer.framing.framing_item[0].memory_type,
			    &device_memory, sizeof(device_memory)));
	EXPECT_EQ(0, memcmp(&answer.framing.framing_item[1].memory_type,
			    &system_memory, sizeof(system_memory)));
	EXPECT_GT(answer.framing.framing_item[0].memory_type_weight,
		  answer.framing.framing_item[1].memory_type_weight);
}

static void set_mplane(int video, unsigned int pixelformat)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
		.fmt.pix_mp = {
			.width = WIDTH,
			.height = HEIGHT,
			.pixelformat = pixelformat,
			.field = V4L2_FIELD_NONE,
		},
	};
	int input = 0;

	ASSERT_EQ(0, call_fd(video, VIDIOC_S_INPUT, &input));
	ASSERT_EQ(0, call_fd(video, VIDIOC_S_FMT, &format));
}

/* D4: a multi-planar device returns the same. */
TEST_F(framing_devices, multi_planar)
{
	const struct ks_framing_item *item;
	int video, connection;
	union answer answer;

	need_heap();
	video = open_camera(0);
	set_mplane(video, V4L2_PIX_FMT_YUYV);
	connection = do_connect(self->ksalloc, video);
	ASSERT_LE(0, connection);
	ASSERT_LT(0, ask(connection, &answer, sizeof(answer)));
	ASSERT_EQ(2, answer.framing.count_items);
	item = find_item(&answer, &system_memory);
	EXPECT_EQ(WIDTH * HEIGHT * 2, item->physical_range.min_frame_size);
	EXPECT_EQ(whole_pages(3840 * 2160 * 2),
		  item->framing_range.range.max_frame_size);
}
