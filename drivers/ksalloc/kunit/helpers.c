// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers of all KUnit suites of ksalloc: see ks_test.h.
 */
#include <linux/debug_locks.h>
#include <linux/dma-buf.h>
#include <linux/fdtable.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "ks_test.h"

static unsigned long long seed;
module_param(seed, ullong, 0644);
MODULE_PARM_DESC(seed, "Seed of the random tests (0: another one each time)");

/* State at the beginning of a test, which must be the same at its end */

struct ks_test_ground {
	struct kunit *test;
	int dma_bufs;
	bool locks;
};

/* The last action of a test: checks that nothing is left and that lockdep has found no bug */
static void ks_test_end(void *data)
{
	struct ks_test_ground *ground = data;
	struct kunit *test = ground->test;

	ks_test_dma_bufs_become(ground->dma_bufs);
	KUNIT_EXPECT_EQ_MSG(test, ks_test_dma_bufs(), ground->dma_bufs,
			    "dma-bufs are left");
	if (IS_ENABLED(CONFIG_PROVE_LOCKING))
		KUNIT_EXPECT_EQ_MSG(test, debug_locks, ground->locks,
				    "lockdep has found something, see the log");
}

/* The init function of each suite */
int ks_test_init(struct kunit *test)
{
	struct ks_test_ground *ground;

	ground = kunit_kzalloc(test, sizeof(*ground), GFP_KERNEL);
	if (!ground)
		return -ENOMEM;
	ground->test = test;
	ground->dma_bufs = ks_test_dma_bufs();
	ground->locks = debug_locks;

	return kunit_add_action(test, ks_test_end, ground);
}

/* Seeds random numbers, and prints the seed so that a run can be repeated */
u64 ks_test_seed(struct kunit *test, struct rnd_state *rnd)
{
	u64 value = seed ?: get_random_u64();

	kunit_info(test, "modprobe ksalloc-kunit seed=%llu\n", value);
	prandom_seed_state(rnd, value);
	return value;
}

const struct ks_connection *ks_test_device(unsigned int i)
{
	static const char devices[KS_TEST_FRAMES];

	return (const struct ks_connection *)&devices[i];
}

/* Owners */

struct ks_test_owner {
	struct ks_owner owner;
	struct ks_allocator *alloc;
};

static void ks_test_owner_end(void *data)
{
	struct ks_test_owner *owner = data;

	/*
	 * A call that does not return keeps its owner. The test has failed already in this
	 * case
	 */
	if (!list_empty_careful(&owner->owner.waiters))
		return;
	ks_allocator_reclaim(owner->alloc, &owner->owner);
	ks_allocator_put(owner->alloc);
	kfree(owner);
}

/* An owner that is not in an open file; it ends with the test */
struct ks_owner *ks_test_owner(struct kunit *test, struct ks_allocator *alloc)
{
	struct ks_test_owner *owner = kzalloc(sizeof(*owner), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, owner);
	ks_owner_init(&owner->owner, NULL, false);
	owner->alloc = ks_allocator_get(alloc);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   ks_test_owner_end,
							   owner));
	return &owner->owner;
}

/* Memory: dma-bufs without memory, which are counted */

static atomic_t ks_test_live = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(ks_test_released);

static struct sg_table *ks_test_map(struct dma_buf_attachment *attachment,
				    enum dma_data_direction direction)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static void ks_test_unmap(struct dma_buf_attachment *attachment,
			  struct sg_table *table,
			  enum dma_data_direction direction)
{
}

static void ks_test_release(struct dma_buf *dmabuf)
{
	atomic_dec(&ks_test_live);
	wake_up_all(&ks_test_released);
}

static atomic_t ks_test_mapped = ATOMIC_INIT(0);
static atomic_t ks_test_mapped_ever = ATOMIC_INIT(0);

static int ks_test_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	atomic_inc(&ks_test_mapped);
	atomic_inc(&ks_test_mapped_ever);
	iosys_map_set_vaddr(map, &ks_test_live);
	return 0;
}

static void ks_test_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	atomic_dec(&ks_test_mapped);
}

static const struct dma_buf_ops ks_test_dma_buf_ops = {
	.map_dma_buf = ks_test_map,
	.unmap_dma_buf = ks_test_unmap,
	.vmap = ks_test_vmap,
	.vunmap = ks_test_vunmap,
	.release = ks_test_release,
};

static int ks_test_pin(struct dma_buf_attachment *attachment)
{
	return 0;
}

static void ks_test_unpin(struct dma_buf_attachment *attachment)
{
}

/* Those of an exporter that can move its memory */
static const struct dma_buf_ops ks_test_movable_ops = {
	.map_dma_buf = ks_test_map,
	.unmap_dma_buf = ks_test_unmap,
	.pin = ks_test_pin,
	.unpin = ks_test_unpin,
	.vmap = ks_test_vmap,
	.vunmap = ks_test_vunmap,
	.release = ks_test_release,
};

