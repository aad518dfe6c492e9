// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers of all KUnit suites for calls in other contexts: threads that make calls, threads that
 * work on the same data, pollers, and hard interrupts. ks_test.h describes them.
 */
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "ks_test.h"

/* Calls in threads */

static int ks_test_call_thread(void *data)
{
	struct ks_test_call *call = data;

	allow_signal(SIGUSR1);
	call->ret = call->fn(call);
	flush_signals(current);
	complete_all(&call->done);

	return 0;
}

static void ks_test_call_end(struct kunit *test, struct ks_test_call *call)
{
	if (!completion_done(&call->done))
		ks_test_signal(call);
	if (!ks_test_returned(call)) {
		KUNIT_FAIL(test, "a call does not return, not even upon a signal");
		return;
	}
	kthread_stop(call->task);
	put_task_struct(call->task);
	__fput_sync(call->file);
	kfree(call);
}

struct ks_test_call_action {
	struct kunit *test;
	struct ks_test_call *call;
};

static void ks_test_call_action(void *data)
{
	struct ks_test_call_action *action = data;

	ks_test_call_end(action->test, action->call);
}

/* Starts a call with the arguments in @prototype; it ends with the test */
struct ks_test_call *ks_test_call(struct kunit *test,
				  const struct ks_test_call *prototype)
{
	struct ks_test_call_action *action;
	struct ks_test_call *call;

	action = kunit_kzalloc(test, sizeof(*action), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, action);
	call = kmemdup(prototype, sizeof(*call), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, call);
	init_completion(&call->done);

	call->task = kthread_create(ks_test_call_thread, call, "ks-test-call");
	if (IS_ERR(call->task)) {
		kfree(call);
		KUNIT_FAIL_AND_ABORT(test, "no thread");
	}
	get_task_struct(call->task);
	get_file(call->file);
	wake_up_process(call->task);

	action->test = test;
	action->call = call;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   ks_test_call_action,
							   action));
	return call;
}

static int ks_test_do_alloc(struct ks_test_call *call)
{
	return ks_allocator_alloc(ks_allocator_of(call->file), call->owner,
				  call->deadline_ns, &call->index);
}

/* Starts a thread that waits in ks_allocator_alloc() */
struct ks_test_call *ks_test_call_alloc(struct kunit *test, struct file *file,
					struct ks_owner *owner,
					u64 deadline_ns)
{
	const struct ks_test_call call = {
		.fn = ks_test_do_alloc,
		.file = file,
		.owner = owner,
		.deadline_ns = deadline_ns,
		.index = KS_TEST_NEVER,
	};

	return ks_test_call(test, &call);
}

static int ks_test_copy_out(struct ks_complete *read)
{
	struct ks_test_read *call = container_of(read, struct ks_test_read,
						 read);

	call->copies++;
	call->answer = read->answer;
	return call->error;
}

/* Calls ks_connection_complete() for an open file. @read->error is an argument too */
int ks_test_read(struct file *file, bool nonblock, u64 deadline_ns,
		 struct ks_test_read *read)
{
	struct ks_connection_file *cfile = file->private_data;

	read->read = (struct ks_complete){
		.file = cfile,
		.nonblock = nonblock,
		.deadline_ns = deadline_ns,
		.copy_out = ks_test_copy_out,
		.cancels = atomic64_read(&cfile->cancels),
	};
	return ks_test_read_on(read);
}

/* Continues a call that could not write its answer */
int ks_test_read_on(struct ks_test_read *read)
{
	return ks_connection_complete(read->read.file->conn, &read->read);
}

static int ks_test_do_read(struct ks_test_call *call)
{
	return ks_test_read(call->file, call->nonblock, call->deadline_ns,
			    &call->read);
}

/* Starts a thread that waits in ks_connection_complete() */
struct ks_test_call *ks_test_call_read(struct kunit *test, struct file *file,
				       u64 deadline_ns)
{
	const struct ks_test_call call = {
		.fn = ks_test_do_read,
		.file = file,
		.deadline_ns = deadline_ns,
		.read.answer.index = KS_TEST_NEVER,
	};

	return ks_test_call(test, &call);
}

static int ks_test_do_request(struct ks_test_call *call)
{
	return ks_connection_request(ks_connection_of(call->file), call->state, false);
}

/* Starts a thread in ks_connection_request(, false) */
struct ks_test_call *ks_test_call_request(struct kunit *test, struct file *file,
					  enum ksstate state)
{
	const struct ks_test_call call = {
		.fn = ks_test_do_request,
		.file = file,
		.state = state,
	};

	return ks_test_call(test, &call);
}

/* Waits until the call has returned */
bool ks_test_returned(struct ks_test_call *call)
{
	return wait_for_completion_timeout(&call->done, KS_TEST_PATIENCE);
}

/* Waits until the call sleeps or has returned */
bool ks_test_pending(struct ks_test_call *call)
{
	return ks_test_wait_until(completion_done(&call->done) ||
				  READ_ONCE(call->task->__state) ==
				  TASK_INTERRUPTIBLE) &&
	       !completion_done(&call->done);
}

void ks_test_signal(struct ks_test_call *call)
{
	send_sig(SIGUSR1, call->task, 1);
}

