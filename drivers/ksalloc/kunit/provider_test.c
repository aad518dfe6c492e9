// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_provider": the four operations of the memory of an allocator, and
 * memory that never leaves the kernel.
 */
#include <linux/dma-buf.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "fake_device.h"

#define PROVIDER_FRAMES 5

/**
 * struct provider - memory that only the kernel can use, and the calls of its operations
 * @initialized: calls of initialize_allocator()
 * @allocated: calls of alloc()
 * @freed: calls of free()
 * @deleted: calls of delete_allocator()
 * @fail_initialize: errno of initialize_allocator(), or 0
 * @fail_at: the frame at which alloc() fails, or none
 * @nothing: the frame for which alloc() succeeds without a dma-buf and a mapping, or none
 * @misuse: a call violated the rules for the operations
 * @page: the memory of each frame, one page
 * @frames: number of frames, from initialize_allocator()
 * @bytes: bytes in a frame of one plane, from initialize_allocator()
 */
struct provider {
	int initialized;
	int allocated;
	int freed;
	int deleted;
	int fail_initialize;
	u32 fail_at;
	u32 nothing;
	bool misuse;
	void *page[PROVIDER_FRAMES];
	u32 frames;
	size_t bytes;
};

static int provider_initialize(void *creator,
			       const struct ksallocator_framing *framing,
			       const struct ksalloc_planes *planes,
			       void **context)
{
	/* The context need not be the creator */
	struct provider *provider = *(struct provider **)creator;

	provider->initialized++;
	provider->frames = framing->frames;
	provider->bytes = planes->sizes[0];
	if (!provider->fail_initialize)
		*context = provider;
	return provider->fail_initialize;
}

static int provider_alloc(void *context, u32 index, u32 plane, size_t bytes,
			  struct ksalloc_memory *memory)
{
	struct provider *provider = context;

	if (index != provider->allocated || plane || bytes != provider->bytes ||
	    memory->dmabuf || !iosys_map_is_null(&memory->map))
		provider->misuse = true;
	if (index == provider->fail_at)
		return -ENOSPC;
	provider->allocated++;
	if (index == provider->nothing)
		return 0;
	provider->page[index] = kzalloc(bytes, GFP_KERNEL);
	if (!provider->page[index])
		return -ENOMEM;
	iosys_map_set_vaddr(&memory->map, provider->page[index]);
	return 0;
}

static void provider_free(void *context, u32 index, u32 plane,
			  struct ksalloc_memory *memory)
{
	struct provider *provider = context;

	if (memory->dmabuf || provider->deleted ||
	    memory->map.vaddr != provider->page[index])
		provider->misuse = true;
	kfree(provider->page[index]);
	provider->page[index] = NULL;
	provider->freed++;
}

static void provider_delete(void *context)
{
	struct provider *provider = context;

	if (provider->freed != provider->allocated)
		provider->misuse = true;
	provider->deleted++;
}

static const struct ksalloc_memory_ops provider_ops = {
	.owner = THIS_MODULE,
	.initialize_allocator = provider_initialize,
	.alloc = provider_alloc,
	.free = provider_free,
	.delete_allocator = provider_delete,
};

static const struct provider provider_fine = {
	.fail_at = KS_TEST_NEVER,
	.nothing = KS_TEST_NEVER,
};

static struct ks_allocator *provider_create(struct provider *provider, bool user)
{
	struct ksallocator_framing framing = {
		.frames = PROVIDER_FRAMES,
		.frame_size = PAGE_SIZE,
	};

	return ks_allocator_create(&framing, &ks_test_one_plane, PAGE_SIZE,
				   &provider_ops, &provider, user);
}

/*
 * Passes if each operation is called the right number of times, in this order, and the
 * memory of the allocator is recognized by its operations (F2).
 */
