// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fake device: see fake_device.h.
 *
 * It also checks how it is used. Each call checks the rules that a device may rely on. The
 * first violation is stored in "misuse". At the end of a rig there must be none.
 */
#include <linux/dma-buf.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "fake_device.h"

static struct ks_fake *to_fake(struct ksalloc_device *device)
{
	return container_of(device, struct ks_fake, device);
}

static void ks_fake_check(struct ks_fake *fake, bool right, const char *what)
{
	lockdep_assert_held(&fake->lock);

	if (!right && !fake->misuse)
		fake->misuse = what;
}

static bool ks_fake_conn_locked(struct ks_fake *fake)
{
	return !IS_ENABLED(CONFIG_LOCKDEP) ||
	       lockdep_is_held(&fake->device.connection->lock);
}

/* Begins each call: takes the lock and records the call. The caller unlocks at the end */
static void ks_fake_enter(struct ks_fake *fake, enum ks_fake_op op, u32 frame)
	__acquires(&fake->lock)
{
	might_sleep();

	spin_lock_irq(&fake->lock);
	if (fake->n_calls < KS_FAKE_CALLS) {
		fake->ops[fake->n_calls] = op;
		fake->frame[fake->n_calls] = frame;
	}
	fake->n_calls++;
	ks_fake_check(fake, !fake->destroyed, "called after its end");
}

/* The same for a call that can fail; returns an errno if it shall fail now */
static int ks_fake_try(struct ks_fake *fake, enum ks_fake_op op, u32 frame)
	__acquires(&fake->lock)
{
	if (fake->on_call)
		fake->on_call(fake, op, fake->on_call_data);

	ks_fake_enter(fake, op, frame);
	if (!fake->fail_in || --fake->fail_in)
		return 0;
	fake->failed = op;
	return fake->error;
}

static int ks_fake_get_framing(struct ksalloc_device *device,
			       struct ksalloc_requirements *needs)
{
	struct ks_fake *fake = to_fake(device);
	int ret = ks_fake_try(fake, KS_FAKE_GET_FRAMING, 0);

	if (!ret)
		*needs = (struct ksalloc_requirements){
			.framing = fake->framing,
			.planes = fake->planes,
		};
	spin_unlock_irq(&fake->lock);

	return ret;
}

/* Checks that apply to each call that changes something */
static void ks_fake_check_change(struct ks_fake *fake)
{
	ks_fake_check(fake, ks_fake_conn_locked(fake),
		      "called without the connection's lock");
	ks_fake_check(fake, !fake->stuck, "called though it did not stop");
}

static void ks_fake_map(const struct ks_allocator *alloc)
{
	struct iosys_map map;
	u32 i;

	for (i = 0; i < alloc->nr_frames * alloc->layout.count; i++)
		dma_buf_vmap_unlocked(alloc->planes[i].dmabuf, &map);
}

static void ks_fake_unmap(const struct ks_allocator *alloc)
{
	u32 i;

	for (i = 0; i < alloc->nr_frames * alloc->layout.count; i++) {
		struct dma_buf *dmabuf = alloc->planes[i].dmabuf;
		struct iosys_map map = dmabuf->vmap_ptr;

		dma_buf_vunmap_unlocked(dmabuf, &map);
	}
}

static int ks_fake_acquire(struct ksalloc_device *device,
			   const struct ks_allocator *allocator)
{
	struct ks_fake *fake = to_fake(device);
	int ret = ks_fake_try(fake, KS_FAKE_ACQUIRE, 0);

	ks_fake_check_change(fake);
	ks_fake_check(fake, !fake->hw.acquired, "acquire when acquired");
	if (!ret) {
		fake->hw.acquired = true;
		fake->alloc = allocator;
	}
	spin_unlock_irq(&fake->lock);
	if (!ret && fake->maps)
		ks_fake_map(allocator);

	return ret;
}

