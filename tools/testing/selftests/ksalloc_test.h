/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers of all suites: the nodes of vivid, functions for the ioctls, calls that wait in
 * another thread or process, and checks for leaks.
 *
 * The functions use plain ioctl(), because they test the ABI. They return the result of the
 * ioctl, or the negative error code.
 */
#ifndef SELFTESTS_KSALLOC_TEST_H
#define SELFTESTS_KSALLOC_TEST_H

#include <errno.h>
#include <linux/ksalloc.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness.h"

/* Longer than anything takes that does not hang, also on a slow machine */
#define PATIENCE_MS 10000

/* Waits until a condition holds; false if it does not hold in time */
#define EVENTUALLY(condition) ({ \
	struct harness_limit limit_ = harness_limit_begin(PATIENCE_MS); \
	bool holds_; \
	while (!(holds_ = !!(condition)) && !harness_limit_is_over(&limit_)) \
		sleep_ms(2); \
	holds_; \
})

unsigned long long now_ns(void);
void sleep_ms(unsigned int ms);
/* A deadline @ms milliseconds from now */
__u64 in_ms(unsigned int ms);

/* vivid */

/* The path of the node with this name; aborts the test if there is none. */
const char *node_path(const char *name);
bool node_exists(const char *name);
int open_node(const char *name, int flags);
/* Camera 0 or 1 */
int open_camera(unsigned int instance);
/* The control of a camera that has this name */
__u32 control_of(int video, const char *name);
/* Sets the camera's first input, this size in YUYV, and a moderate frame rate */
int set_format(int video, unsigned int width, unsigned int height);
/* Asks for this number of frames per second. The driver can choose another one */
int set_rate(int video, unsigned int per_second);
int get_format(int video, struct v4l2_format *format);
int set_control(int video, const char *name, int value);
/* Opens the system heap; -1 if the kernel has no heaps. Then tests use memory of the cameras. */
int open_heap(void);
/* Skips a test that needs a heap if the kernel has none */
void need_heap(void);
/* The options of an allocator with memory of open_heap(), or of the camera if that is -1 */
__u32 usual_memory(void);
int open_ksalloc(void);
bool vivid_is_bound(void);
void vivid_unbind(void);
void vivid_bind(void);
/* Loads vivid again, with two cameras and additional parameters. */
void vivid_reload(const char *parameters);
/*
 * Loads vivid again, if these parameters of its two cameras have other values now. A test that
 * calls this closes all its files at the end: the next test can want other parameters.
 */
void need_vivid(const char *multiplanar, const char *allocators);
/* Repairs what a killed test may have left: vivid unbound or special, ksalloc unloaded */
void repair_machine(void);

/* The ioctls */

int call_fd(int fd, unsigned long request, void *arg);
int do_connect(int ksalloc, int video);
int get_framing(int connection, struct ksallocator_framing *framing);
int create_framed(int connection, int heap,
		  const struct ksallocator_framing *framing);
int create_allocator(int connection, int heap, unsigned int frames,
		     unsigned int frame_size);
/* The same with memory of the camera, also if the kernel has a heap */
int create_own(int connection, unsigned int frames, unsigned int frame_size);
/* The argument of KSALLOC_CREATE_ALLOCATOR that imports dma-bufs, and the call */
struct ksalloc_create_allocator import_of(const int *dmabufs, unsigned int count);
int import_dmabufs(int connection, const int *dmabufs, unsigned int count);
int set_allocator(int connection, int allocator);
int set_state(int connection, unsigned int state);
int get_state(int connection);
/* Fails unless this is the refusal of the last attempt to leave STOP (enum ksalloc_refusal). */
void expect_refusal(int connection, unsigned int refusal, unsigned int frame, int error);
int get_pending(int connection);
/* By the kernel thread */
int submit(int connection, unsigned int index);
/* With a descriptor of the frame's dma-buf */
int submit_fd(int connection, unsigned int index, int dmabuf);
/* Returns the index */
int complete(int connection, unsigned int flags, __u64 deadline_ns,
	     struct ksalloc_complete *out);
int alloc_frame(int allocator, unsigned int flags, __u64 deadline_ns);
int alloc_now(int allocator);
/* Allocates all free frames */
void take_all(int allocator);
int free_frame(int allocator, unsigned int index);
int export_frame(int allocator, unsigned int index);
int get_status(int allocator, struct ksalloc_status *status);
int allocated(int allocator);
int in_device(int allocator);
int waiters(int allocator);
/* Another open file of the same object */
int connection_open(int connection);
int allocator_open(int allocator);
/* The same for either kind of object */
int open_again(int fd);
int connection_cancel(int connection);
int allocator_cancel(int allocator);
int cancel_permanently(int fd, unsigned long request);
int reset_state(int connection, unsigned int reset);
/* Returns the number of the event */
int enable_event(int allocator, unsigned int flags, int eventfd);
int disable_event(int allocator, unsigned int id);

/* The usual set-up: one connected camera, and optionally an allocator for it */
struct rig {
	int ksalloc;
	int video;
	int heap;
	int connection;
	int allocator;
	struct ksallocator_framing framing;
};

void rig_open(struct rig *rig, unsigned int instance, unsigned int width,
	      unsigned int height);
/* Creates and assigns an allocator. */
void rig_allocator(struct rig *rig, unsigned int frames);
/* The same with create_own(). rig_close() closes either of them */
void rig_own_allocator(struct rig *rig, unsigned int frames);
/*
 * Allocates all free frames and submits them; returns their number. Frames with one plane are
 * submitted by descriptor.
 */