static void provider_callbacks(struct kunit *test)
{
	struct provider provider = provider_fine;
	struct ks_allocator *alloc = provider_create(&provider, false);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, alloc);
	KUNIT_EXPECT_EQ(test, provider.initialized, 1);
	KUNIT_EXPECT_EQ(test, provider.frames, PROVIDER_FRAMES);
	KUNIT_EXPECT_EQ(test, provider.bytes, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, provider.allocated, PROVIDER_FRAMES);
	KUNIT_EXPECT_EQ(test, provider.freed, 0);
	KUNIT_EXPECT_EQ(test, provider.deleted, 0);
	KUNIT_EXPECT_PTR_EQ(test, ksalloc_allocator_memory(alloc, &provider_ops),
			    (void *)&provider);
	KUNIT_EXPECT_NULL(test, ksalloc_allocator_memory(alloc,
							 &ks_test_memory_ops));
	KUNIT_EXPECT_EQ(test, ksalloc_allocator_frames(alloc), PROVIDER_FRAMES);
	ks_allocator_put(alloc);
	KUNIT_EXPECT_EQ(test, provider.freed, PROVIDER_FRAMES);
	KUNIT_EXPECT_EQ(test, provider.deleted, 1);
	KUNIT_EXPECT_FALSE(test, provider.misuse);
}

/*
 * Passes if an error of initialize_allocator() is passed on, and nothing else is called
 * (F2, A4).
 */
static void provider_does_not_begin(struct kunit *test)
{
	struct provider provider = provider_fine;

	provider.fail_initialize = -EREMOTEIO;
	KUNIT_EXPECT_PTR_EQ(test, provider_create(&provider, false),
			    (struct ks_allocator *)ERR_PTR(-EREMOTEIO));
	KUNIT_EXPECT_EQ(test, provider.initialized, 1);
	KUNIT_EXPECT_EQ(test, provider.allocated, 0);
	KUNIT_EXPECT_EQ(test, provider.deleted, 0);
}

/*
 * Passes if an error at each frame is passed on, and all earlier frames are freed before
 * the end (F2, A4).
 */
static void provider_fails_at_each_frame(struct kunit *test)
{
	u32 i;

	for (i = 0; i < PROVIDER_FRAMES; i++) {
		struct provider provider = provider_fine;

		provider.fail_at = i;
		KUNIT_EXPECT_PTR_EQ(test, provider_create(&provider, false),
				    (struct ks_allocator *)ERR_PTR(-ENOSPC));
		KUNIT_EXPECT_EQ(test, provider.allocated, i);
		KUNIT_EXPECT_EQ(test, provider.freed, i);
		KUNIT_EXPECT_EQ(test, provider.deleted, 1);
		KUNIT_EXPECT_FALSE(test, provider.misuse);
	}
}

/* Passes if a frame without memory is refused, and freed with the others (F2). */
static void provider_gives_nothing(struct kunit *test)
{
	struct provider provider = provider_fine;

	provider.nothing = 2;
	KUNIT_EXPECT_PTR_EQ(test, provider_create(&provider, false),
			    (struct ks_allocator *)ERR_PTR(-EINVAL));
	KUNIT_EXPECT_EQ(test, provider.allocated, 3);
	KUNIT_EXPECT_EQ(test, provider.freed, 3);
	KUNIT_EXPECT_EQ(test, provider.deleted, 1);
	KUNIT_EXPECT_FALSE(test, provider.misuse);
}

/* Passes if memory without a dma-buf is refused for user space, and freed (F3). */
static void provider_not_for_users(struct kunit *test)
{
	struct provider provider = provider_fine;

	KUNIT_EXPECT_PTR_EQ(test, provider_create(&provider, true),
			    (struct ks_allocator *)ERR_PTR(-EOPNOTSUPP));
	KUNIT_EXPECT_EQ(test, provider.allocated, 1);
	KUNIT_EXPECT_EQ(test, provider.freed, 1);
	KUNIT_EXPECT_EQ(test, provider.deleted, 1);
	KUNIT_EXPECT_FALSE(test, provider.misuse);
}

/*
 * Passes if a client can use such frames and map their memory, and the file refuses all
 * ioctls even if a module makes a descriptor of it (F3).
 */
