// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators: creation, memory of the frames, and end. allocator.h describes the rules.
 */
#include <kunit/visibility.h>
#include <linux/ctype.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sprintf.h>
#include <linux/string.h>

#include "account.h"
#include "allocator.h"
#include "ioctl.h"
#include "planes.h"
#include "trace.h"

/* Number of planes of all frames */
static u32 ks_allocator_nr_planes(const struct ks_allocator *alloc)
{
	return alloc->nr_frames * alloc->layout.count;
}

/* Frees the memory of the first @nr_planes planes, and calls delete_allocator() */
static void ks_allocator_free_memory(struct ks_allocator *alloc, u32 nr_planes)
{
	const struct ksalloc_memory_ops *ops = alloc->memory_ops;

	while (nr_planes--) {
		struct ks_plane *plane = &alloc->planes[nr_planes];
		struct ksalloc_memory memory = { plane->dmabuf, plane->map };

		WARN_ON_ONCE(plane->mapped);
		ops->free(alloc->memory, nr_planes / alloc->layout.count,
			  nr_planes % alloc->layout.count, &memory);
	}
	if (ops->delete_allocator)
		ops->delete_allocator(alloc->memory);
	module_put(ops->owner);
}

/* Whether one of the first @nr_planes planes has this dma-buf. Planes must not share memory */
static bool ks_allocator_has_dmabuf(const struct ks_allocator *alloc,
				    const struct dma_buf *dmabuf, u32 nr_planes)
{
	while (nr_planes--)
		if (alloc->planes[nr_planes].dmabuf == dmabuf)
			return true;
	return false;
}

/*
 * Checks whether the next plane can have this memory; returns 0 or an errno. @nr_planes is the
 * number of planes before it. Contract F3, B6
 */
static int ks_allocator_check_memory(const struct ks_allocator *alloc,
				     u32 nr_planes, u64 bytes,
				     const struct ksalloc_memory *memory,
				     bool user)
{
	if (!memory->dmabuf) {
		if (user)
			return -EOPNOTSUPP;
		return iosys_map_is_null(&memory->map) ? -EINVAL : 0;
	}
	if (memory->dmabuf->size < bytes ||
	    ks_allocator_has_dmabuf(alloc, memory->dmabuf, nr_planes))
		return -EINVAL;
	return 0;
}

/* Allocates the memory of the next plane; @nr_planes is the number of planes before it */
static int ks_allocator_add_plane(struct ks_allocator *alloc, u32 nr_planes,
				  bool user)
{
	const struct ksalloc_memory_ops *ops = alloc->memory_ops;
	const u32 index = nr_planes / alloc->layout.count;
	const u32 plane = nr_planes % alloc->layout.count;
	const u64 bytes = ks_plane_bytes(&alloc->layout, plane);
	struct ksalloc_memory memory = {};
	int ret;

	ret = ops->alloc(alloc->memory, index, plane, bytes, &memory);
	if (ret)
		return ret;
	ret = ks_allocator_check_memory(alloc, nr_planes, bytes, &memory, user);
	/* A killed task stops allocating early */
	if (!ret && fatal_signal_pending(current))
		ret = -EINTR;
	if (ret) {
		ops->free(alloc->memory, index, plane, &memory);
		return ret;
	}

	alloc->planes[nr_planes].dmabuf = memory.dmabuf;
	alloc->planes[nr_planes].map = memory.map;
	if (!memory.dmabuf)
		alloc->kernel_only = true;
	return 0;
}

/* Allocates the memory of all frames. On failure, frees what was allocated. Contract F2 */
static int ks_allocator_get_memory(struct ks_allocator *alloc, void *creator,
				   bool user)
{
	const struct ksalloc_memory_ops *ops = alloc->memory_ops;
	int ret = 0;
	u32 i;

	if (!try_module_get(ops->owner))
		return -ENODEV;
	alloc->memory = creator;
	if (ops->initialize_allocator)
		ret = ops->initialize_allocator(creator, &alloc->framing,
						&alloc->layout, &alloc->memory);
	if (ret) {
		module_put(ops->owner);
		return ret;
	}

	for (i = 0; i < ks_allocator_nr_planes(alloc) && !ret; i++) {
		ret = ks_allocator_add_plane(alloc, i, user);
		if (ret)
			ks_allocator_free_memory(alloc, i);
		/* An imported dma-buf is compared with all before it */
		cond_resched();
	}
	return ret;
}

/* Every program chooses its own name, and can put in anything */
static void ks_keep_printable(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (isascii(*text) && isprint(*text))
			*to++ = *text;
	*to = '\0';
}

/*
 * Makes a name such as "ksalloc 7/2 ks-capture:123", or "ksalloc 7/2.1 ks-capture:123" if there are
 * several planes. @plane is the position among the planes of all frames. @comm is cut if there is
 * not enough room. Without room for @pid, both are left out.
 */
