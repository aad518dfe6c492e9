// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers of all suites: see ksalloc_test.h.
 */
#include "ksalloc_test.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "remote.h"

#define VIVID_DRIVER "/sys/bus/platform/drivers/vivid"
#define VIVID_DEVICE "vivid.0"
#define VIVID_MODULE "/sys/module/vivid"
/* As in selftests.guest: the first device has all kinds of nodes, the other one is only a camera */
#define VIVID_NODES "0xe1d3d,0x1"
/*
 * vivid counts time in jiffies. If filling a frame takes half of a frame interval or more,
 * it repeats sequence numbers or falls behind.
 */
#define FRAME_RATE 25

unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	nanosleep(&ts, NULL);
}

__u64 in_ms(unsigned int ms)
{
	return now_ns() + ms * 1000000ULL;
}

int read_text(const char *path, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t got;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (used < size - 1) {
		got = read(fd, buf + used, size - 1 - used);
		if (got <= 0)
			break;
		used += got;
	}
	buf[used] = '\0';
	close(fd);
	return used;
}

int write_text(const char *path, const char *text)
{
	size_t length = strlen(text);
	ssize_t done;
	int fd, err = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	done = write(fd, text, length);
	if (done < 0)
		err = -errno;
	else if ((size_t)done != length)
		err = -EIO;
	close(fd);
	return err;
}

/* Empties the trace, and records these events: a directory in events, as "ksalloc" */
void trace_start(const char *events)
{
	char path[128];
	int fd = open(TRACING "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

	ASSERT_LE(0, fd);
	close(fd);
	snprintf(path, sizeof(path), TRACING "/events/%s/enable", events);
	ASSERT_EQ(0, write_text(path, "1"));
	ASSERT_EQ(0, write_text(TRACING "/tracing_on", "1"));
}

/* The trace since trace_start(), one line per event */
void trace_stop(const char *events, char *text, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), TRACING "/events/%s/enable", events);
	ASSERT_EQ(0, write_text(path, "0"));
	ASSERT_LT(0, read_text(TRACING "/trace", text, size));
}

/* Whether only the thread of the feed fetches the next frames of a stream that circulates */
bool only_thread_fetches(void)
{
	static const char event[] = "ksalloc/ksalloc_pass";
	static char text[1 << 16];
	unsigned int all, by_thread, i;
	char *line, *rest;

	for (i = 0; i < PATIENCE_MS / 100; i++) {
		trace_start(event);
		sleep_ms(100);
		trace_stop(event, text, sizeof(text));
		all = 0;
		by_thread = 0;
		for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
			all += *line != '#';
			by_thread += !!strstr(line, " ksalloc-feed");
		}
		if (all)
			return by_thread == all;
	}
	return false;
}

/* vivid */

#define CAMERAS 2

/* The cameras at the start. Reading the names of all nodes takes longer than many tests. */
static char likely_nodes[CAMERAS][16];

static bool node_has_name(const char *node, const char *name)
{
	char file[300], text[64];

	snprintf(file, sizeof(file), "/sys/class/video4linux/%s/name", node);
	if (read_text(file, text, sizeof(text)) <= 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return !strcmp(text, name);
}

static bool find_node(const char *name, char *path, size_t size)
{
	struct dirent *entry;
	bool found = false;
	unsigned int i;
	DIR *dir;

	for (i = 0; i < CAMERAS && !found; i++) {
		if (!*likely_nodes[i])
			continue;
		found = node_has_name(likely_nodes[i], name);
		if (found)
			snprintf(path, size, "/dev/%s", likely_nodes[i]);
	}
	if (found)
		return true;
	dir = opendir("/sys/class/video4linux");
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		found = node_has_name(entry->d_name, name);
		if (found)
			snprintf(path, size, "/dev/%s", entry->d_name);
	}
	closedir(dir);
	return found;
}

static void camera_name(unsigned int instance, char *name, size_t size)
{
	snprintf(name, size, "vivid-%03u-vid-cap", instance);
}