static void provider_for_clients(struct kunit *test)
{
	static const struct ksalloc_client_ops ops = {};
	struct provider provider = provider_fine;
	struct ks_allocator *alloc = provider_create(&provider, false);
	struct ksalloc_client *client;
	struct ksalloc_frame *frame;
	struct iosys_map map;
	struct file *file;
	unsigned int nr;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, alloc);
	file = ks_allocator_open(alloc);
	KUNIT_EXPECT_NULL(test, ksalloc_allocator_dmabuf(alloc, 0, 0));
	KUNIT_EXPECT_NULL(test,
			  ksalloc_allocator_dmabuf(alloc, PROVIDER_FRAMES, 0));
	ks_allocator_put(alloc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	for (nr = 0; nr < 256; nr++)
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
				file->f_op->unlocked_ioctl(file,
							   _IO(KSALLOC_TYPE, nr),
							   0));
	client = ksalloc_client_create(file, &ops, NULL);
	__fput_sync(file);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, client);
	frame = ksalloc_alloc_frame(client);
	KUNIT_EXPECT_PTR_EQ(test, frame, ksalloc_frame(client, 0));
	KUNIT_EXPECT_NULL(test, ksalloc_frame_dmabuf(frame, 0));
	KUNIT_EXPECT_EQ(test, 0, ksalloc_frame_vmap(frame, 0, &map));
	KUNIT_EXPECT_PTR_EQ(test, map.vaddr, provider.page[0]);
	ksalloc_frame_vunmap(frame, 0, &map);
	KUNIT_EXPECT_EQ(test, provider.deleted, 0);
	ksalloc_client_destroy(client);
	KUNIT_EXPECT_EQ(test, provider.deleted, 1);
	KUNIT_EXPECT_FALSE(test, provider.misuse);
}

/*
 * Passes if such an allocator cannot be assigned to a connection, even by the kernel: the
 * device, which expects dma-bufs, is not called, and nothing changes (D5, F3).
 */
static void provider_not_for_connections(struct kunit *test)
{
	struct provider provider = provider_fine;
	struct ks_allocator *alloc = provider_create(&provider, false);
	struct ks_rig *rig;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, alloc);
	rig = ks_rig_create(test, 1);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			ks_connection_set_allocator(rig->conn, alloc));
	ks_rig_expect_calls(rig, "");
	KUNIT_EXPECT_PTR_EQ(test, rig->conn->allocator, rig->alloc);
	KUNIT_EXPECT_EQ(test, kref_read(&alloc->refs), 1);

	/*
	 * If the assignment succeeded because of a bug, the allocator must not outlive the
	 * provider
	 */
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn,
							     rig->alloc));
	ks_allocator_put(alloc);
	KUNIT_EXPECT_EQ(test, provider.deleted, 1);
}

/**
 * struct provider_unlocked - memory that checks the lock of a connection when it is freed
 * @memory: the memory
 * @conn: the connection
 * @locked: the lock was held
 * @deleted: calls of delete_allocator()
 */
struct provider_unlocked {
	struct ks_test_memory memory;
	struct ks_connection *conn;
	bool locked;
	int deleted;
};

static int provider_unlocked_alloc(void *context, u32 index, u32 plane,
				   size_t bytes, struct ksalloc_memory *memory)
{
	struct provider_unlocked *unlocked = context;

	return ks_test_memory_ops.alloc(&unlocked->memory, index, plane, bytes,
					memory);
}

static void provider_unlocked_free(void *context, u32 index, u32 plane,
				   struct ksalloc_memory *memory)
{
	struct provider_unlocked *unlocked = context;

	unlocked->locked |= mutex_is_locked(&unlocked->conn->lock);
	dma_buf_put(memory->dmabuf);
}

static void provider_unlocked_delete(void *context)
{
	struct provider_unlocked *unlocked = context;

	unlocked->locked |= mutex_is_locked(&unlocked->conn->lock);
	unlocked->deleted++;
}

static const struct ksalloc_memory_ops provider_unlocked_ops = {
	.owner = THIS_MODULE,
	.alloc = provider_unlocked_alloc,
	.free = provider_unlocked_free,
	.delete_allocator = provider_unlocked_delete,
};

/*
 * Passes if the memory of an allocator that ends because another one, or none, is assigned
 * is freed without the lock of the connection (F2).
 */
static void provider_ends_without_lock(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, 1);
	struct provider_unlocked unlocked = {
		.memory = {
			.fail_at = KS_TEST_NEVER,
			.signal_at = KS_TEST_NEVER,
			.same_at = KS_TEST_NEVER,
		},
		.conn = rig->conn,
	};
	struct ksallocator_framing framing = {
		.frames = PROVIDER_FRAMES,
		.frame_size = PAGE_SIZE,
	};
	int i;

	for (i = 0; i < 2; i++) {
		struct ks_allocator *alloc;

		alloc = ks_allocator_create(&framing, &ks_test_one_plane,
					    PAGE_SIZE, &provider_unlocked_ops,
					    &unlocked, true);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, alloc);
		KUNIT_EXPECT_EQ(test, 0,
				ks_connection_set_allocator(rig->conn, alloc));
		ks_allocator_put(alloc);
		KUNIT_EXPECT_EQ(test, unlocked.deleted, i);
		KUNIT_EXPECT_EQ(test, 0,
				ks_connection_set_allocator(rig->conn,
							    i ? rig->alloc : NULL));
		KUNIT_EXPECT_EQ(test, unlocked.deleted, i + 1);
		KUNIT_EXPECT_FALSE(test, unlocked.locked);
	}
}

