// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel-mode clients for tests of ksalloc, in all contexts.
 *
 * Each open file of /dev/ksalloc-test-client is one client. It allocates and frees frames
 * in the calling process, in a workqueue, in a timer (a softirq) and in a high-resolution
 * timer (a hard interrupt, if that is allowed). ksalloc-test-client.h describes the ioctls.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/hrtimer.h>
#include <linux/iosys-map.h>
#include <linux/ksalloc.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>
#include <uapi/linux/dma-heap.h>

#include "ksalloc-test-client.h"

static bool sleep_is_checked = IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP);
module_param(sleep_is_checked, bool, 0444);
MODULE_PARM_DESC(sleep_is_checked,
		 "Whether this kernel reports what CLIENT_BREAK_RULES does");

/* With CONFIG_PREEMPT_RT, spinlocks sleep, and hard interrupts must not call ksalloc */
#ifdef CONFIG_PREEMPT_RT
#define CLIENT_HRTIMER_MODE HRTIMER_MODE_REL_SOFT
#else
#define CLIENT_HRTIMER_MODE HRTIMER_MODE_REL_HARD
#endif

/* Number of frames that one context holds at the same time in a storm */
#define CLIENT_HOLDS 2

struct client;

/**
 * struct client_actor - makes calls in one context
 * @client: the client
 * @context: the context
 * @work: runs in CLIENT_WORK
 * @timer: runs in CLIENT_TIMER
 * @hrtimer: runs in CLIENT_HARDIRQ
 * @done: all calls are made
 * @call: a single call to make
 * @result: result of @call
 * @storm: many calls to make; NULL to make @call
 * @rounds: remaining rounds of @storm
 * @rnd: random numbers for @storm
 * @held: frames that it holds in @storm
 * @n_held: length of @held
 */
struct client_actor {
	struct client *client;
	enum client_context context;
	struct work_struct work;
	struct timer_list timer;
	struct hrtimer hrtimer;
	struct completion done;
	struct client_call call;
	int result;
	struct client_storm *storm;
	u32 rounds;
	struct rnd_state rnd;
	struct ksalloc_frame *held[CLIENT_HOLDS];
	u32 n_held;
};

/**
 * struct client - a kernel-mode client
 * @lock: protects the fields down to @actor; held over ioctls, except those that wait
 *	for others
 * @client: the client in ksalloc; NULL while the program has not attached it
 * @enabled: its callback is enabled
 * @waits: calls of CLIENT_WAIT
 * @frames: number of frames
 * @map: the kernel's mapping of each frame
 * @actor: one for each context
 * @clashes: frames that somebody else held too
 * @told: calls of the callback
 * @told_in_hardirq: calls of the callback in a hard interrupt
 * @take: number of frames that the callback shall take
 * @taken: number of frames that it took
 * @last: the last frame that it took
 */
struct client {
	struct mutex lock; /* the client itself */
	struct ksalloc_client *client;
	bool enabled;
	atomic_t waits;
	u32 frames;
	struct iosys_map *map;
	struct client_actor actor[CLIENT_CONTEXTS];
	atomic_t clashes;

	atomic_t told;
	atomic_t told_in_hardirq;
	atomic_t take;
	atomic_t taken;
	u32 last;
};

/* The callback, in the context that frees a frame */
static void client_free_frame(void *context)
{
	struct client *client = context;
	struct ksalloc_frame *frame;

	atomic_inc(&client->told);
	if (in_hardirq())
		atomic_inc(&client->told_in_hardirq);

	if (!atomic_add_unless(&client->take, -1, 0))
		return;
	frame = ksalloc_alloc_frame(client->client);
	if (frame) {
		WRITE_ONCE(client->last, ksalloc_frame_index(frame));
		atomic_inc(&client->taken);
	} else {
		atomic_inc(&client->take);
	}
}

static const struct ksalloc_client_ops client_ops = {
	.free_frame = client_free_frame,
};

/* Beginning and end */

static void client_unmap(struct client *client, u32 frames)
{
	while (frames--)
		ksalloc_frame_vunmap(ksalloc_frame(client->client, frames), 0,
				     &client->map[frames]);
	kvfree(client->map);
	client->map = NULL;
}