/* Only before any test, because threads read it. */
static void remember_cameras(void)
{
	char name[32], path[300];
	unsigned int i;

	for (i = 0; i < CAMERAS; i++) {
		camera_name(i, name, sizeof(name));
		if (find_node(name, path, sizeof(path)))
			snprintf(likely_nodes[i], sizeof(likely_nodes[i]), "%s",
				 strrchr(path, '/') + 1);
	}
}

bool node_exists(const char *name)
{
	char path[300];

	return find_node(name, path, sizeof(path)) && !access(path, F_OK);
}

const char *node_path(const char *name)
{
	static __thread char path[300];

	if (!find_node(name, path, sizeof(path))) {
		harness_note("there is no V4L2 node named %s", name);
		ASSERT_TRUE(!"the node exists");
	}
	return path;
}

int open_node(const char *name, int flags)
{
	int fd = open(node_path(name), flags | O_CLOEXEC);

	ASSERT_LE(0, fd);
	return fd;
}

int open_camera(unsigned int instance)
{
	char name[32];

	camera_name(instance, name, sizeof(name));
	return open_node(name, O_RDWR);
}

__u32 control_of(int video, const char *name)
{
	const __u32 next = V4L2_CTRL_FLAG_NEXT_CTRL | V4L2_CTRL_FLAG_NEXT_COMPOUND;
	struct v4l2_queryctrl query = { .id = next };

	while (!call_fd(video, VIDIOC_QUERYCTRL, &query)) {
		if (!strcmp((const char *)query.name, name))
			return query.id;
		query.id |= next;
	}
	ASSERT_TRUE(!"the control exists");
	return 0;
}

int set_rate(int video, unsigned int per_second)
{
	struct v4l2_streamparm parm = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.parm.capture.timeperframe = { 1, per_second },
	};

	return call_fd(video, VIDIOC_S_PARM, &parm);
}

int set_format(int video, unsigned int width, unsigned int height)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {
			.width = width,
			.height = height,
			.pixelformat = V4L2_PIX_FMT_YUYV,
			.field = V4L2_FIELD_NONE,
		},
	};
	int input = 0;
	int err;

	err = call_fd(video, VIDIOC_S_INPUT, &input);
	if (err)
		return err;
	err = call_fd(video, VIDIOC_S_FMT, &format);
	if (err)
		return err;
	if (format.fmt.pix.width != width || format.fmt.pix.height != height)
		return -ERANGE;
	return set_rate(video, FRAME_RATE);
}

int get_format(int video, struct v4l2_format *format)
{
	memset(format, 0, sizeof(*format));
	format->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	return call_fd(video, VIDIOC_G_FMT, format);
}

int set_control(int video, const char *name, int value)
{
	struct v4l2_queryctrl query = { .id = V4L2_CTRL_FLAG_NEXT_CTRL };
	struct v4l2_control control = { .value = value };

	while (!call_fd(video, VIDIOC_QUERYCTRL, &query)) {
		if (!strcmp((const char *)query.name, name)) {
			control.id = query.id;
			return call_fd(video, VIDIOC_S_CTRL, &control);
		}
		query.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
	}
	return -ENOENT;
}

static bool has_heaps(void)
{
	return !access("/dev/dma_heap", F_OK);
}

int open_heap(void)
{
	int fd;

	if (!has_heaps())
		return -1;
	fd = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	return fd;
}

void need_heap(void)
{
	if (!has_heaps())
		SKIP("the kernel has no dma-buf heaps");
}

__u32 usual_memory(void)
{
	return has_heaps() ? KSALLOCATOR_OPTIONF_SYSTEM_MEMORY : 0;
}

int open_ksalloc(void)
{
	int fd = open("/dev/ksalloc", O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, fd);
	return fd;
}

bool vivid_is_bound(void)
{
	return !access(VIVID_DRIVER "/" VIVID_DEVICE, F_OK);
}

