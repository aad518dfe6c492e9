/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers of all KUnit suites of ksalloc.
 *
 * An id such as B3 in the comment of a test names a row of Documentation/conformance.rst.
 *
 * A test that finds a bug must end nevertheless, or nobody sees the result. So a call that
 * may never return is made in a thread (&struct ks_test_call), and the test waits for it
 * for a limited time. A thread that does not return keeps what it uses: its own memory, and
 * a reference to the file.
 *
 * No test measures time, and none sleeps to let something happen. A test waits for a
 * completion or for a condition, and fails if it does not come.
 */
#ifndef _KS_TEST_H
#define _KS_TEST_H

#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/poll.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "connection.h"
#include "framing.h"
#include "planes.h"

/* Time limit for events that come immediately or never */
#define KS_TEST_PATIENCE (20 * HZ)

/* Maximum number of frames of an allocator whose frames are examined one by one */
#define KS_TEST_FRAMES 16

/* Waits until a condition holds; false if it does not hold within the time limit */
#define ks_test_wait_for(patience, condition)				\
({									\
	unsigned long __end = jiffies + (patience);			\
	bool __late, __met;						\
									\
	for (;;) {							\
		__late = time_after(jiffies, __end);			\
		__met = (condition);					\
		if (__met || __late)					\
			break;						\
		schedule_timeout_uninterruptible(1);			\
	}								\
	__met;								\
})

#define ks_test_wait_until(condition)					\
	ks_test_wait_for(KS_TEST_PATIENCE, condition)

int ks_test_init(struct kunit *test);
u64 ks_test_seed(struct kunit *test, struct rnd_state *rnd);

/* A connection that is only compared; @i must be below KS_TEST_FRAMES */
const struct ks_connection *ks_test_device(unsigned int i);

struct ks_owner *ks_test_owner(struct kunit *test, struct ks_allocator *alloc);

/* The owner in an open file of an allocator */
static inline struct ks_owner *ks_test_owner_of(struct file *allocator)
{
	struct ks_allocator_file *file = allocator->private_data;

	return &file->owner;
}

/**
 * struct ks_test_memory - provider of the memory of frames, which can fail
 * @calls: number of calls
 * @bytes: size requested by the last call
 * @fail_at: number of the call that fails; the first is 0
 * @error: errno of that call
 * @signal_at: number of the call during which the calling task gets a signal
 * @signal: the signal
 * @same_at: number of the call that returns the memory of the first call again
 * @first: that memory
 */
struct ks_test_memory {
	u32 calls;
	size_t bytes;
	u32 fail_at;
	int error;
	u32 signal_at;
	int signal;
	u32 same_at;
	struct dma_buf *first;
};

/* No call */
#define KS_TEST_NEVER U32_MAX

extern const struct ksalloc_memory_ops ks_test_memory_ops;

/* One plane of a page */
extern const struct ksalloc_planes ks_test_one_plane;

int ks_test_dma_bufs(void);
bool ks_test_dma_bufs_become(int count);
extern bool ks_test_movable;
int ks_test_mappings(void);
int ks_test_mappings_ever(void);

/**
 * struct ks_test_fd - a descriptor in the table that all kernel threads share
 * @fd: its number; negative once it is closed
 */
struct ks_test_fd {
	int fd;
};

struct ks_test_fd *ks_test_fd(struct kunit *test, struct file *file);
void ks_test_fd_close(struct ks_test_fd *fd);

struct file *ks_test_allocator_file(struct kunit *test, u32 frames);
struct file *ks_test_layout_file(struct kunit *test, u32 frames,
				 const struct ksalloc_planes *layout);
void ks_test_allocator_end(struct kunit *test, struct file *file);
struct ks_allocator *ks_test_allocator(struct kunit *test, u32 frames);

/**
 * struct ks_test_frames - everything that a test can see of the frames of an allocator
 * @allocated: &ks_allocator.nr_allocated
 * @in_device: &ks_allocator.nr_in_device
 * @fenced: &ks_allocator.nr_fenced
 * @waiting: &ks_allocator.nr_waiting
 * @free: length of the free list
 * @order: the free list
 * @frame: state, owner, connection and holds of each frame
 */
struct ks_test_frames {
	u32 allocated;
	u32 in_device;
	u32 fenced;
	u32 waiting;
	u32 free;
	u32 order[KS_TEST_FRAMES];
	struct {
		enum ks_frame_state state;
		u32 holds;
		const struct ks_owner *owner;
		const struct ks_connection *connection;
	} frame[KS_TEST_FRAMES];
};