static void ks_fake_release(struct ksalloc_device *device)
{
	struct ks_fake *fake = to_fake(device);
	const struct ks_allocator *alloc;

	ks_fake_enter(fake, KS_FAKE_RELEASE, 0);
	ks_fake_check_change(fake);
	ks_fake_check(fake, fake->hw.acquired, "release when not acquired");
	ks_fake_check(fake, !fake->hw.running, "release when running");
	ks_fake_check(fake, !fake->hw.n_queued && !fake->hw.n_filled,
		      "release with frames in the queue");
	fake->hw.acquired = false;
	alloc = fake->alloc;
	fake->alloc = NULL;
	spin_unlock_irq(&fake->lock);
	if (alloc && fake->maps)
		ks_fake_unmap(alloc);
}

static bool ks_fake_has(struct ks_fake *fake, u32 index)
{
	u32 i;

	for (i = 0; i < fake->hw.n_queued; i++)
		if (fake->hw.queued[i] == index)
			return true;
	for (i = 0; i < fake->hw.n_filled; i++)
		if (fake->hw.filled[i].index == index)
			return true;
	return false;
}

static bool ks_fake_owns(struct ks_fake *fake, u32 index)
{
	const struct ksalloc_frame *frame;

	if (!fake->alloc || index >= fake->alloc->nr_frames)
		return false;
	frame = &fake->alloc->frames[index];
	return READ_ONCE(frame->state) == KS_FRAME_IN_DEVICE &&
	       frame->connection == fake->device.connection;
}

/* Whether a descriptor of the calling task is of the dma-buf of a frame, or -1 */
static bool ks_fake_right_fd(struct ks_fake *fake, u32 index, int fd)
{
	struct dma_buf *dmabuf;
	bool right;

	if (fd == -1)
		return true;
	dmabuf = dma_buf_get(fd);
	if (IS_ERR(dmabuf))
		return false;
	right = fake->alloc &&
		dmabuf == ksalloc_allocator_dmabuf(fake->alloc, index, 0);
	dma_buf_put(dmabuf);
	return right;
}

static int ks_fake_queue(struct ksalloc_device *device, u32 index,
			 int dmabuf_fd)
{
	struct ks_fake *fake = to_fake(device);
	bool right = ks_fake_right_fd(fake, index, dmabuf_fd);
	int ret = ks_fake_try(fake, KS_FAKE_QUEUE, index);

	ks_fake_check_change(fake);
	ks_fake_check(fake, fake->hw.acquired, "queue when not acquired");
	ks_fake_check(fake, !ks_fake_has(fake, index), "queue of a queued frame");
	ks_fake_check(fake, ks_fake_owns(fake, index),
		      "queue of a frame that is not in this device");
	ks_fake_check(fake, right,
		      "queue of a frame with a descriptor of something else");
	ks_fake_check(fake, fake->hw.n_queued < KS_TEST_FRAMES,
		      "queue of too many frames");
	fake->dmabuf_fd = dmabuf_fd;
	fake->queued_by = current;
	if (!ret && !fake->misuse)
		fake->hw.queued[fake->hw.n_queued++] = index;
	spin_unlock_irq(&fake->lock);

	return ret;
}

static int ks_fake_dequeue(struct ksalloc_device *device,
			   struct ksalloc_completion *completion)
{
	struct ks_fake *fake = to_fake(device);
	struct ks_fake_hw *hw = &fake->hw;
	int ret = ks_fake_try(fake, KS_FAKE_DEQUEUE, 0);

	ks_fake_check_change(fake);
	ks_fake_check(fake, hw->running, "dequeue when not running");
	ks_fake_check(fake, hw->n_queued || hw->n_filled,
		      "dequeue with no frame queued");
	if (!ret && !hw->n_filled)
		ret = -EAGAIN;
	if (!ret) {
		fake->dequeued_by = current;
		*completion = hw->filled[0];
		hw->n_filled--;
		memmove(&hw->filled[0], &hw->filled[1],
			hw->n_filled * sizeof(hw->filled[0]));
	}
	spin_unlock_irq(&fake->lock);

	return ret;
}

static int ks_fake_run(struct ksalloc_device *device)
{
	struct ks_fake *fake = to_fake(device);
	int ret = ks_fake_try(fake, KS_FAKE_RUN, 0);

	ks_fake_check_change(fake);
	ks_fake_check(fake, fake->hw.acquired, "run when not acquired");
	ks_fake_check(fake, !fake->hw.running, "run when running");
	if (!ret)
		fake->hw.running = true;
	spin_unlock_irq(&fake->lock);

	return ret;
}