void vivid_unbind(void)
{
	ASSERT_EQ(0, write_text(VIVID_DRIVER "/unbind", VIVID_DEVICE));
}

void vivid_bind(void)
{
	ASSERT_EQ(0, write_text(VIVID_DRIVER "/bind", VIVID_DEVICE));
	ASSERT_TRUE(EVENTUALLY(node_exists("vivid-000-vid-cap") &&
			       node_exists("vivid-001-vid-cap")));
}

/* Whether the array parameter of vivid begins with these values */
static bool vivid_has(const char *parameter, const char *values)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), VIVID_MODULE "/parameters/%s", parameter);
	if (read_text(path, text, sizeof(text)) <= 0)
		return false;
	return !strncmp(text, values, strlen(values));
}

void vivid_reload(const char *parameters)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "rmmod vivid; modprobe vivid n_devs=2 node_types=" VIVID_NODES " %s",
		 parameters);
	ASSERT_EQ(0, system(command));
	ASSERT_TRUE(EVENTUALLY(node_exists("vivid-000-vid-cap") &&
			       node_exists("vivid-001-vid-cap")));
}

static void vivid_load(const char *multiplanar, const char *allocators)
{
	char parameters[128];

	if (vivid_has("multiplanar", multiplanar) &&
	    vivid_has("allocators", allocators))
		return;
	snprintf(parameters, sizeof(parameters), "multiplanar=%s allocators=%s",
		 multiplanar, allocators);
	vivid_reload(parameters);
}

/* Whether this test wants other parameters than most tests */
static bool vivid_is_special;

void need_vivid(const char *multiplanar, const char *allocators)
{
	vivid_is_special = true;
	repair_machine();
	if (module_refs("vivid") < 0)
		SKIP("vivid cannot be loaded anew");
	vivid_load(multiplanar, allocators);
}

void repair_machine(void)
{
	if (access(VIVID_DRIVER, F_OK) ||
	    (!vivid_is_special && module_refs("vivid") >= 0))
		vivid_load("1,1", "0,0");
	if (access("/dev/ksalloc", F_OK) && system("modprobe ksalloc"))
		harness_note("modprobe ksalloc failed");
	if (!vivid_is_bound())
		vivid_bind();
}

static void mount_if_missing(const char *type, const char *where,
			     const char *probe)
{
	if (access(probe, F_OK))
		mount(type, where, type, 0, NULL);
}

static void before_all(void)
{
	mount_if_missing("debugfs", "/sys/kernel/debug", BUFINFO);
	mount_if_missing("tracefs", "/sys/kernel/tracing",
			 "/sys/kernel/tracing/events");
	if (access("/dev/ksalloc", F_OK) || access(VIVID_DRIVER, F_OK)) {
		printf("Bail out! the modules ksalloc and vivid must be loaded\n");
		exit(2);
	}
	repair_machine();
	remember_cameras();
}

static __attribute__((constructor)) void set_before_all(void)
{
	harness_before_all = before_all;
}

/* The rig */

void rig_open(struct rig *rig, unsigned int instance, unsigned int width,
	      unsigned int height)
{
	repair_machine();
	rig->allocator = -1;
	rig->ksalloc = open_ksalloc();
	rig->heap = open_heap();
	rig->video = open_camera(instance);
	ASSERT_EQ(0, set_format(rig->video, width, height));
	ASSERT_EQ(0, set_control(rig->video, "Percentage of Dropped Buffers",
				 0));
	rig->connection = do_connect(rig->ksalloc, rig->video);
	ASSERT_LE(0, rig->connection);
	ASSERT_EQ(0, get_framing(rig->connection, &rig->framing));
}

void rig_allocator(struct rig *rig, unsigned int frames)
{
	rig->allocator = create_allocator(rig->connection, rig->heap, frames,
					  0);
	ASSERT_LE(0, rig->allocator);
	ASSERT_EQ(0, set_allocator(rig->connection, rig->allocator));
}