struct provider_gate {
	struct work_struct work;
	struct completion open;
};

static void provider_gate_work(struct work_struct *work)
{
	struct provider_gate *gate = container_of(work, struct provider_gate,
						  work);

	wait_for_completion(&gate->open);
}

/*
 * Passes if an allocator is freed in the workqueue if its last reference is dropped in a
 * context that must not wait, and if no work is queued for other references (B7).
 */
static void provider_ends_in_workqueue(struct kunit *test)
{
	struct provider provider = provider_fine;
	struct ks_allocator *alloc = provider_create(&provider, false);
	struct workqueue_struct *wq;
	struct provider_gate gate;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, alloc);
	wq = alloc_ordered_workqueue("ksalloc-test", 0);
	KUNIT_ASSERT_NOT_NULL(test, wq);
	ks_allocator_get(alloc);
	ks_allocator_put_on(alloc, wq);
	flush_workqueue(wq);
	KUNIT_EXPECT_EQ(test, provider.deleted, 0);

	INIT_WORK_ONSTACK(&gate.work, provider_gate_work);
	init_completion(&gate.open);
	queue_work(wq, &gate.work);
	ks_allocator_put_on(alloc, wq);
	KUNIT_EXPECT_EQ(test, provider.deleted, 0);
	complete(&gate.open);
	destroy_workqueue(wq);
	destroy_work_on_stack(&gate.work);
	KUNIT_EXPECT_EQ(test, provider.freed, PROVIDER_FRAMES);
	KUNIT_EXPECT_EQ(test, provider.deleted, 1);
}

static int provider_small(void *context, u32 index, u32 plane, size_t bytes,
			  struct ksalloc_memory *memory)
{
	int ret = ks_test_memory_ops.alloc(context, index, plane, bytes, memory);

	/* Changes only the reported size of the dma-buf */
	if (!ret && index == 1)
		memory->dmabuf->size = bytes - 1;
	return ret;
}

/* Passes if a dma-buf that is too small is refused, and all frames are freed (F2). */
static void provider_too_small(struct kunit *test)
{
	const struct ksalloc_memory_ops ops = {
		.owner = THIS_MODULE,
		.alloc = provider_small,
		.free = ks_test_memory_ops.free,
	};
	struct ksallocator_framing framing = {
		.frames = PROVIDER_FRAMES,
		.frame_size = PAGE_SIZE,
	};
	struct ks_test_memory memory = {
		.fail_at = KS_TEST_NEVER,
		.signal_at = KS_TEST_NEVER,
		.same_at = KS_TEST_NEVER,
	};
	int ground = ks_test_dma_bufs();

	KUNIT_EXPECT_PTR_EQ(test,
			    ks_allocator_create(&framing, &ks_test_one_plane,
						PAGE_SIZE, &ops, &memory, true),
			    (struct ks_allocator *)ERR_PTR(-EINVAL));
	KUNIT_EXPECT_EQ(test, memory.calls, 2);
	KUNIT_EXPECT_TRUE(test, ks_test_dma_bufs_become(ground));
}

static struct kunit_case provider_cases[] = {
	KUNIT_CASE(provider_callbacks),
	KUNIT_CASE(provider_does_not_begin),
	KUNIT_CASE(provider_fails_at_each_frame),
	KUNIT_CASE(provider_gives_nothing),
	KUNIT_CASE(provider_not_for_users),
	KUNIT_CASE(provider_for_clients),
	KUNIT_CASE(provider_not_for_connections),
	KUNIT_CASE(provider_ends_without_lock),
	KUNIT_CASE(provider_ends_in_workqueue),
	KUNIT_CASE(provider_too_small),
	{}
};

static struct kunit_suite provider_suite = {
	.name = "ksalloc_provider",
	.init = ks_test_init,
	.test_cases = provider_cases,
};

kunit_test_suite(provider_suite);