/* If this fails, the device keeps running with all its frames */
static int ks_fake_stop(struct ksalloc_device *device)
{
	struct ks_fake *fake = to_fake(device);
	int ret;

	if (fake->on_call)
		fake->on_call(fake, KS_FAKE_STOP, fake->on_call_data);

	ks_fake_enter(fake, KS_FAKE_STOP, 0);
	ks_fake_check_change(fake);
	ks_fake_check(fake, fake->hw.acquired, "stop when not acquired");
	ret = fake->stop_error;
	if (ret) {
		fake->stuck = true;
	} else {
		fake->hw.running = false;
		fake->hw.n_queued = 0;
		fake->hw.n_filled = 0;
	}
	spin_unlock_irq(&fake->lock);

	return ret;
}

static bool ks_fake_ready(struct ksalloc_device *device)
{
	struct ks_fake *fake = to_fake(device);

	if (fake->on_ready)
		fake->on_ready(fake);
	return READ_ONCE(fake->hw.n_filled);
}

static bool ks_fake_gone(struct ksalloc_device *device)
{
	return READ_ONCE(to_fake(device)->gone);
}

static int ks_fake_watch(struct ksalloc_device *device)
{
	struct ks_fake *fake = to_fake(device);
	int ret = ks_fake_try(fake, KS_FAKE_WATCH, 0);

	ks_fake_check(fake, !fake->watched, "watch twice");
	fake->watched = true;
	spin_unlock_irq(&fake->lock);

	return ret;
}

static void ks_fake_unwatch(struct ksalloc_device *device)
{
	struct ks_fake *fake = to_fake(device);

	ks_fake_enter(fake, KS_FAKE_UNWATCH, 0);
	fake->watched = false;
	spin_unlock_irq(&fake->lock);
}

/* A device that did not stop may access its frames until now */
static void ks_fake_destroy(struct ksalloc_device *device)
{
	struct ks_fake *fake = to_fake(device);
	u32 i;

	ks_fake_enter(fake, KS_FAKE_DESTROY, 0);
	ks_fake_check(fake, !fake->watched, "destroy when watched");
	ks_fake_check(fake, !fake->hw.acquired || fake->stuck,
		      "destroy when acquired");
	for (i = 0; i < fake->hw.n_queued; i++)
		ks_fake_check(fake, ks_fake_owns(fake, fake->hw.queued[i]),
			      "a frame was taken away from it");
	fake->destroyed = true;
	spin_unlock_irq(&fake->lock);
	/* It did not stop before */
	if (fake->alloc && fake->maps)
		ks_fake_unmap(fake->alloc);
}

static void ks_fake_show(struct ksalloc_device *device, struct seq_file *m)
{
}

static const struct ksalloc_device_ops ks_fake_ops = {
	.owner = THIS_MODULE,
	.get_framing = ks_fake_get_framing,
	.acquire = ks_fake_acquire,
	.release = ks_fake_release,
	.queue = ks_fake_queue,
	.dequeue = ks_fake_dequeue,
	.run = ks_fake_run,
	.stop = ks_fake_stop,
	.ready = ks_fake_ready,
	.gone = ks_fake_gone,
	.watch = ks_fake_watch,
	.unwatch = ks_fake_unwatch,
	.destroy = ks_fake_destroy,
	.show = ks_fake_show,
};

struct ks_fake_action {
	struct kunit *test;
	struct ks_fake *fake;
};

/* If a connection is leaked by a bug, its device must stay too */
static void ks_fake_end(void *data)
{
	struct ks_fake_action *action = data;
	struct ks_fake *fake = action->fake;
	bool destroyed = ks_test_wait_until(READ_ONCE(fake->destroyed));

	KUNIT_EXPECT_TRUE_MSG(action->test, destroyed,
			      "the device was not destroyed");
	if (fake->misuse)
		KUNIT_FAIL(action->test, "the device was misused: %s",
			   fake->misuse);
	if (destroyed)
		kfree(fake);
}