void rig_own_allocator(struct rig *rig, unsigned int frames)
{
	rig->allocator = create_own(rig->connection, frames, 0);
	ASSERT_LE(0, rig->allocator);
	ASSERT_EQ(0, set_allocator(rig->connection, rig->allocator));
}

/* A descriptor stands for one plane */
static int submit_all_by_thread(struct rig *rig)
{
	int index, count = 0;

	while ((index = alloc_now(rig->allocator)) >= 0) {
		ASSERT_EQ(0, submit(rig->connection, index));
		count++;
	}
	ASSERT_EQ(-EAGAIN, index);
	return count;
}

int rig_submit_all(struct rig *rig)
{
	struct ksalloc_status status = { 0 };
	int err, count = 0;

	ASSERT_EQ(0, get_status(rig->allocator, &status));
	if (status.planes.count > 1)
		return submit_all_by_thread(rig);
	for (;;) {
		struct ksalloc_alloc arg = {
			.size = sizeof(arg),
			.flags = KSALLOC_NONBLOCK | KSALLOC_ALLOC_DMABUF,
		};

		err = call_fd(rig->allocator, KSALLOC_ALLOC, &arg);
		if (err)
			break;
		ASSERT_EQ(0, submit_fd(rig->connection, arg.index,
				       arg.dmabuf_fd));
		close(arg.dmabuf_fd);
		count++;
	}
	ASSERT_EQ(-EAGAIN, err);
	return count;
}

int rig_complete(struct rig *rig, struct ksalloc_complete *out)
{
	return complete(rig->connection, 0, in_ms(PATIENCE_MS), out);
}

void rig_turn(struct rig *rig, struct ksalloc_complete *out)
{
	struct ksalloc_complete unused;
	int index = rig_complete(rig, out ? out : &unused);

	ASSERT_LE(0, index);
	ASSERT_EQ(0, submit(rig->connection, index));
}

void rig_close(struct rig *rig)
{
	/* Fields that the set-up did not reach are 0. */
	if (rig->connection > 0)
		close(rig->connection);
	if (rig->allocator > 0)
		close(rig->allocator);
	if (rig->video > 0)
		close(rig->video);
	if (rig->heap > 0)
		close(rig->heap);
	if (rig->ksalloc > 0)
		close(rig->ksalloc);
}

int poll_fd(int fd, int events, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int ready;

	if (remote_poll(fd, events, timeout_ms, &ready))
		return ready;
	ready = poll(&pfd, 1, timeout_ms);
	return ready < 0 ? -errno : pfd.revents;
}

unsigned long long inode_of(int fd)
{
	struct stat st;

	ASSERT_EQ(0, fstat(fd, &st));
	return st.st_ino;
}

__u32 whole_pages(__u32 bytes)
{
	__u32 page = getpagesize();

	return (bytes + page - 1) / page * page;
}

int make_writable(const void *map, size_t size)
{
	size_t whole = size / getpagesize() * getpagesize();

	return mprotect((void *)map, whole, PROT_READ | PROT_WRITE) ? -errno : 0;
}

void *map_frame(int dmabuf, size_t size, int protection)
{
	void *frame = mmap(NULL, size, protection, MAP_SHARED, dmabuf, 0);

	ASSERT_NE(MAP_FAILED, frame);
	return frame;
}

static int open_udmabuf(void)
{
	int udmabuf = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);

	if (udmabuf < 0)
		SKIP("no /dev/udmabuf");
	return udmabuf;
}

static int make_udmabuf(int udmabuf, int memfd, __u64 offset, __u64 size)
{
	struct udmabuf_create arg = {
		.memfd = memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = offset,
		.size = size,
	};
	int dmabuf = call_fd(udmabuf, UDMABUF_CREATE, &arg);

	ASSERT_LE(0, dmabuf);
	return dmabuf;
}

