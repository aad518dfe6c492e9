// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices for tests of ksalloc, with their own memory (test-memory.c).
 *
 * A device is a work item that writes numbers into frames. It accepts any memory that the
 * kernel can map, and recognizes its own. A program can make operations block and fail, and
 * devices disappear: see ksalloc-test-device.h.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/iosys-map.h>
#include <linux/jiffies.h>
#include <linux/kref.h>
#include <linux/ksalloc.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "test-device.h"

#define TEST_FRAMES 2

static atomic_t test_recognized;

/**
 * struct test_control - an open file of /dev/ksalloc-test-device
 * @refs: the open file, and each device that was made through it
 * @wait: operations that block
 * @blocking: the operations that shall block
 * @error: what each operation fails with, or 0
 * @gone: the devices have disappeared
 * @exposing: the devices fill no frame
 * @calls: calls of each operation
 * @blocked: operations that block now
 * @impatient: operations that blocked too long
 * @filled: frames that were filled
 * @writes: writes into frames that are not filled
 * @lock: held over each notification, and protects @devices
 * @devices: the devices that may notify
 */
struct test_control {
	struct kref refs;
	wait_queue_head_t wait;
	unsigned long blocking;
	int error[DEVICE_OPS];
	bool gone;
	bool exposing;
	atomic_t calls[DEVICE_OPS];
	atomic_t blocked;
	atomic_t impatient;
	atomic_t filled;
	atomic_t writes;

	struct mutex lock; /* notifications */
	struct list_head devices;
};

static void test_control_release(struct kref *refs)
{
	kfree(container_of(refs, struct test_control, refs));
}

static void test_control_put(struct test_control *control)
{
	kref_put(&control->refs, test_control_release);
}

/*
 * Begins an operation. It blocks if the program has set that. Returns 0 or the errno with
 * which it shall fail
 */
static int test_enter(struct ksalloc_device *device, enum device_op op)
{
	struct test_control *control = to_test(device)->control;

	atomic_inc(&control->calls[op]);
	if (test_bit(op, &control->blocking)) {
		atomic_inc(&control->blocked);
		if (!wait_event_timeout(control->wait,
					!test_bit(op, &control->blocking),
					DEVICE_PATIENCE_S * HZ))
			atomic_inc(&control->impatient);
		atomic_dec(&control->blocked);
	}
	return READ_ONCE(control->error[op]);
}

/* What the device does */

/*
 * Writes a word. Other devices and the CPU caches can have the memory, so this calls begin
 * and end of CPU access. They can sleep.
 */
static int test_write(struct test_device *device, u32 index, u32 word, u32 value)
{
	struct dma_buf *dmabuf = ksalloc_allocator_dmabuf(device->allocator,
							  index, 0);
	struct iosys_map map;
	int ret;

	ret = dma_buf_begin_cpu_access(dmabuf, DMA_TO_DEVICE);
	if (ret)
		return ret;
	if (device->own)
		iosys_map_set_vaddr(&map, device->own->vaddr[index]);
	else
		map = device->map[index];
	iosys_map_wr(&map, word * sizeof(u32), u32, value);
	return dma_buf_end_cpu_access(dmabuf, DMA_TO_DEVICE);
}

static void test_notify(struct test_device *device)
{
	struct test_control *control = device->control;

	mutex_lock(&control->lock);
	if (!list_empty(&device->link))
		ksalloc_device_notify(&device->device);
	mutex_unlock(&control->lock);
}

/*
 * Fills the frame that was queued first. A frame that cannot be written is completed
 * without data
 */
static void test_fill(struct test_device *device)
{
	const u32 index = device->queued[0], sequence = device->sequence++;
	int ret = test_write(device, index, 0, sequence);

	spin_lock_irq(&device->lock);
	device->n_queued--;
	memmove(&device->queued[0], &device->queued[1],
		device->n_queued * sizeof(device->queued[0]));
	device->filled[device->n_filled++] = (struct ksalloc_completion){
		.index = index,
		.sequence = sequence,
		.planes[0].data_used = ret ? 0 : sizeof(u32),
		.options_flags = KSSTREAM_HEADER_OPTIONSF_TIMEVALID,
		.time = div_u64(ktime_get_ns(), 100),
	};
	spin_unlock_irq(&device->lock);

	atomic_inc(&device->control->filled);
	test_notify(device);
}