void ks_plane_name(char name[DMA_BUF_NAME_LEN], const struct ks_allocator *alloc,
		   u32 plane, const char *comm, pid_t pid)
{
	const u32 count = alloc->layout.count;
	int used, room;

	used = scnprintf(name, DMA_BUF_NAME_LEN, "ksalloc %u/%u", alloc->id,
			 plane / count);
	if (count > 1)
		used += scnprintf(name + used, DMA_BUF_NAME_LEN - used, ".%u",
				  plane % count);
	room = DMA_BUF_NAME_LEN - 1 - used - snprintf(NULL, 0, " :%d", pid);
	if (room >= 0)
		scnprintf(name + used, DMA_BUF_NAME_LEN - used, " %.*s:%d",
			  room, comm, pid);
}
EXPORT_SYMBOL_IF_KUNIT(ks_plane_name);

/* Names a dma-buf if it has no name. Does nothing if there is no memory for the name */
static void ks_dmabuf_set_name(struct dma_buf *dmabuf, const char *name)
{
	const char *copy = kstrdup(name, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	spin_lock(&dmabuf->name_lock);
	if (!dmabuf->name)
		swap(dmabuf->name, copy);
	spin_unlock(&dmabuf->name_lock);
	kfree(copy);
}

/* Stores the name and the process of the calling program */
void ks_program_set(struct ks_program *program)
{
	get_task_comm(program->comm, current->group_leader);
	ks_keep_printable(program->comm);
	program->pid = task_tgid_nr(current);
}

/*
 * Names lead to the allocator and to the program that created it, in bufinfo in debugfs and in
 * fdinfo, also when both have ended
 */
void ks_allocator_name_planes(const struct ks_allocator *alloc,
			      const struct ks_program *program)
{
	char name[DMA_BUF_NAME_LEN];
	u32 i;

	for (i = 0; i < ks_allocator_nr_planes(alloc); i++) {
		if (!alloc->planes[i].dmabuf)
			continue;
		ks_plane_name(name, alloc, i, program->comm, program->pid);
		ks_dmabuf_set_name(alloc->planes[i].dmabuf, name);
	}
}

static void ks_allocator_add_frame(struct ks_allocator *alloc, u32 index)
{
	struct ksalloc_frame *frame = &alloc->frames[index];

	frame->index = index;
	frame->nr_planes = alloc->layout.count;
	frame->planes = &alloc->planes[index * alloc->layout.count];
}

/* Creates an allocator without memory of frames; NULL on failure */
static struct ks_allocator *ks_allocator_new(u32 nr_frames,
					     const struct ksalloc_planes *layout)
{
	struct ks_allocator *alloc;
	u32 i;

	alloc = kvzalloc(struct_size(alloc, frames, nr_frames),
			 GFP_KERNEL_ACCOUNT);
	if (!alloc)
		return NULL;
	alloc->nr_frames = nr_frames;
	alloc->layout = *layout;
	alloc->planes = kvcalloc(ks_allocator_nr_planes(alloc),
				 sizeof(*alloc->planes), GFP_KERNEL_ACCOUNT);
	if (!alloc->planes) {
		kvfree(alloc);
		return NULL;
	}

	kref_init(&alloc->refs);
	alloc->id = ks_new_id();
	alloc->user = INVALID_UID;
	ks_pool_init(alloc);
	mutex_init(&alloc->event_lock);
	INIT_LIST_HEAD(&alloc->events);
	for (i = 0; i < nr_frames; i++)
		ks_allocator_add_frame(alloc, i);
	return alloc;
}

static void ks_allocator_delete(struct ks_allocator *alloc)
{
	mutex_destroy(&alloc->event_lock);
	kvfree(alloc->planes);
	kvfree(alloc);
}

/*
 * @framing has no zeros for "as the device needs". @layout is from ks_planes_resolve(),
 * and @frame_bytes from ks_planes_bytes(). With @user, user space gets the allocator, so
 * each plane needs a dma-buf. The caller holds no lock that @ops take; none for heaps.
 * Returns one reference; on failure, all memory is freed. Contract A1, A4, F1 to F3.
 */
struct ks_allocator *
ks_allocator_create(const struct ksallocator_framing *framing,
		    const struct ksalloc_planes *layout, size_t frame_bytes,
		    const struct ksalloc_memory_ops *ops, void *creator,
		    bool user)
{
	struct ks_allocator *alloc;
	int ret;

	might_sleep();

	alloc = ks_allocator_new(framing->frames, layout);
	if (!alloc)
		return ERR_PTR(-ENOMEM);
	alloc->framing = *framing;
	alloc->frame_bytes = frame_bytes;
	alloc->memory_ops = ops;

	ret = ks_allocator_get_memory(alloc, creator, user);
	if (ret) {
		ks_allocator_delete(alloc);
		return ERR_PTR(ret);
	}

	ks_pool_begin(alloc);
	trace_ksalloc_create(alloc);
	return alloc;
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_create);

/*
 * @bytes count for the calling user until the allocator is freed. Returns -ENOMEM also if
 * all allocators of this user would have more than @max_bytes together. Contract A8.
 */
struct ks_allocator *
ks_allocator_create_for_user(const struct ksallocator_framing *framing,
			     const struct ksalloc_planes *layout,
			     size_t frame_bytes,
			     const struct ksalloc_memory_ops *ops,
			     void *creator, u64 bytes, u64 max_bytes)
{
	const unsigned long pages = min(DIV_ROUND_UP_ULL(bytes, PAGE_SIZE), LONG_MAX);
	const kuid_t user = ks_account_user();
	struct ks_allocator *alloc;
	int ret;

	ret = ks_account_charge(user, pages,
				min_t(u64, max_bytes >> PAGE_SHIFT, LONG_MAX));
	if (ret)
		return ERR_PTR(ret);
	alloc = ks_allocator_create(framing, layout, frame_bytes, ops, creator,
				    true);
	if (IS_ERR(alloc)) {
		ks_account_uncharge(user, pages);
		return alloc;
	}
	alloc->user = user;
	alloc->pages = pages;
	return alloc;
}

static void ks_allocator_release(struct kref *refs)
{
	struct ks_allocator *alloc = container_of(refs, struct ks_allocator,
						  refs);

	/* Waiters, notifiers, and frames in a device all need a reference */
	WARN_ON_ONCE(alloc->nr_in_device || alloc->nr_waiting);
	WARN_ON_ONCE(alloc->nr_events || !list_empty(&alloc->notifiers.always) ||
		     !list_empty(&alloc->notifiers.once));
	ks_pool_end(alloc);
	ks_allocator_free_memory(alloc, ks_allocator_nr_planes(alloc));
	if (uid_valid(alloc->user))
		ks_account_uncharge(alloc->user, alloc->pages);
	ks_allocator_delete(alloc);
}

/* The caller must not hold a lock that an operation of the memory takes */
void ks_allocator_put(struct ks_allocator *alloc)
{
	might_sleep();

	kref_put(&alloc->refs, ks_allocator_release);
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_put);

static void ks_allocator_put_work(struct work_struct *work)
{
	ks_allocator_put(container_of(work, struct ks_allocator, put_work));
}

/* Does not sleep: if this is the last reference, the allocator is freed in @wq */
void ks_allocator_put_on(struct ks_allocator *alloc,
			 struct workqueue_struct *wq)
{
	if (refcount_dec_not_one(&alloc->refs.refcount))
		return;
	INIT_WORK(&alloc->put_work, ks_allocator_put_work);
	queue_work(wq, &alloc->put_work);
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_put_on);

/**
 * ksalloc_allocator_memory() - the context of the memory of an allocator
 * @allocator: the allocator
 * @ops: the operations of the memory
 *
 * A device uses this to recognize allocators of its own memory.
 *
 * Context: any.
 * Return: the context that @ops->initialize_allocator stored; NULL if the allocator has
 * other memory.
 */
void *ksalloc_allocator_memory(const struct ks_allocator *allocator,
			       const struct ksalloc_memory_ops *ops)
{
	return allocator->memory_ops == ops ? allocator->memory : NULL;
}
EXPORT_SYMBOL_GPL(ksalloc_allocator_memory);

/**
 * ksalloc_allocator_frames() - the number of frames of an allocator
 * @allocator: the allocator
 *
 * Context: any.
 * Return: the number of frames.
 */
u32 ksalloc_allocator_frames(const struct ks_allocator *allocator)
{
	return allocator->nr_frames;
}
EXPORT_SYMBOL_GPL(ksalloc_allocator_frames);

/**
 * ksalloc_allocator_planes() - the number of memory planes of each frame
 * @allocator: the allocator
 *
 * Context: any.
 * Return: the number of planes. While an allocator is assigned to a connection, it is the
 * number that the device needs.
 */
u32 ksalloc_allocator_planes(const struct ks_allocator *allocator)
{
	return allocator->layout.count;
}
EXPORT_SYMBOL_GPL(ksalloc_allocator_planes);

/**
 * ksalloc_allocator_plane_bytes() - the size of a plane of the frames of an allocator
 * @allocator: the allocator
 * @plane: the plane; 0 for the first or only one
 *
 * A device must not write beyond this size. The dma-buf can be larger, and the rest does not
 * belong to the frame.
 *
 * Context: any.
 * Return: bytes in this plane of each frame, in whole pages; 0 if there is no such plane.
 */
size_t ksalloc_allocator_plane_bytes(const struct ks_allocator *allocator,
				     u32 plane)
{
	return plane < allocator->layout.count ?
	       ks_plane_bytes(&allocator->layout, plane) : 0;
}
EXPORT_SYMBOL_GPL(ksalloc_allocator_plane_bytes);

/**
 * ksalloc_allocator_dmabuf() - the dma-buf of a plane of a frame
 * @allocator: the allocator
 * @index: the index of the frame
 * @plane: the plane; 0 for the first or only one
 *
 * Context: any.
 * Return: the dma-buf, which is valid as long as the allocator exists; NULL if there is no
 * such frame or plane, or its memory never leaves the kernel.
 */
struct dma_buf *ksalloc_allocator_dmabuf(const struct ks_allocator *allocator,
					 u32 index, u32 plane)
{
	struct ksalloc_frame *frame = ks_frame_at(allocator, index);

	return frame ? ks_frame_dmabuf(frame, plane) : NULL;
}
EXPORT_SYMBOL_GPL(ksalloc_allocator_dmabuf);