/* Crews */

struct ks_test_hand {
	struct ks_test_crew *crew;
	unsigned int number;
};

static int ks_test_crew_thread(void *data)
{
	struct ks_test_hand hand = *(struct ks_test_hand *)data;

	kfree(data);
	allow_signal(SIGUSR1);
	hand.crew->work(hand.crew, hand.number);
	flush_signals(current);
	if (atomic_dec_and_test(&hand.crew->running))
		complete_all(&hand.crew->done);
	return 0;
}

struct ks_test_crew_action {
	struct kunit *test;
	struct ks_test_crew *crew;
};

static void ks_test_crew_end(void *data)
{
	struct ks_test_crew_action *action = data;
	struct ks_test_crew *crew = action->crew;
	unsigned int i;

	if (!wait_for_completion_timeout(&crew->done, KS_TEST_PATIENCE))
		for (i = 0; i < crew->n; i++)
			send_sig(SIGUSR1, crew->task[i], 1);
	if (!wait_for_completion_timeout(&crew->done, KS_TEST_PATIENCE)) {
		KUNIT_FAIL(action->test, "%d threads do not end",
			   atomic_read(&crew->running));
		return;
	}
	for (i = 0; i < crew->n; i++) {
		kthread_stop(crew->task[i]);
		put_task_struct(crew->task[i]);
	}
	__fput_sync(crew->file);
	kfree(crew->data);
	kfree(crew);
}

/* Starts @n threads, which end with the test. The test may wait for @done before */
struct ks_test_crew *
ks_test_crew(struct kunit *test, unsigned int n,
	     void (*work)(struct ks_test_crew *crew, unsigned int number),
	     void *data, struct file *file)
{
	struct ks_test_crew_action *action;
	struct ks_test_crew *crew;
	unsigned int i;

	KUNIT_ASSERT_LE(test, n, KS_TEST_CREW);
	action = kunit_kzalloc(test, sizeof(*action), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, action);
	crew = kzalloc(sizeof(*crew), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, crew);
	crew->work = work;
	crew->data = data;
	crew->file = get_file(file);
	init_completion(&crew->done);
	atomic_set(&crew->running, n);

	for (i = 0; i < n; i++) {
		struct ks_test_hand *hand = kzalloc(sizeof(*hand), GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, hand);
		*hand = (struct ks_test_hand){ crew, i };
		crew->task[i] = kthread_create(ks_test_crew_thread, hand,
					       "ks-test-crew");
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, crew->task[i]);
		get_task_struct(crew->task[i]);
	}
	crew->n = n;
	for (i = 0; i < n; i++)
		wake_up_process(crew->task[i]);

	action->test = test;
	action->crew = crew;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   ks_test_crew_end,
							   action));
	return crew;
}

/* Pollers */

static int ks_test_poll_wake(wait_queue_entry_t *entry, unsigned int mode,
			     int sync, void *key)
{
	struct ks_test_poll *poll = container_of(entry, struct ks_test_poll,
						 entry);

	atomic_or((__force int)key_to_poll(key), &poll->key);
	atomic_inc(&poll->wakes);
	return 0;
}

static void ks_test_poll_queue(struct file *file, wait_queue_head_t *head,
			       poll_table *table)
{
	struct ks_test_poll *poll = container_of(table, struct ks_test_poll,
						 table);

	poll->head = head;
	add_wait_queue(head, &poll->entry);
}

static void ks_test_poll_end(void *data)
{
	struct ks_test_poll *poll = data;

	remove_wait_queue(poll->head, &poll->entry);
}

/* Polls a file until the end of the test. The reference to the file must end after that */
struct ks_test_poll *ks_test_poll(struct kunit *test, struct file *file)
{
	struct ks_test_poll *poll;

	poll = kunit_kzalloc(test, sizeof(*poll), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, poll);
	init_poll_funcptr(&poll->table, ks_test_poll_queue);
	init_waitqueue_func_entry(&poll->entry, ks_test_poll_wake);
	vfs_poll(file, &poll->table);
	KUNIT_ASSERT_NOT_NULL(test, poll->head);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   ks_test_poll_end,
							   poll));
	return poll;
}

/* Interrupts */

struct ks_test_irq {
	struct irq_work work;
	void (*fn)(void *data);
	void *data;
	bool hard;
};

static void ks_test_irq(struct irq_work *work)
{
	struct ks_test_irq *irq = container_of(work, struct ks_test_irq, work);

	irq->hard = in_hardirq() && irqs_disabled();
	irq->fn(irq->data);
}

/* Calls a function in a hard interrupt; returns 0, or an errno if that was not possible */
int ks_test_in_hardirq(struct kunit *test, void (*fn)(void *data), void *data)
{
	struct ks_test_irq irq = {
		.work = IRQ_WORK_INIT_HARD(ks_test_irq),
		.fn = fn,
		.data = data,
	};

	if (!irq_work_queue(&irq.work))
		return -EBUSY;
	irq_work_sync(&irq.work);
	return irq.hard ? 0 : -EINVAL;
}

MODULE_DESCRIPTION("KUnit suites of ksalloc");
MODULE_LICENSE("GPL");