/*
 * The first @n entries of the queue do not change, because only this work item removes some
 */
static void test_scribble(struct test_device *device, u32 from, u32 n)
{
	u32 i;

	device->scribble++;
	for (i = from; i < n; i++) {
		if (test_write(device, device->queued[i], 1, device->scribble))
			continue;
		atomic_inc(&device->control->writes);
	}
}

static void test_work(struct work_struct *work)
{
	struct test_device *device = container_of(to_delayed_work(work),
						  struct test_device, work);
	bool fills;
	u32 n;

	spin_lock_irq(&device->lock);
	n = device->n_queued;
	fills = n && !device->stuck && !READ_ONCE(device->control->exposing);
	spin_unlock_irq(&device->lock);

	test_scribble(device, fills ? 1 : 0, n);
	if (fills)
		test_fill(device);
	schedule_delayed_work(&device->work, msecs_to_jiffies(DEVICE_PERIOD_MS));
}

/* The operations */

static int test_get_framing(struct ksalloc_device *ksalloc,
			    struct ksalloc_requirements *needs)
{
	*needs = (struct ksalloc_requirements){
		.framing = {
			.requirements_flags = KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY,
			.frames = TEST_FRAMES,
			.frame_size = to_test(ksalloc)->ask.frame_size,
		},
	};
	return test_enter(ksalloc, DEVICE_OP_GET_FRAMING);
}

static int test_get_details(struct ksalloc_device *ksalloc,
			    struct ksalloc_framing_details *details)
{
	return test_enter(ksalloc, DEVICE_OP_GET_DETAILS);
}

static void test_unmap_frames(struct test_device *device, u32 frames)
{
	while (frames--)
		dma_buf_vunmap_unlocked(ksalloc_allocator_dmabuf(device->allocator,
								 frames, 0),
					&device->map[frames]);
	kvfree(device->map);
	device->map = NULL;
}

static int test_map_frames(struct test_device *device)
{
	u32 i, frames = ksalloc_allocator_frames(device->allocator);
	struct dma_buf *dmabuf;
	int ret;

	device->map = kvcalloc(frames, sizeof(*device->map), GFP_KERNEL);
	if (!device->map)
		return -ENOMEM;
	for (i = 0; i < frames; i++) {
		dmabuf = ksalloc_allocator_dmabuf(device->allocator, i, 0);
		ret = dma_buf_vmap_unlocked(dmabuf, &device->map[i]);
		if (ret) {
			test_unmap_frames(device, i);
			return ret;
		}
	}
	return 0;
}

static int test_acquire(struct ksalloc_device *ksalloc,
			const struct ks_allocator *allocator)
{
	struct test_device *device = to_test(ksalloc);
	int ret = test_enter(ksalloc, DEVICE_OP_ACQUIRE);

	if (ret)
		return ret;
	device->allocator = allocator;
	device->own = ksalloc_allocator_memory(allocator, &test_memory_ops);
	if (device->own)
		atomic_inc(&test_recognized);
	else
		ret = test_map_frames(device);
	if (ret)
		device->allocator = NULL;
	return ret;
}

static void test_forget_frames(struct test_device *device)
{
	if (!device->allocator)
		return;
	if (!device->own)
		test_unmap_frames(device,
				  ksalloc_allocator_frames(device->allocator));
	device->own = NULL;
	device->allocator = NULL;
}

static void test_release(struct ksalloc_device *ksalloc)
{
	test_enter(ksalloc, DEVICE_OP_RELEASE);
	test_forget_frames(to_test(ksalloc));
}

static int test_queue(struct ksalloc_device *ksalloc, u32 index, int dmabuf_fd)
{
	struct test_device *device = to_test(ksalloc);
	int ret = test_enter(ksalloc, DEVICE_OP_QUEUE);

	if (ret)
		return ret;
	spin_lock_irq(&device->lock);
	device->queued[device->n_queued++] = index;
	spin_unlock_irq(&device->lock);

	return 0;
}

static int test_dequeue(struct ksalloc_device *ksalloc,
			struct ksalloc_completion *completion)
{
	struct test_device *device = to_test(ksalloc);
	int ret = test_enter(ksalloc, DEVICE_OP_DEQUEUE);