int rig_submit_all(struct rig *rig);
/* Completes the next filled frame; fails after PATIENCE_MS. */
int rig_complete(struct rig *rig, struct ksalloc_complete *out);
/* Completes a frame and submits it again. */
void rig_turn(struct rig *rig, struct ksalloc_complete *out);
void rig_close(struct rig *rig);

/* poll() of one descriptor: the events, 0 if there are none in time */
int poll_fd(int fd, int events, int timeout_ms);
/* Bytes of the name of a dma-buf */
#define DMABUF_NAME 32
/*
 * The name that ksalloc gives to the dma-buf of a frame, if this test or its second process has
 * created the allocator. @plane is negative if a frame has one plane.
 */
void dmabuf_name(char name[DMABUF_NAME], int allocator, unsigned int index, int plane);
/* The inode number of the file of a descriptor */
unsigned long long inode_of(int fd);
/* Rounds up to the page size of the kernel */
__u32 whole_pages(__u32 bytes);
/*
 * Tries to make the pages of a mapping writable that are inside of @size. remap_file_pages()
 * changes only these, so the last page would be refused in any case
 */
int make_writable(const void *map, size_t size);
void *map_frame(int dmabuf, size_t size, int protection);
/* A dma-buf of a memfd of its own, by an open /dev/udmabuf */
int udmabuf_alloc(int udmabuf, size_t size);
/* A dma-buf of a part of a sealed memfd; without /dev/udmabuf, the test is skipped */
int from_memfd(int memfd, __u64 offset, __u64 size);
/* udmabuf_alloc(); without /dev/udmabuf, the test is skipped */
int from_udmabuf(size_t size);

/* An ioctl in its own thread */
struct call {
	int fd;
	unsigned long request;
	void *arg;
	pthread_t thread;
	atomic_int tid;
	atomic_bool done;
	int result;
};

void call_start(struct call *call, int fd, unsigned long request, void *arg);
/* Does the call wait in the kernel? False if it has returned. */
bool call_waits(struct call *call);
/* Its result; aborts the test if it does not return. */
int call_result(struct call *call);

void start_alloc(struct call *call, struct ksalloc_alloc *arg, int allocator);
/* Starts an ALLOC that has to wait, as the nth waiting call. */
void start_waiter(struct call *call, struct ksalloc_alloc *arg, int allocator,
		  int n);
void start_complete(struct call *call, struct ksalloc_complete *arg,
		    int connection);

/*
 * A process that makes calls for the test. It shares the open files that its parent has
 * when it starts. agent_open() gives it its own open file of an object.
 */
struct agent {
	pid_t pid;
	int socket;
};

#define AGENT_ARG_MAX 256

void agent_start(struct agent *agent);
int agent_call(struct agent *agent, int fd, unsigned long request, void *arg,
	       size_t size);
/* The same in two steps, for calls that wait */
void agent_begin(struct agent *agent, int fd, unsigned long request, void *arg,
		 size_t size);
bool agent_waits(struct agent *agent);
bool agent_is_done(struct agent *agent);
int agent_end(struct agent *agent, void *arg, size_t size);
int agent_close(struct agent *agent, int fd);
int agent_dup(struct agent *agent, int fd);
/* Passes a descriptor over the socket; returns its number in the process. */
int agent_pass(struct agent *agent, int fd);
/* Gives the process its own open file of a connection or allocator; returns the number. */
int agent_open(struct agent *agent, int fd);
int agent_alloc(struct agent *agent, int allocator);
int agent_free(struct agent *agent, int allocator, unsigned int index);
int agent_submit(struct agent *agent, int connection, unsigned int index);
int agent_complete(struct agent *agent, int connection);
/* Without a deadline. The second one returns the index. */
void agent_begin_alloc(struct agent *agent, int allocator);
int agent_end_alloc(struct agent *agent);
void agent_begin_complete(struct agent *agent, int connection);
int agent_end_complete(struct agent *agent);
/* Executes another program, which only sleeps. */
void agent_exec(struct agent *agent);
void agent_exit(struct agent *agent);
void agent_kill(struct agent *agent);

/*
 * The number of kernel threads in D state whose names end with @suffix. While a thread executes a
 * work item, its name ends with "+" and the name of the workqueue
 */
int waiting_kernel_threads(const char *suffix);
/* Calls on the node of this share that wait for the camera */
int waiting_calls(int share);

/* Leak checks */
struct footprint {
	int fds;
	int dmabufs;
	int module_refs;
};

#define BUFINFO "/sys/kernel/debug/dma_buf/bufinfo"
int count_fds(void);
int count_dmabufs(void);
int module_refs(const char *module);
void footprint_take(struct footprint *footprint);
/* Expects the same footprint as before (the kernel closes some files with a delay). */
#define EXPECT_FOOTPRINT(before) \
	expect_footprint(__FILE__, __LINE__, (before))
void expect_footprint(const char *file, int line,
		      const struct footprint *before);

/* Whether this is the debug kernel, which is slow */
bool is_debug_kernel(void);
/* Whether it has CONFIG_PREEMPT_RT */
bool is_realtime_kernel(void);

/* Small files. The text ends with a NUL and is truncated if it does not fit. */
int read_text(const char *path, char *buf, size_t size);
int write_text(const char *path, const char *text);
#define TRACING "/sys/kernel/tracing"
void trace_start(const char *events);
void trace_stop(const char *events, char *text, size_t size);
bool only_thread_fetches(void);
/* The value of a line "key: value" in the fdinfo of a descriptor; false if there is none. */
bool fdinfo_value(int fd, const char *key, char *buf, size_t size);

#endif