/* A device for a connection that this test makes */
struct ks_fake *ks_fake_create(struct kunit *test)
{
	struct ks_fake_action *action;
	struct ks_fake *fake;

	action = kunit_kzalloc(test, sizeof(*action), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, action);
	fake = kzalloc(sizeof(*fake), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->device.ops = &ks_fake_ops;
	spin_lock_init(&fake->lock);
	fake->framing = (struct ksallocator_framing){
		.requirements_flags = KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY,
		.frames = 1,
		.frame_size = PAGE_SIZE,
	};

	action->test = test;
	action->fake = fake;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, ks_fake_end, action));
	return fake;
}

/* From now on, the memory of the allocators of the suites is the own memory of this device */
void ks_fake_own_memory(struct ks_fake *fake)
{
	fake->own_ops = ks_fake_ops;
	fake->own_ops.memory = &ks_test_memory_ops;
	fake->device.ops = &fake->own_ops;
}

/* Clears the record of calls */
void ks_fake_forget(struct ks_fake *fake)
{
	spin_lock_irq(&fake->lock);
	fake->n_calls = 0;
	spin_unlock_irq(&fake->lock);
}

/* Makes one of the next calls fail that can fail; 0 for none */
void ks_fake_fail(struct ks_fake *fake, u32 in, int error)
{
	spin_lock_irq(&fake->lock);
	fake->fail_in = in;
	fake->error = error;
	spin_unlock_irq(&fake->lock);
}

/* Makes stop fail from now on; 0 to let it succeed */
void ks_fake_fail_stop(struct ks_fake *fake, int error)
{
	spin_lock_irq(&fake->lock);
	fake->stop_error = error;
	spin_unlock_irq(&fake->lock);
}

static void ks_fake_stand_at_gate(struct ks_fake *fake, enum ks_fake_op op,
				  void *data)
{
	bool opened;

	if (op != fake->gate.op)
		return;
	complete_all(&fake->gate.reached);
	opened = wait_for_completion_timeout(&fake->gate.open, KS_TEST_PATIENCE);
	spin_lock_irq(&fake->lock);
	ks_fake_check(fake, opened, "the gate was not opened in time");
	spin_unlock_irq(&fake->lock);
}

/*
 * Blocks the device in its next call of this kind, with the lock of the connection held,
 * until ks_fake_open_gate(). If the test itself waits for the device, it fails. Only one gate at a
 * time
 */
void ks_fake_close_gate(struct ks_fake *fake, enum ks_fake_op op)
{
	fake->gate.op = op;
	init_completion(&fake->gate.reached);
	init_completion(&fake->gate.open);
	fake->on_call = ks_fake_stand_at_gate;
}

/* Waits until the device is blocked in that call */
bool ks_fake_wait_at_gate(struct ks_fake *fake)
{
	return wait_for_completion_timeout(&fake->gate.reached, KS_TEST_PATIENCE);
}

/* Lets that call and later calls continue */
void ks_fake_open_gate(struct ks_fake *fake)
{
	complete_all(&fake->gate.open);
}

/* The record as text, in @text of KS_FAKE_TEXT bytes */
const char *ks_fake_calls(struct ks_fake *fake, char *text)
{
	static const char * const names[] = {
		[KS_FAKE_GET_FRAMING] = "framing",
		[KS_FAKE_ACQUIRE] = "acquire",
		[KS_FAKE_RELEASE] = "release",
		[KS_FAKE_QUEUE] = "queue",
		[KS_FAKE_DEQUEUE] = "dequeue",
		[KS_FAKE_RUN] = "run",
		[KS_FAKE_STOP] = "stop",
		[KS_FAKE_WATCH] = "watch",
		[KS_FAKE_UNWATCH] = "unwatch",
		[KS_FAKE_DESTROY] = "destroy",
	};
	int used = 0;
	u32 i;

	text[0] = '\0';
	spin_lock_irq(&fake->lock);
	for (i = 0; i < min(fake->n_calls, KS_FAKE_CALLS); i++) {
		used += scnprintf(text + used, KS_FAKE_TEXT - used, "%s%s",
				  i ? " " : "", names[fake->ops[i]]);
		if (fake->ops[i] == KS_FAKE_QUEUE)
			used += scnprintf(text + used, KS_FAKE_TEXT - used,
					  ":%u", fake->frame[i]);
	}
	if (fake->n_calls > KS_FAKE_CALLS)
		scnprintf(text + used, KS_FAKE_TEXT - used, " ...");
	spin_unlock_irq(&fake->lock);

	return text;
}