	if (ret)
		return ret;
	ret = -EAGAIN;
	spin_lock_irq(&device->lock);
	if (device->n_filled) {
		*completion = device->filled[0];
		device->n_filled--;
		memmove(&device->filled[0], &device->filled[1],
			device->n_filled * sizeof(device->filled[0]));
		ret = 0;
	}
	spin_unlock_irq(&device->lock);

	return ret;
}

static int test_run(struct ksalloc_device *ksalloc)
{
	int ret = test_enter(ksalloc, DEVICE_OP_RUN);

	if (!ret)
		schedule_delayed_work(&to_test(ksalloc)->work,
				      msecs_to_jiffies(DEVICE_PERIOD_MS));
	return ret;
}

static int test_stop(struct ksalloc_device *ksalloc)
{
	struct test_device *device = to_test(ksalloc);
	int ret = test_enter(ksalloc, DEVICE_OP_STOP);

	if (!ret)
		cancel_delayed_work_sync(&device->work);
	spin_lock_irq(&device->lock);
	device->stuck = ret;
	if (!ret)
		device->n_queued = 0;
	device->n_filled = 0;
	spin_unlock_irq(&device->lock);

	return ret;
}

static bool test_ready(struct ksalloc_device *ksalloc)
{
	return READ_ONCE(to_test(ksalloc)->n_filled);
}

static bool test_gone(struct ksalloc_device *ksalloc)
{
	return READ_ONCE(to_test(ksalloc)->control->gone);
}

static int test_watch(struct ksalloc_device *ksalloc)
{
	struct test_device *device = to_test(ksalloc);
	int ret = test_enter(ksalloc, DEVICE_OP_WATCH);

	if (ret)
		return ret;
	mutex_lock(&device->control->lock);
	list_add_tail(&device->link, &device->control->devices);
	mutex_unlock(&device->control->lock);

	return 0;
}

static void test_unwatch(struct ksalloc_device *ksalloc)
{
	struct test_device *device = to_test(ksalloc);

	mutex_lock(&device->control->lock);
	list_del_init(&device->link);
	mutex_unlock(&device->control->lock);
}

/* After a stop() that failed, release() was not called */
static void test_destroy(struct ksalloc_device *ksalloc)
{
	struct test_device *device = to_test(ksalloc);

	test_enter(ksalloc, DEVICE_OP_DESTROY);
	cancel_delayed_work_sync(&device->work);
	test_forget_frames(device);
	test_control_put(device->control);
	kvfree(device);
}

static void test_show(struct ksalloc_device *ksalloc, struct seq_file *m)
{
	seq_puts(m, "device:\ttest\n");
}

/* With its own memory, and without */

#define TEST_OPS				\
	.owner = THIS_MODULE,			\
	.get_framing = test_get_framing,	\
	.get_details = test_get_details,	\
	.acquire = test_acquire,		\
	.release = test_release,		\
	.queue = test_queue,			\
	.dequeue = test_dequeue,		\
	.run = test_run,			\
	.stop = test_stop,			\
	.ready = test_ready,			\
	.gone = test_gone,			\
	.watch = test_watch,			\
	.unwatch = test_unwatch,		\
	.destroy = test_destroy,		\
	.show = test_show

static const struct ksalloc_device_ops test_ops = {
	TEST_OPS,
};

static const struct ksalloc_device_ops test_ops_with_memory = {
	TEST_OPS,
	.memory = &test_memory_ops,
};

/* The ioctls */

static bool test_connect_valid(const struct device_connect *ask)
{
	return ask->memory <= DEVICE_MEMORY_KERNEL && ask->frame_size &&
	       ask->failure <= DEVICE_FAILS_ALLOC && !ask->__reserved &&
	       (!ask->failure || IS_ERR_VALUE((long)ask->error));
}

static long test_connect(struct test_control *control, void __user *uarg)
{
	struct device_connect ask;
	struct test_device *device;
	struct file *connection;
	int fd;

	if (copy_from_user(&ask, uarg, sizeof(ask)))
		return -EFAULT;
	if (!test_connect_valid(&ask))
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;

	device = kvzalloc(sizeof(*device), GFP_KERNEL);
	if (!device) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	kref_get(&control->refs);
	device->control = control;
	device->ask = ask;
	device->device.ops = ask.memory ? &test_ops_with_memory : &test_ops;
	INIT_LIST_HEAD(&device->link);
	spin_lock_init(&device->lock);
	INIT_DELAYED_WORK(&device->work, test_work);

	/* The connection owns the device after this, even if the call fails */
	connection = ksalloc_connect(&device->device);
	if (IS_ERR(connection)) {
		put_unused_fd(fd);
		return PTR_ERR(connection);
	}
	fd_install(fd, connection);
	return fd;
}