/* Makes dma-bufs of new allocators movable */
bool ks_test_movable;

static struct dma_buf *ks_test_dma_buf(size_t bytes)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;

	info.ops = ks_test_movable ? &ks_test_movable_ops : &ks_test_dma_buf_ops;
	info.size = bytes;
	info.flags = O_RDWR;
	info.priv = &ks_test_live;
	dmabuf = dma_buf_export(&info);
	if (!IS_ERR(dmabuf))
		atomic_inc(&ks_test_live);
	return dmabuf;
}

/* Number of dma-bufs. The last fput() of a kernel thread is delayed */
int ks_test_dma_bufs(void)
{
	return atomic_read(&ks_test_live);
}

/* Number of kernel mappings of the dma-bufs */
int ks_test_mappings(void)
{
	return atomic_read(&ks_test_mapped);
}

/* Number of kernel mappings that were ever made */
int ks_test_mappings_ever(void)
{
	return atomic_read(&ks_test_mapped_ever);
}

/* Waits until there are this many dma-bufs */
bool ks_test_dma_bufs_become(int count)
{
	flush_delayed_fput();
	return wait_event_timeout(ks_test_released,
				  ks_test_dma_bufs() == count,
				  KS_TEST_PATIENCE);
}

const struct ksalloc_planes ks_test_one_plane = {
	.count = 1,
	.sizes[0] = PAGE_SIZE,
};

static int ks_test_memory_alloc(void *context, u32 index, u32 plane,
				size_t bytes, struct ksalloc_memory *result)
{
	struct ks_test_memory *memory = context;
	u32 call = memory->calls++;

	memory->bytes = bytes;
	if (call == memory->fail_at)
		return memory->error;
	if (call == memory->signal_at)
		send_sig(memory->signal, current, 1);
	if (call == memory->same_at) {
		get_dma_buf(memory->first);
		result->dmabuf = memory->first;
		return 0;
	}
	result->dmabuf = ks_test_dma_buf(bytes);
	if (IS_ERR(result->dmabuf))
		return PTR_ERR(result->dmabuf);
	if (!call)
		memory->first = result->dmabuf;
	return 0;
}

static void ks_test_memory_free(void *context, u32 index, u32 plane,
				struct ksalloc_memory *memory)
{
	dma_buf_put(memory->dmabuf);
}

/* The creator is a &struct ks_test_memory, which may be freed after the creation */
const struct ksalloc_memory_ops ks_test_memory_ops = {
	.owner = THIS_MODULE,
	.alloc = ks_test_memory_alloc,
	.free = ks_test_memory_free,
};

/* Descriptors */

void ks_test_fd_close(struct ks_test_fd *fd)
{
	if (fd->fd >= 0)
		close_fd(fd->fd);
	fd->fd = -1;
}

static void ks_test_fd_action(void *data)
{
	ks_test_fd_close(data);
}

/* A descriptor that is closed by ks_test_fd_close() or at the end of the test */
struct ks_test_fd *ks_test_fd(struct kunit *test, struct file *file)
{
	struct ks_test_fd *fd;

	fd = kunit_kzalloc(test, sizeof(*fd), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fd);
	fd->fd = get_unused_fd_flags(O_CLOEXEC);
	KUNIT_ASSERT_GE(test, fd->fd, 0);
	fd_install(fd->fd, get_file(file));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   ks_test_fd_action,
							   fd));
	return fd;
}

/* Allocators */

static void ks_test_allocator_put(void *data)
{
	struct file *file = data;
	struct ks_allocator *alloc = ks_allocator_of(file);
	u32 i;

	/* After a failed test, allocators can be left. They end here */
	for (i = 0; i < alloc->nr_frames; i++)
		if (alloc->frames[i].connection)
			ks_allocator_take_back(alloc,
					       alloc->frames[i].connection);
	__fput_sync(file);
}

static struct file *ks_test_allocator_keep(struct kunit *test,
					   struct file *file)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   ks_test_allocator_put,
							   file));
	return file;
}

/* An allocator that exists until the end of the test, and its file */
struct file *ks_test_allocator_file(struct kunit *test, u32 frames)
{
	return ks_test_layout_file(test, frames, &ks_test_one_plane);
}

/* The same with any planes */
struct file *ks_test_layout_file(struct kunit *test, u32 frames,
				 const struct ksalloc_planes *layout)
{
	struct ksallocator_framing framing = {
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.frames = frames,
	};
	struct ks_test_memory memory = {
		.fail_at = KS_TEST_NEVER,
		.signal_at = KS_TEST_NEVER,
		.same_at = KS_TEST_NEVER,
	};
	struct ks_allocator *alloc;
	size_t frame_bytes = 0;
	struct file *file;
	u32 i;

	for (i = 0; i < layout->count; i++)
		framing.frame_size += layout->sizes[i];
	KUNIT_ASSERT_EQ(test, 0, ks_planes_bytes(layout, frames, U64_MAX,
						 &frame_bytes));
	alloc = ks_allocator_create(&framing, layout, frame_bytes,
				    &ks_test_memory_ops, &memory, true);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, alloc);
	file = ks_allocator_open(alloc);
	ks_allocator_put(alloc);
	return ks_test_allocator_keep(test, file);
}