int udmabuf_alloc(int udmabuf, size_t size)
{
	int memfd = memfd_create("frame", MFD_CLOEXEC | MFD_ALLOW_SEALING), dmabuf;

	size = whole_pages(size);
	ASSERT_EQ(0, ftruncate(memfd, size));
	ASSERT_EQ(0, fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	dmabuf = make_udmabuf(udmabuf, memfd, 0, size);
	close(memfd);
	return dmabuf;
}

int from_memfd(int memfd, __u64 offset, __u64 size)
{
	int udmabuf = open_udmabuf(), dmabuf = make_udmabuf(udmabuf, memfd, offset, size);

	close(udmabuf);
	return dmabuf;
}

int from_udmabuf(size_t size)
{
	int udmabuf = open_udmabuf(), dmabuf = udmabuf_alloc(udmabuf, size);

	close(udmabuf);
	return dmabuf;
}

/* Leak checks */

/* Flag in /proc/PID/stat. It is not in the headers for user space */
#define PF_KTHREAD 0x00200000

/* The format is "PID (NAME) STATE PPID ..." */
static bool is_waiting_kernel_thread(const char *pid, const char *suffix)
{
	char path[300], text[512], *end, state;
	unsigned int flags;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	if (read_text(path, text, sizeof(text)) <= 0)
		return false;
	end = strrchr(text, ')');
	if (!end || sscanf(end + 1, " %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
		return false;
	*end = '\0';
	length = strlen(suffix);
	return state == 'D' && (flags & PF_KTHREAD) && strlen(text) >= length &&
	       !strcmp(end - length, suffix);
}

int waiting_kernel_threads(const char *suffix)
{
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	dir = opendir("/proc");
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir)))
		count += isdigit(entry->d_name[0]) &&
			 is_waiting_kernel_thread(entry->d_name, suffix);
	closedir(dir);
	return count;
}

int waiting_calls(int share)
{
	char worker[64] = "+ksalloc-ask-";

	ASSERT_TRUE(fdinfo_value(share, "device", worker + strlen(worker), 32));
	return waiting_kernel_threads(worker);
}

bool is_debug_kernel(void)
{
	return !access("/sys/kernel/debug/failslab", F_OK);
}

bool is_realtime_kernel(void)
{
	return !access("/sys/kernel/realtime", F_OK);
}

bool fdinfo_value(int fd, const char *key, char *buf, size_t size)
{
	char path[64], text[4096];
	size_t length = strlen(key);
	char *line, *rest = text;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	ASSERT_LT(0, read_text(path, text, sizeof(text)));
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, key, length) || line[length] != ':')
			continue;
		line += length + 1;
		line += strspn(line, " \t");
		snprintf(buf, size, "%s", line);
		return true;
	}
	return false;
}

/* The process of a thread */
static int process_of(pid_t tid)
{
	char path[64], text[4096] = "";
	const char *line;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	ASSERT_LT(0, read_text(path, text, sizeof(text)));
	line = strstr(text, "\nTgid:");
	ASSERT_TRUE(line);
	return atoi(line + strlen("\nTgid:"));
}

void dmabuf_name(char name[DMABUF_NAME], int allocator, unsigned int index, int plane)
{
	int pid = process_of(remote_tid()), used, room;
	char id[16], path[64], comm[32];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	ASSERT_LT(0, read_text(path, comm, sizeof(comm)));
	comm[strcspn(comm, "\n")] = '\0';
	ASSERT_TRUE(fdinfo_value(allocator, "id", id, sizeof(id)));
	used = snprintf(name, DMABUF_NAME, "ksalloc %s/%u", id, index);
	if (plane >= 0)
		used += snprintf(name + used, DMABUF_NAME - used, ".%d", plane);
	room = DMABUF_NAME - 1 - used - snprintf(NULL, 0, " :%d", pid);
	ASSERT_LE(0, room);
	snprintf(name + used, DMABUF_NAME - used, " %.*s:%d", room, comm, pid);
}