static int client_map(struct client *client)
{
	u32 i;
	int ret;

	client->frames = 0;
	while (ksalloc_frame(client->client, client->frames))
		client->frames++;
	client->map = kvcalloc(client->frames, sizeof(*client->map), GFP_KERNEL);
	if (!client->map)
		return -ENOMEM;
	for (i = 0; i < client->frames; i++) {
		ret = ksalloc_frame_vmap(ksalloc_frame(client->client, i), 0,
					 &client->map[i]);
		if (ret) {
			client_unmap(client, i);
			return ret;
		}
		/* A storm uses cmpxchg() */
		if (client->map[i].is_iomem) {
			client_unmap(client, i + 1);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

static int client_begin(struct client *client, struct file *allocator)
{
	struct ksalloc_client *ksalloc;
	int ret;

	atomic_set(&client->told, 0);
	atomic_set(&client->told_in_hardirq, 0);
	atomic_set(&client->take, 0);
	atomic_set(&client->taken, 0);

	ksalloc = ksalloc_client_create(allocator, &client_ops, client);
	if (IS_ERR(ksalloc))
		return PTR_ERR(ksalloc);
	client->client = ksalloc;
	client->enabled = false;
	ret = client_map(client);
	if (ret) {
		ksalloc_client_destroy(ksalloc);
		client->client = NULL;
	}
	return ret;
}

static long client_enable(struct client *client)
{
	if (client->enabled)
		return -EBUSY;
	client->enabled = true;
	ksalloc_client_enable(client->client);
	return 0;
}

/*
 * No call of a client may begin after ksalloc_client_destroy() has begun. Calls are made
 * with the lock held, except those that wait for a frame. They are ended first.
 */
static void client_end(struct client *client)
{
	if (!client->client)
		return;
	ksalloc_client_cancel(client->client);
	wait_var_event(&client->waits, !atomic_read(&client->waits));
	client_unmap(client, client->frames);
	ksalloc_client_destroy(client->client);
	client->client = NULL;
}

static long client_attach(struct client *client, int fd, bool enable)
{
	struct file *allocator;
	int ret;

	if (client->client)
		return -EBUSY;
	allocator = fget(fd);
	if (!allocator)
		return -EBADF;
	ret = client_begin(client, allocator);
	if (!ret && enable)
		ret = client_enable(client);
	fput(allocator);
	return ret;
}

/* Without the lock, because the heap can be any file, even one that waits for this client */
static struct file *client_create_allocator(void __user *uarg)
{
	struct file *connection, *heap = NULL, *allocator;
	struct client_create arg;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return ERR_PTR(-EFAULT);
	connection = fget(arg.connection_fd);
	if (!connection)
		return ERR_PTR(-EBADF);
	if (arg.heap_fd != -1) {
		heap = fget(arg.heap_fd);
		if (!heap) {
			fput(connection);
			return ERR_PTR(-EBADF);
		}
	}

	allocator = ksalloc_create_allocator(connection, &arg.framing, heap);
	if (heap)
		fput(heap);
	fput(connection);
	return allocator;
}

static long client_create(struct client *client, void __user *uarg)
{
	struct file *allocator = client_create_allocator(uarg);
	int ret;

	if (IS_ERR(allocator))
		return PTR_ERR(allocator);
	mutex_lock(&client->lock);
	ret = client->client ? -EBUSY : client_begin(client, allocator);
	if (!ret)
		ret = client_enable(client);
	mutex_unlock(&client->lock);
	fput(allocator);
	return ret;
}

static long client_fd(struct client *client)
{
	struct file *allocator;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	allocator = ksalloc_client_open(client->client);
	if (IS_ERR(allocator)) {
		put_unused_fd(fd);
		return PTR_ERR(allocator);
	}
	fd_install(fd, allocator);
	return fd;
}

/* One call in one context */

static int client_do_call(struct client *client, const struct client_call *call)
{
	struct ksalloc_frame *frame;

	if (call->op == CLIENT_FREE) {
		frame = ksalloc_frame(client->client, call->index);
		return frame ? ksalloc_free_frame(client->client, frame) :
			       -EINVAL;
	}
	frame = ksalloc_alloc_frame(client->client);
	return frame ? ksalloc_frame_index(frame) : -EAGAIN;
}

/* A storm: many calls in several contexts */

/* Beginning and ending access can sleep, so this is done before and after the storm */

static void client_end_access(struct client *client, u32 frames)
{
	struct dma_buf *dmabuf;

	while (frames--) {
		dmabuf = ksalloc_frame_dmabuf(ksalloc_frame(client->client,
							    frames), 0);
		if (dmabuf)
			dma_buf_end_cpu_access(dmabuf, DMA_BIDIRECTIONAL);
	}
}

static int client_begin_access(struct client *client)
{
	struct dma_buf *dmabuf;
	int ret = 0;
	u32 i;

	for (i = 0; i < client->frames; i++) {
		dmabuf = ksalloc_frame_dmabuf(ksalloc_frame(client->client, i), 0);
		if (dmabuf)
			ret = dma_buf_begin_cpu_access(dmabuf,
						       DMA_BIDIRECTIONAL);
		if (ret) {
			client_end_access(client, i);
			return ret;
		}
	}
	return 0;
}

static u32 client_mark(const struct client_actor *actor)
{
	return actor->storm->mark + actor->context;
}

static u32 *client_word(struct client_actor *actor, struct ksalloc_frame *frame)
{
	return actor->client->map[ksalloc_frame_index(frame)].vaddr;
}

static void client_storm_free(struct client_actor *actor)
{
	struct ksalloc_frame *frame = actor->held[--actor->n_held];
	u32 mark = client_mark(actor);

	if (cmpxchg(client_word(actor, frame), mark, 0) != mark ||
	    ksalloc_free_frame(actor->client->client, frame))
		atomic_inc(&actor->client->clashes);
}

static void client_storm_alloc(struct client_actor *actor)
{
	struct ksalloc_frame *frame;

	frame = ksalloc_alloc_frame(actor->client->client);
	if (!frame) {
		actor->storm->none[actor->context]++;
		return;
	}
	actor->storm->allocated[actor->context]++;
	if (cmpxchg(client_word(actor, frame), 0, client_mark(actor)))
		atomic_inc(&actor->client->clashes);
	actor->held[actor->n_held++] = frame;
}

/* Makes the single call or one round of a storm; false if that was the last */
static bool client_act(struct client_actor *actor)
{
	if (!actor->storm) {
		actor->result = client_do_call(actor->client, &actor->call);
		return false;
	}
	if (!actor->rounds--) {
		while (actor->n_held)
			client_storm_free(actor);
		return false;
	}
	if (actor->n_held == CLIENT_HOLDS ||
	    (actor->n_held && prandom_u32_state(&actor->rnd) % 2))
		client_storm_free(actor);
	else
		client_storm_alloc(actor);
	return true;
}

/* The contexts */

static void client_work(struct work_struct *work)
{
	struct client_actor *actor = container_of(work, struct client_actor,
						  work);

	while (client_act(actor))
		usleep_range(50, 200);
	complete(&actor->done);
}

static void client_timer(struct timer_list *timer)
{
	struct client_actor *actor = container_of(timer, struct client_actor,
						  timer);
	int i;

	/* Several rounds per jiffy, because a jiffy is long */
	for (i = 0; i < 64; i++) {
		if (!client_act(actor)) {
			complete(&actor->done);
			return;
		}
	}
	mod_timer(timer, jiffies + 1);
}

static enum hrtimer_restart client_hrtimer(struct hrtimer *hrtimer)
{
	struct client_actor *actor = container_of(hrtimer, struct client_actor,
						  hrtimer);

	if (!client_act(actor)) {
		complete(&actor->done);
		return HRTIMER_NORESTART;
	}
	hrtimer_forward_now(hrtimer, ns_to_ktime(100 * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static void client_actor_init(struct client *client,
			      enum client_context context)
{
	struct client_actor *actor = &client->actor[context];

	actor->client = client;
	actor->context = context;
	init_completion(&actor->done);
	INIT_WORK(&actor->work, client_work);
	timer_setup(&actor->timer, client_timer, 0);
#ifdef HAVE_HRTIMER_SETUP
	hrtimer_setup(&actor->hrtimer, client_hrtimer, CLOCK_MONOTONIC,
		      CLIENT_HRTIMER_MODE);
#else
	hrtimer_init(&actor->hrtimer, CLOCK_MONOTONIC, CLIENT_HRTIMER_MODE);
	actor->hrtimer.function = client_hrtimer;
#endif
}

static void client_actor_start(struct client_actor *actor)
{
	reinit_completion(&actor->done);
	switch (actor->context) {
	case CLIENT_WORK:
		schedule_work(&actor->work);
		break;
	case CLIENT_TIMER:
		mod_timer(&actor->timer, jiffies);
		break;
	case CLIENT_HARDIRQ:
		hrtimer_start(&actor->hrtimer, ns_to_ktime(1),
			      CLIENT_HRTIMER_MODE);
		break;
	default:
		while (client_act(actor))
			usleep_range(50, 200);
		complete(&actor->done);
	}
}

static long client_call(struct client *client, void __user *uarg)
{
	struct client_actor *actor;
	struct client_call call;

	if (copy_from_user(&call, uarg, sizeof(call)))
		return -EFAULT;
	if (call.context >= CLIENT_CONTEXTS || call.op > CLIENT_FREE)
		return -EINVAL;
	actor = &client->actor[call.context];
	actor->call = call;
	actor->storm = NULL;
	client_actor_start(actor);
	wait_for_completion(&actor->done);
	return actor->result;
}

static long client_storm(struct client *client, void __user *uarg)
{
	struct client_storm storm;
	int i, ret;

	if (copy_from_user(&storm, uarg, sizeof(storm)))
		return -EFAULT;
	/* Signals do not end it */
	if (storm.contexts >> CLIENT_CONTEXTS ||
	    storm.rounds > CLIENT_MAX_ROUNDS)
		return -EINVAL;
	ret = client_begin_access(client);
	if (ret)
		return ret;
	atomic_set(&client->clashes, 0);
	/* The calling process comes last, because it is busy after that */
	for (i = CLIENT_CONTEXTS - 1; i >= 0; i--) {
		struct client_actor *actor = &client->actor[i];

		if (!(storm.contexts & BIT(i)))
			continue;
		storm.allocated[i] = 0;
		storm.none[i] = 0;
		actor->storm = &storm;
		actor->rounds = storm.rounds;
		prandom_seed_state(&actor->rnd, storm.mark + i);
		client_actor_start(actor);
	}
	for (i = 0; i < CLIENT_CONTEXTS; i++)
		if (storm.contexts & BIT(i))
			wait_for_completion(&client->actor[i].done);
	storm.clashes = atomic_read(&client->clashes);
	client_end_access(client, client->frames);

	return copy_to_user(uarg, &storm, sizeof(storm)) ? -EFAULT : 0;
}

/* Other ioctls */

/* Waits without the lock, so that CLIENT_DETACH can end it */
static long client_wait(struct client *client, void __user *uarg)
{
	struct ksalloc_frame *frame;
	u64 deadline_ns;
	long ret = -ENXIO;

	if (copy_from_user(&deadline_ns, uarg, sizeof(deadline_ns)))
		return -EFAULT;
	mutex_lock(&client->lock);
	if (client->client) {
		atomic_inc(&client->waits);
		ret = 0;
	}
	mutex_unlock(&client->lock);
	if (ret)
		return ret;

	ret = ksalloc_alloc_frame_wait(client->client, deadline_ns, &frame);
	if (!ret)
		ret = ksalloc_frame_index(frame);
	if (atomic_dec_and_test(&client->waits))
		wake_up_var(&client->waits);
	return ret;
}

static long client_get_told(struct client *client, void __user *uarg)
{
	const struct client_told told = {
		.times = atomic_read(&client->told),
		.in_hardirq = atomic_read(&client->told_in_hardirq),
		.taken = atomic_read(&client->taken),
		.last = READ_ONCE(client->last),
	};

	return copy_to_user(uarg, &told, sizeof(told)) ? -EFAULT : 0;
}

static long client_write(struct client *client, void __user *uarg)
{
	struct client_write arg;
	struct dma_buf *dmabuf;
	int ret = 0;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.index >= client->frames)
		return -EINVAL;
	dmabuf = ksalloc_frame_dmabuf(ksalloc_frame(client->client, arg.index), 0);
	if (dmabuf)
		ret = dma_buf_begin_cpu_access(dmabuf, DMA_BIDIRECTIONAL);
	if (ret)
		return ret;
	iosys_map_memcpy_to(&client->map[arg.index], 0, &arg.word,
			    sizeof(arg.word));
	if (dmabuf)
		ret = dma_buf_end_cpu_access(dmabuf, DMA_BIDIRECTIONAL);
	return ret;
}

/*
 * With CONFIG_DEBUG_ATOMIC_SLEEP the kernel logs a warning, and nothing is created.
 * noinline, because the test identifies the warning by the name of this function.
 */
static noinline long client_break_rules(struct client *client, struct file *file)
{
	const struct ksallocator_framing framing = {};
	struct file *allocator;

	preempt_disable();
	allocator = ksalloc_create_allocator(file, &framing, NULL);
	preempt_enable();
	return PTR_ERR(allocator);
}

static long client_locked_ioctl(struct client *client, struct file *file,
				unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case CLIENT_ATTACH:
	case CLIENT_ATTACH_QUIET:
		return client_attach(client, arg, cmd == CLIENT_ATTACH);
	case CLIENT_BREAK_RULES:
		return client_break_rules(client, file);
	}

	if (!client->client)
		return -ENXIO;
	switch (cmd) {
	case CLIENT_ENABLE:
		return client_enable(client);
	case CLIENT_DETACH:
		client_end(client);
		return 0;
	case CLIENT_FD:
		return client_fd(client);
	case CLIENT_CALL:
		return client_call(client, uarg);
	case CLIENT_STORM:
		return client_storm(client, uarg);
	case CLIENT_TOLD:
		return client_get_told(client, uarg);
	case CLIENT_TAKE:
		atomic_set(&client->take, arg);
		return 0;
	case CLIENT_WRITE:
		return client_write(client, uarg);
	}
	return -ENOTTY;
}

static long client_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct client *client = file->private_data;
	long ret;

	switch (cmd) {
	case CLIENT_CREATE:
		return client_create(client, (void __user *)arg);
	case CLIENT_WAIT:
		return client_wait(client, (void __user *)arg);
	case DMA_HEAP_IOCTL_ALLOC:
		/* As a heap, it has no memory, and leaves the descriptor 0 in the argument */
		return 0;
	}
	mutex_lock(&client->lock);
	ret = client_locked_ioctl(client, file, cmd, arg);
	mutex_unlock(&client->lock);
	return ret;
}

static int client_open(struct inode *inode, struct file *file)
{
	struct client *client = kzalloc(sizeof(*client), GFP_KERNEL);
	int i;

	if (!client)
		return -ENOMEM;
	mutex_init(&client->lock);
	for (i = 0; i < CLIENT_CONTEXTS; i++)
		client_actor_init(client, i);
	file->private_data = client;
	return nonseekable_open(inode, file);
}

static int client_release(struct inode *inode, struct file *file)
{
	struct client *client = file->private_data;
	int i;

	client_end(client);
	/* They have ended, but may not have returned */
	for (i = 0; i < CLIENT_CONTEXTS; i++) {
		cancel_work_sync(&client->actor[i].work);
		timer_delete_sync(&client->actor[i].timer);
		hrtimer_cancel(&client->actor[i].hrtimer);
	}
	kfree(client);
	return 0;
}

static const struct file_operations client_fops = {
	.owner = THIS_MODULE,
	.open = client_open,
	.release = client_release,
	.unlocked_ioctl = client_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice client_node = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ksalloc-test-client",
	.fops = &client_fops,
	.mode = 0600,
};
module_misc_device(client_node);

MODULE_DESCRIPTION("Kernel-mode clients for tests of ksalloc");
MODULE_LICENSE("GPL");
/* Taints the kernel */
MODULE_INFO(test, "Y");
/* MODULE_IMPORT_NS() takes an identifier up to 6.12 and a string from 6.13 on */
MODULE_INFO(import_ns, "DMA_BUF");