/* Closes such a file earlier */
void ks_test_allocator_end(struct kunit *test, struct file *file)
{
	kunit_release_action(test, ks_test_allocator_put, file);
}

struct ks_allocator *ks_test_allocator(struct kunit *test, u32 frames)
{
	return ks_allocator_of(ks_test_allocator_file(test, frames));
}

/* Reads the state of a frame; returns a description of an inconsistency, or NULL */
static const char *ks_test_look_at(const struct ks_allocator *alloc, u32 index,
				   struct ks_test_frames *frames)
{
	const struct ksalloc_frame *frame = &alloc->frames[index];
	bool held = frame->state == KS_FRAME_ALLOCATED ||
		    frame->state == KS_FRAME_IN_DEVICE;

	frames->frame[index].state = frame->state;
	frames->frame[index].holds = frame->holds;
	frames->frame[index].owner = frame->owner;
	frames->frame[index].connection = frame->connection;
	if (frame->index != index)
		return "a frame has the index of another";
	if (held != !!frame->holds)
		return "a frame's holds do not fit its state";
	if (frame->state == KS_FRAME_ALLOCATED ? !frame->owner :
	    !held && frame->owner)
		return "a frame's owner does not fit its state";
	if (frame->connection && frame->state != KS_FRAME_IN_DEVICE)
		return "a frame's connection does not fit its state";
	return NULL;
}

/* Reads the state of all frames; returns a description of an inconsistency, or NULL */
static const char *ks_test_look_locked(struct ks_allocator *alloc,
				       struct ks_test_frames *frames)
{
	u32 i, count[KS_FRAME_FENCED + 1] = {}, in_device = 0, waiting = 0;
	const char *problem = NULL;
	struct ksalloc_frame *frame;
	struct list_head *link;

	lockdep_assert_held(&alloc->lock);

	frames->allocated = alloc->nr_allocated;
	frames->in_device = alloc->nr_in_device;
	frames->fenced = alloc->nr_fenced;
	frames->waiting = alloc->nr_waiting;
	list_for_each(link, &alloc->waiters)
		waiting++;
	list_for_each_entry(frame, &alloc->free, link) {
		if (frames->free == alloc->nr_frames)
			return "the free list is longer than there are frames";
		if (frame->state != KS_FRAME_FREE)
			return "a frame on the free list is not free";
		frames->order[frames->free++] = frame - alloc->frames;
	}
	for (i = 0; i < alloc->nr_frames && !problem; i++) {
		problem = ks_test_look_at(alloc, i, frames);
		count[alloc->frames[i].state]++;
		/* A frame without a connection was abandoned */
		in_device += !!alloc->frames[i].connection;
	}

	if (problem)
		return problem;
	if (alloc->nr_frames - count[KS_FRAME_FREE] != alloc->nr_allocated)
		return "the count of allocated frames is wrong";
	if (in_device != alloc->nr_in_device)
		return "the count of frames in a device is wrong";
	if (count[KS_FRAME_FENCED] != alloc->nr_fenced)
		return "the count of frames with fences is wrong";
	if (waiting != alloc->nr_waiting)
		return "the count of waiters is wrong";
	if (frames->free != count[KS_FRAME_FREE])
		return "a free frame is not on the free list";
	if (frames->free && waiting)
		return "a frame is free although somebody waits";
	return NULL;
}

/* Reads the state of all frames of an allocator, and fails if it is inconsistent */
void ks_test_look(struct kunit *test, struct ks_allocator *alloc,
		  struct ks_test_frames *frames)
{
	const char *problem;

	KUNIT_ASSERT_LE(test, alloc->nr_frames, KS_TEST_FRAMES);
	memset(frames, 0, sizeof(*frames));
	spin_lock_irq(&alloc->lock);
	problem = ks_test_look_locked(alloc, frames);
	spin_unlock_irq(&alloc->lock);
	if (problem)
		KUNIT_FAIL(test, "%s", problem);
}

/* Fails if anything about the frames is different */
void ks_test_expect_frames(struct kunit *test, struct ks_allocator *alloc,
			   const struct ks_test_frames *expected)
{
	struct ks_test_frames frames;

	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_MEMEQ(test, &frames, expected, sizeof(frames));
}

void ks_test_expect_counts(struct kunit *test, struct ks_allocator *alloc,
			   u32 allocated, u32 in_device, u32 waiting)
{
	struct ks_test_frames frames;

	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.allocated, allocated);
	KUNIT_EXPECT_EQ(test, frames.in_device, in_device);
	KUNIT_EXPECT_EQ(test, frames.waiting, waiting);
}

/* MODULE_IMPORT_NS() takes an identifier up to 6.12 and a string from 6.13 on */
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
MODULE_INFO(import_ns, "DMA_BUF");