void ks_test_look(struct kunit *test, struct ks_allocator *alloc,
		  struct ks_test_frames *frames);
void ks_test_expect_frames(struct kunit *test, struct ks_allocator *alloc,
			   const struct ks_test_frames *expected);
void ks_test_expect_counts(struct kunit *test, struct ks_allocator *alloc,
			   u32 allocated, u32 in_device, u32 waiting);

/**
 * struct ks_test_read - a call of ks_connection_complete()
 * @read: the call
 * @error: errno that ks_complete.copy_out returns, or 0
 * @copies: number of calls of ks_complete.copy_out
 * @answer: the last answer
 */
struct ks_test_read {
	struct ks_complete read;
	int error;
	u32 copies;
	struct ksalloc_complete answer;
};

int ks_test_read(struct file *file, bool nonblock, u64 deadline_ns,
		 struct ks_test_read *read);
int ks_test_read_on(struct ks_test_read *read);

/**
 * struct ks_test_call - a call in a thread, which may wait
 * @fn: makes the call
 * @file: the file of the object; the thread has its own reference
 * @owner: argument
 * @deadline_ns: argument
 * @nonblock: argument
 * @state: argument
 * @data: argument
 * @ret: result; valid after @done, as all following fields
 * @index: the frame
 * @read: result of ks_connection_complete()
 * @done: it has returned
 * @task: the thread
 */
struct ks_test_call {
	int (*fn)(struct ks_test_call *call);
	struct file *file;
	struct ks_owner *owner;
	u64 deadline_ns;
	bool nonblock;
	enum ksstate state;
	void *data;

	int ret;
	u32 index;
	struct ks_test_read read;

	struct completion done;
	struct task_struct *task;
};

struct ks_test_call *ks_test_call(struct kunit *test,
				  const struct ks_test_call *prototype);
struct ks_test_call *ks_test_call_alloc(struct kunit *test, struct file *file,
					struct ks_owner *owner,
					u64 deadline_ns);
struct ks_test_call *ks_test_call_read(struct kunit *test, struct file *file,
				       u64 deadline_ns);
struct ks_test_call *ks_test_call_request(struct kunit *test, struct file *file,
					  enum ksstate state);
bool ks_test_returned(struct ks_test_call *call);
bool ks_test_pending(struct ks_test_call *call);
void ks_test_signal(struct ks_test_call *call);

/**
 * struct ks_test_poll - a poller
 * @table: collects @entry
 * @entry: on the file's wait queue
 * @head: that wait queue
 * @wakes: number of wake-ups
 * @key: events of all wake-ups, combined
 */
struct ks_test_poll {
	poll_table table;
	wait_queue_entry_t entry;
	wait_queue_head_t *head;
	atomic_t wakes;
	atomic_t key;
};

struct ks_test_poll *ks_test_poll(struct kunit *test, struct file *file);

/* Events as plain numbers, so that they can be compared */
#define KS_TEST_IN ((__force int)(EPOLLIN | EPOLLRDNORM))
#define KS_TEST_ERR ((__force int)EPOLLERR)
#define KS_TEST_HUP ((__force int)(EPOLLERR | EPOLLHUP))

/* The events that poll reports now */
static inline int ks_test_events(struct file *file)
{
	return (__force int)vfs_poll(file, NULL);
}

#define KS_TEST_CREW 8

/**
 * struct ks_test_crew - threads that work on the same data
 * @work: function of each thread, called once; the number of the thread begins at 0
 * @data: the data, from kzalloc(). It is freed with the crew
 * @file: a reference for all of them
 * @n: number of threads
 * @running: number of threads that have not ended
 * @done: the last one has ended
 * @task: the threads
 */
struct ks_test_crew {
	void (*work)(struct ks_test_crew *crew, unsigned int number);
	void *data;
	struct file *file;
	unsigned int n;
	atomic_t running;
	struct completion done;
	struct task_struct *task[KS_TEST_CREW];
};

struct ks_test_crew *
ks_test_crew(struct kunit *test, unsigned int n,
	     void (*work)(struct ks_test_crew *crew, unsigned int number),
	     void *data, struct file *file);

int ks_test_in_hardirq(struct kunit *test, void (*fn)(void *data), void *data);

#endif /* _KS_TEST_H */