static long test_counts(void __user *uarg)
{
	const struct device_counts counts = {
		.initialized = atomic_read(&test_initialized),
		.allocated = atomic_read(&test_allocated),
		.freed = atomic_read(&test_freed),
		.deleted = atomic_read(&test_deleted),
		.buffers = atomic_read(&test_buffers),
		.recognized = atomic_read(&test_recognized),
	};

	return copy_to_user(uarg, &counts, sizeof(counts)) ? -EFAULT : 0;
}

static long test_block(struct test_control *control, unsigned long ops)
{
	if (ops >= BIT(DEVICE_OPS))
		return -EINVAL;
	WRITE_ONCE(control->blocking, ops);
	wake_up_all(&control->wait);
	return 0;
}

static long test_fail(struct test_control *control, void __user *uarg)
{
	struct device_fail arg;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.op >= DEVICE_OPS || arg.op == DEVICE_OP_RELEASE ||
	    arg.op == DEVICE_OP_DESTROY ||
	    (arg.error && !IS_ERR_VALUE((long)arg.error)))
		return -EINVAL;
	WRITE_ONCE(control->error[arg.op], arg.error);
	return 0;
}

static long test_unregister(struct test_control *control)
{
	struct test_device *device;

	mutex_lock(&control->lock);
	WRITE_ONCE(control->gone, true);
	list_for_each_entry(device, &control->devices, link)
		ksalloc_device_notify(&device->device);
	mutex_unlock(&control->lock);

	return 0;
}

static long test_state(struct test_control *control, void __user *uarg)
{
	struct device_state state = {
		.blocked = atomic_read(&control->blocked),
		.impatient = atomic_read(&control->impatient),
		.filled = atomic_read(&control->filled),
		.writes = atomic_read(&control->writes),
	};
	int i;

	for (i = 0; i < DEVICE_OPS; i++)
		state.calls[i] = atomic_read(&control->calls[i]);
	return copy_to_user(uarg, &state, sizeof(state)) ? -EFAULT : 0;
}

static long test_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct test_control *control = file->private_data;
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case DEVICE_CONNECT:
		return test_connect(control, uarg);
	case DEVICE_COUNTS:
		return test_counts(uarg);
	case DEVICE_BLOCK:
		return test_block(control, arg);
	case DEVICE_FAIL:
		return test_fail(control, uarg);
	case DEVICE_FILL:
		if (arg > 1)
			return -EINVAL;
		WRITE_ONCE(control->exposing, !arg);
		return 0;
	case DEVICE_UNREGISTER:
		return test_unregister(control);
	case DEVICE_STATE:
		return test_state(control, uarg);
	}
	return -ENOTTY;
}

static int test_open(struct inode *inode, struct file *file)
{
	struct test_control *control = kzalloc(sizeof(*control), GFP_KERNEL);

	if (!control)
		return -ENOMEM;
	kref_init(&control->refs);
	init_waitqueue_head(&control->wait);
	mutex_init(&control->lock);
	INIT_LIST_HEAD(&control->devices);
	file->private_data = control;
	return nonseekable_open(inode, file);
}

static int test_close(struct inode *inode, struct file *file)
{
	struct test_control *control = file->private_data;
	int i;

	for (i = 0; i < DEVICE_OPS; i++)
		WRITE_ONCE(control->error[i], 0);
	test_block(control, 0);
	test_control_put(control);
	return 0;
}

static const struct file_operations test_fops = {
	.owner = THIS_MODULE,
	.open = test_open,
	.release = test_close,
	.unlocked_ioctl = test_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice test_node = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ksalloc-test-device",
	.fops = &test_fops,
	.mode = 0600,
};
module_misc_device(test_node);

MODULE_DESCRIPTION("Devices for tests of ksalloc");
MODULE_LICENSE("GPL");
/* Taints the kernel */
MODULE_INFO(test, "Y");
/* MODULE_IMPORT_NS() takes an identifier up to 6.12 and a string from 6.13 on */
MODULE_INFO(import_ns, "DMA_BUF");