/* The state of the device; list entries beyond the counts are zero */
void ks_fake_look(struct ks_fake *fake, struct ks_fake_hw *hw)
{
	spin_lock_irq(&fake->lock);
	*hw = fake->hw;
	spin_unlock_irq(&fake->lock);
	memset(&hw->queued[hw->n_queued], 0,
	       (KS_TEST_FRAMES - hw->n_queued) * sizeof(hw->queued[0]));
	memset(&hw->filled[hw->n_filled], 0,
	       (KS_TEST_FRAMES - hw->n_filled) * sizeof(hw->filled[0]));
}

/* Makes the device fill its next frame. In any context; false if it has none */
bool ks_fake_fill(struct ks_fake *fake)
{
	struct ks_fake_hw *hw = &fake->hw;
	unsigned long flags;
	bool fills;

	spin_lock_irqsave(&fake->lock, flags);
	fills = hw->running && hw->n_queued;
	if (fills) {
		u32 sequence = fake->sequence++;

		hw->filled[hw->n_filled] = (struct ksalloc_completion){
			.index = hw->queued[0],
			.sequence = sequence,
			.planes[0].data_used = ks_fake_bytes(sequence),
			.options_flags = KSSTREAM_HEADER_OPTIONSF_TIMEVALID,
			.time = sequence * 1000LL,
		};
		WRITE_ONCE(hw->n_filled, hw->n_filled + 1);
		hw->n_queued--;
		memmove(&hw->queued[0], &hw->queued[1],
			hw->n_queued * sizeof(hw->queued[0]));
	}
	spin_unlock_irqrestore(&fake->lock, flags);

	if (fills)
		ks_connection_notify(fake->device.connection);
	return fills;
}

/* Makes the device return any completion, even an invalid one */
void ks_fake_fill_as(struct ks_fake *fake, const struct ksalloc_completion *completion)
{
	struct ks_fake_hw *hw = &fake->hw;
	u32 i;

	spin_lock_irq(&fake->lock);
	for (i = 0; i < hw->n_queued; i++) {
		if (hw->queued[i] != completion->index)
			continue;
		hw->n_queued--;
		memmove(&hw->queued[i], &hw->queued[i + 1],
			(hw->n_queued - i) * sizeof(hw->queued[0]));
		break;
	}
	if (hw->n_filled < KS_TEST_FRAMES)
		hw->filled[hw->n_filled++] = *completion;
	spin_unlock_irq(&fake->lock);
	ks_connection_notify(fake->device.connection);
}

/* Makes the device disappear and notify the connection */
void ks_fake_vanish(struct ks_fake *fake)
{
	WRITE_ONCE(fake->gone, true);
	ks_connection_notify(fake->device.connection);
}

/* Rigs */

/*
 * Releases the connection in the calling thread. Then checks that all frames are free and
 * that the allocator has no other reference.
 */
void ks_rig_release(struct ks_rig *rig)
{
	struct kunit *test = rig->test;
	struct ks_test_frames frames;
	struct file *file = rig->file;

	if (!file)
		return;
	rig->file = NULL;
	__fput_sync(file);

	ks_test_look(test, rig->alloc, &frames);
	KUNIT_EXPECT_EQ_MSG(test, frames.in_device, 0,
			    "frames stay in the device");
	KUNIT_EXPECT_TRUE(test, rig->fake->destroyed);
}

static void ks_rig_action(void *data)
{
	ks_rig_release(data);
}

/* Ends a rig before the end of its test, for tests that make many rigs */
void ks_rig_end(struct ks_rig *rig)
{
	kunit_release_action(rig->test, ks_rig_action, rig);
}

/* A connection in STOP, with the allocator assigned */
struct ks_rig *ks_rig_create_on(struct kunit *test, struct file *allocator)
{
	struct ks_connection_file *cfile;
	struct ks_rig *rig;

	rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->test = test;
	rig->allocator = allocator;
	rig->alloc = ks_allocator_of(allocator);
	rig->fake = ks_fake_create(test);
	if (rig->alloc->layout.count > 1) {
		rig->fake->planes = rig->alloc->layout;
		rig->fake->framing.frame_size = rig->alloc->framing.frame_size;
	}

	rig->file = ksalloc_connect(&rig->fake->device);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rig->file);
	cfile = rig->file->private_data;
	rig->conn = ks_connection_of(rig->file);
	rig->owner = &cfile->owner;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, ks_rig_action,
							   rig));

	KUNIT_ASSERT_EQ(test, 0, ks_connection_set_allocator(rig->conn,
							     rig->alloc));
	ks_fake_forget(rig->fake);
	return rig;
}

static void ks_rig_file_end(void *file)
{
	__fput_sync(file);
}

/*
 * Another open file of the connection; it is closed at the end of the test, before the rig
 * ends
 */
struct file *ks_rig_open(struct ks_rig *rig)
{
	struct file *file = ks_connection_open(rig->conn);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(rig->test, file);
	KUNIT_ASSERT_EQ(rig->test, 0,
			kunit_add_action_or_reset(rig->test, ks_rig_file_end,
						  file));
	return file;
}

/* Closes such a file earlier */
void ks_rig_close(struct ks_rig *rig, struct file *file)
{
	kunit_release_action(rig->test, ks_rig_file_end, file);
}

struct ks_rig *ks_rig_create(struct kunit *test, u32 frames)
{
	return ks_rig_create_on(test, ks_test_allocator_file(test, frames));
}

void ks_rig_request(struct ks_rig *rig, enum ksstate state)
{
	KUNIT_ASSERT_EQ(rig->test, 0, ks_connection_request(rig->conn, state, false));
}

/* A frame for the rig's owner */
u32 ks_rig_alloc(struct ks_rig *rig)
{
	u32 index = 0;

	KUNIT_ASSERT_EQ(rig->test, 0, ks_allocator_try_alloc(rig->alloc,
							     rig->owner,
							     &index));
	return index;
}

/* Allocates a frame and submits it */
u32 ks_rig_submit(struct ks_rig *rig)
{
	u32 index = ks_rig_alloc(rig);

	KUNIT_ASSERT_EQ(rig->test, 0,
			ks_connection_submit(rig->conn, index, -1));
	return index;
}

/* Completes a frame without waiting. @complete can be NULL */
int ks_rig_read(struct ks_rig *rig, struct ksalloc_complete *complete)
{
	struct ks_test_read read = {};
	int ret = ks_test_read(rig->file, true, 0, &read);

	KUNIT_EXPECT_EQ(rig->test, read.copies, !ret);
	if (read.copies)
		*complete = read.answer;
	return ret;
}

enum ksstate ks_rig_state(struct ks_rig *rig)
{
	return READ_ONCE(rig->conn->state);
}

static u32 ks_rig_slots(struct ks_rig *rig, struct list_head *list, u32 *order)
{
	struct ks_slot *slot;
	u32 n = 0;

	mutex_lock(&rig->conn->lock);
	list_for_each_entry(slot, list, link)
		if (n < KS_TEST_FRAMES)
			order[n++] = slot - rig->conn->slots;
	mutex_unlock(&rig->conn->lock);
	return n;
}

/* Frames that are submitted and not filled, in order; at most KS_TEST_FRAMES */
u32 ks_rig_submitted(struct ks_rig *rig, u32 *order)
{
	return ks_rig_slots(rig, &rig->conn->submitted, order);
}

/* Frames that are filled and not completed, in order; at most KS_TEST_FRAMES */
u32 ks_rig_done(struct ks_rig *rig, u32 *order)
{
	return ks_rig_slots(rig, &rig->conn->done.frames, order);
}

/* Fails if the calls since ks_fake_forget() are different */
void ks_rig_expect_calls(struct ks_rig *rig, const char *expected)
{
	char text[KS_FAKE_TEXT];

	KUNIT_EXPECT_STREQ(rig->test, ks_fake_calls(rig->fake, text), expected);
}
