/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Definitions for all files of libkswin.
 *
 *	error.c		error codes
 *	handle.c	handles: a table of reference counted objects
 *	event.c		events
 *	semaphore.c	semaphores
 *	thread.c	threads
 *	wait.c		waiting for events, semaphores and threads
 *	native.c	threads that have no handle
 *	critical.c	critical sections
 *	overlapped.c	calls that complete later
 *	cancel.c	cancelling them
 *	port.c		completion ports
 *	control.c	DeviceIoControl(): dispatch to the objects
 *	describe.c	tables of properties, and questions about them
 *	filter.c	a filter: its format, and creation of pins
 *	pininfo.c	properties of a filter
 *	topology.c	the nodes of a filter
 *	controls.c	controls of the camera
 *	crossbar.c	inputs of the device
 *	extension.c	extension units of USB cameras
 *	format.c	video formats of Windows and V4L2
 *	range.c		ranges of formats, and which format is in two of them
 *	video.c		formats of V4L2 devices with both APIs
 *	pin.c		a pin: its states and properties
 *	read.c		reads of a pin
 *	pool.c		frames for reads into memory of the client
 *	allocator.c	an allocator: its frames
 *	notify.c	events of an allocator
 *	backing.c	memory and status of an allocator
 *	clock.c		clocks
 *	proxy.c		functions of ksproxy.ax
 *	memory.c	memory of the client: checks and copies
 *	device.c	the devices and their names
 *	setupapi.c, cfgmgr.c	functions that find devices
 *	registry.c	the keys of devices
 *	nt.c, status.c	functions of ntdll.dll
 *	library.c	LoadLibrary(), GetProcAddress(), and time
 *	heap.c		memory for the client
 *	system.c	GetSystemInfo()
 *	text.c		WCHAR and UTF-8
 *	message.c	FormatMessage()
 *
 * Functions return a negative errno value, or a negative WIN_* value; on success 0 or a
 * number of bytes. Locks: the lock of a pin is taken before that of an allocator. The lock
 * of overlapped.c and that of the table are taken last.
 */
#ifndef KSWIN_WIN_H
#define KSWIN_WIN_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <ks/ks.h>
#include <linux/videodev2.h>

#include <ks/win/windows.h>
#include <ks/win/ks.h>
#include <ks/win/ksmedia.h>
#include <ks/win/ksproxy.h>

#define WIN_API __attribute__((visibility("default")))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define container_of(member_pointer, type, member) \
	((type *)(void *)((char *)(member_pointer) - offsetof(type, member)))

/* Errors without an errno. A driver can return any errno, and the last one is 4095 */
enum {
	WIN_NO_SUCH_SET = 4096,
	WIN_NO_SUCH_ITEM,
	WIN_NO_MATCH,
	WIN_MORE_DATA,
	WIN_TOO_SMALL,
	WIN_BAD_SIZE,
	WIN_TOO_MANY,
	/* Not an error: the call completes later */
	WIN_LATER,
};

NTSTATUS win_status(int err);
DWORD win_code(int err);
DWORD win_code_of_status(NTSTATUS status);
/* Returns TRUE; or sets the last error and returns FALSE */
BOOL win_result(int err);

/* Objects */

enum win_kind {
	/* Files of Windows: they have calls that complete later */
	WIN_FILTER,
	WIN_PIN,
	WIN_ALLOCATOR,
	WIN_CLOCK,
	/* Other objects */
	WIN_EVENT,
	WIN_SEMAPHORE,
	WIN_THREAD,
	WIN_PORT,
	WIN_ANY,
};

struct win_match;
struct win_packet;

struct win_object {
	enum win_kind kind;
	int refs;
	int handles;
	/* close() was called, so there can be no new handle */
	bool closed;
	/* NtOpenFile() was asked for it: native calls wait until they have completed */
	bool waits;
	int fd;
	/* No other object has this number. An address is used again when the object is freed */
	unsigned long long number;
	/* The completion port of a file, and the number that its calls have there */
	struct win_object *port;
	ULONG_PTR key;
	/* Called when the last handle is closed: ends waiting calls. May be NULL */
	void (*close)(struct win_object *object);
	/* Cancels pending calls, and returns their number. May be NULL */
	unsigned int (*cancel)(struct win_object *object, const struct win_match *match);
	/*
	 * Called after the last reference was dropped: frees the object. Then the
	 * descriptor is closed
	 */
	void (*destroy)(struct win_object *object);
	/*
	 * Called when a wait for the object ends: resets what this resets. Returns false if
	 * another thread was faster. NULL if the object cannot be waited for
	 */
	bool (*take)(struct win_object *object);
	/* Undoes take(). May be NULL */
	void (*untake)(struct win_object *object);
};

/* The caller has one reference */
void win_object_init(struct win_object *object, enum win_kind kind, int fd);
/*
 * Makes a handle. The table takes the reference of the caller; on failure it is dropped. EBADF if
 * another thread has closed the last handle
 */
int win_publish(struct win_object *object, HANDLE *handle);
/* Returns a reference, or NULL if the handle is not an object of this kind */
struct win_object *win_get(HANDLE handle, enum win_kind kind);
struct win_object *win_ref(struct win_object *object);
/* NULL does nothing */
void win_put(struct win_object *object);

/* Whether this can only be a handle: one that is open, or is not any more, or a wrong one */
bool win_is_handle_value(HANDLE handle);
/* Calls a function for each handle, and returns the sum of its results */
unsigned int win_each(unsigned int (*call)(struct win_object *object,
					   const struct win_match *match),
		      const struct win_match *match);
/* EINVAL if it has a port */
int win_object_set_port(struct win_object *object, struct win_object *port, ULONG_PTR key);
/* Returns a reference; NULL if it has none */
struct win_object *win_object_port(struct win_object *object, ULONG_PTR *key);

/* Events */

void win_event_set(struct win_object *event);
void win_event_reset(struct win_object *event);

/* Semaphores */

struct pollfd;
/* poll() that does not wait, while no count of a semaphore is being changed */
int win_semaphores_poll(struct pollfd *fds, DWORD count);

/* Milliseconds until the deadline of ks_deadline(); -1 for 0, which is none */
int win_left_until(__u64 deadline);

/* Calls that complete later */

/* In the handle of an event: the call is not put into the queue of a completion port */
#define WIN_NO_PACKET 1

struct win_pending {
	OVERLAPPED *overlapped;
	struct win_object *event;
	/* The thread that made the call, and whether it waits for it */
	pthread_t thread;
	bool synchronous;
	/* The completion port, and what it gets */
	struct win_object *port;
	struct win_packet *packet;
};

/* Which calls are to be cancelled; NULL for any */
struct win_match {
	const pthread_t *thread;
	const OVERLAPPED *overlapped;
	/* Only calls that their thread waits for */
	bool synchronous;
};

bool win_matches(const struct win_match *match, const struct win_pending *pending);

/*
 * A device may return EAGAIN. As a result of a call, that would mean that it is still
 * pending.
 */
static inline int win_end(int err)
{
	return err == -EAGAIN ? -EBUSY : err;
}

/*
 * Marks a call as pending; EBADF if @event is not an event or NULL. If the thread waits for the
 * call, @object is NULL. Only the status and the size in @overlapped are used: an IO_STATUS_BLOCK
 * begins with the same two
 */
int win_pending_begin(struct win_pending *pending, struct win_object *object,
		      OVERLAPPED *overlapped, HANDLE event);
/* Completes the call. The OVERLAPPED belongs to the caller again after this. */
void win_pending_end(struct win_pending *pending, int err, ULONG_PTR bytes);
/* Undoes win_pending_begin(): nothing is pending, and the event is not set. */
void win_pending_drop(struct win_pending *pending, int err);
/* Returns STATUS_PENDING if the call is still pending after this time */
NTSTATUS win_pending_wait(OVERLAPPED *overlapped, DWORD milliseconds, DWORD *bytes);
/* A condition with the clock of ks_deadline() */
void win_condition_init(pthread_cond_t *condition);
/* Makes a thread for such calls, which handles no signals */
int win_thread_create(pthread_t *thread, void *(*run)(void *), void *arg);

/* Memory of the client */

/* EFAULT if a part of it cannot be read, or written */
int win_check_memory(const void *data, size_t size, bool for_write);
/* Copies to it. If this fails, a part can have been copied */
int win_copy_out(void *to, const void *from, size_t size);

/* Properties, methods and events */

struct win_call;

/* DeviceIoControl(). Only the same part of the OVERLAPPED is used; NULL for a call that waits */
DWORD win_control(HANDLE handle, DWORD code, struct win_call *call, OVERLAPPED *overlapped,
		  HANDLE event);

struct win_call {
	const void *in;
	ULONG in_size;
	void *out;
	ULONG out_size;
	/* Size of the whole result, even if it did not fit */
	ULONG returned;
};

/* VT_I4 of wtypes.h: the type of a LONG */
#define WIN_VT_I4 3

/* The values of a property */
struct win_range {
	LONG min;
	LONG max;
	ULONG step;
	/* The default */
	LONG normal;
};

/* In a table, the properties of a set follow each other. */
struct win_property {
	const GUID *set;
	ULONG id;
	/*
	 * Minimum sizes of in and out; out also for values that are written to the property
	 */
	ULONG in_size;
	ULONG out_size;
	/* They get an aligned copy of the request, and put of the value, too */
	int (*get)(struct win_object *object, struct win_call *call);
	int (*put)(struct win_object *object, struct win_call *call);
};

struct win_properties {
	const struct win_property *table;
	size_t count;
	/* NULL if all objects have all these properties */
	bool (*has)(struct win_object *object, const struct win_property *property);
	/* NULL if they have no ranges. Can take flags away from @access */
	int (*range)(struct win_object *object, const struct win_property *property,
		     struct win_range *range, ULONG *access);
};

/* Sets of an object */
#define WIN_MAX_SETS 16

int win_property(struct win_object *object, struct win_call *call,
		 const struct win_property *properties, size_t count);
int win_property_tables(struct win_object *object, struct win_call *call,
			const struct win_properties *tables, size_t count);
/* An aligned copy of call->in with at least a KSIDENTIFIER, to be freed */
int win_request_copy(const struct win_call *call, void **copy);
/* Returns this result, if it fits completely */
int win_answer(struct win_call *call, const void *data, size_t size);
/*
 * Returns a list with its head; or only its size, or only the head, if the caller has room
 * for exactly that
 */
int win_answer_multiple(struct win_call *call, const KSMULTIPLE_ITEM *list);
int win_answer_list(struct win_call *call, const void *items, size_t count, size_t size);
/* Returns a short ASCII string as WCHARs, with the zero at the end */
int win_answer_text(struct win_call *call, const char *text);
/* The answer to BASICSUPPORT. The size of the buffer selects how much. @range may be NULL */
int win_describe(struct win_call *call, ULONG access, const struct win_range *range);
/* Whether it was a question about the support of methods or events; @ret is its result */
bool win_support(const struct win_object *object, DWORD code, struct win_call *call, int *ret);

#define WIN_CAPTURE_PIN 0

int win_filter_property(struct win_object *object, struct win_call *call);
int win_node_property(struct win_object *object, struct win_call *call);
/* Pins that exist: of this filter, or in this process of its device */
ULONG win_filter_pins(struct win_object *filter, bool of_device);
/* A filter has one pin at a time: EBUSY if it has one. Takes a reference. */
int win_filter_claim(struct win_object *filter);
void win_filter_release(struct win_object *filter);
/* Takes over the claim on the filter */
int win_pin_create(struct win_object *filter, HANDLE *handle);
/* Held while an allocator is made: this assigns frames to the pin, and takes them from it */
void win_pin_lock(struct win_object *pin);
void win_pin_unlock(struct win_object *pin);
/* Assigns the allocator if the pin has none. Errors are ignored. Called with the lock held */
void win_pin_use_new(struct win_object *pin, struct win_object *allocator);
int win_pin_property(struct win_object *object, struct win_call *call);
bool win_pin_is_closed(struct win_object *pin);
/* The pin is closed: its clocks forget it */
void win_clocks_leave(const struct win_object *pin);
int win_clock_property(struct win_object *object, struct win_call *call);
int win_pin_reset(struct win_object *object, const struct win_call *call);
/* Returns -WIN_LATER if it took over @pending and completes it later */
int win_pin_read(struct win_object *object, const struct win_call *call,
		 const struct win_pending *pending);
int win_allocator_property(struct win_object *object, struct win_call *call);
/* The same */
int win_allocator_method(struct win_object *object, struct win_call *call,
			 const struct win_pending *pending);
int win_allocator_enable(struct win_object *object, const struct win_call *call);
int win_allocator_disable(struct win_object *object, const struct win_call *call);

/* Nodes, controls and inputs of a filter */

extern const struct win_properties win_topology;
extern const struct win_properties win_processing;
extern const struct win_properties win_camera;
extern const struct win_properties win_crossbar;

/* What the units of a control are in Windows */
enum win_unit {
	WIN_SAME,
	/* V4L2: 100 us */
	WIN_LOG2_SECONDS,
	/* V4L2: arc seconds */
	WIN_DEGREES,
	/* V4L2: the opposite */
	WIN_INVERTED,
};

/* The nearest value */
LONG win_control_from_v4l2(enum win_unit unit, __s32 value);
/* Can be outside of the range of the control, and of an __s32 */
__s64 win_control_to_v4l2(enum win_unit unit, LONG value);
void win_control_range(enum win_unit unit, const struct v4l2_queryctrl *query,
		       struct win_range *range);

#define WIN_MAX_INPUTS 32
ULONG win_inputs(int video);

#define WIN_MAX_UNITS 32

/* An extension unit; number 0 is none */
struct win_unit_node {
	__u8 unit;
	GUID set;
};

/* Returns the number of units. The second one is for the tests of the first one */
size_t win_find_units(int video, struct win_unit_node *units, size_t most);
size_t win_parse_units(const unsigned char *bytes, size_t size, int interface,
		       struct win_unit_node *units, size_t most);
int win_unit_property(struct win_object *object, struct win_call *call, const KSP_NODE *request,
		      const struct win_unit_node *unit);

/* V4L2 devices */

/* ioctl() that returns a negative errno */
int win_video_call(int video, unsigned long request, void *arg);
/* The buffer type for capture with the API of this device */
__u32 win_video_type(int video);
/* VIDIOC_TRY_FMT, _S_FMT and _G_FMT. WIN_NO_MATCH if frames have several planes of memory */
int win_video_format(int video, unsigned long request, struct v4l2_pix_format *pix);

/* Formats. Errors are negative if the device has no such format, or Windows no name for it */

#define WIN_TIME_UNITS_PER_S 10000000ULL

bool win_format_is_known(__u32 pixelformat);
bool win_format_is_compressed(__u32 pixelformat);
/* Its lines can be in two orders */
bool win_format_is_rgb(__u32 pixelformat);
/* Bytes of a line in Windows, without padding; 0 if unknown or compressed */
__u32 win_format_line(__u32 pixelformat, __u32 width);
/* Copies a VIDEOINFO or VIDEOINFO2 format of a client as VIDEOINFO, and checks its sizes */
int win_format_take(const KSDATAFORMAT *data_format, ULONG size,
		    KS_DATAFORMAT_VIDEOINFOHEADER *format);
void win_format_narrow(KS_VIDEOINFOHEADER *to, const KS_VIDEOINFOHEADER2 *from);
void win_format_widen(KS_VIDEOINFOHEADER2 *to, const KS_VIDEOINFOHEADER *from, __u32 field);
int win_format_to_v4l2(const KSDATAFORMAT *format, ULONG size, struct v4l2_pix_format *pix);
int win_format_from_v4l2(const struct v4l2_pix_format *pix, ULONGLONG frame_time,
			 KS_DATAFORMAT_VIDEOINFOHEADER *format);
/* Whether the device has exactly this format; @pix is what to set for it */
int win_format_try(int video, const KS_DATAFORMAT_VIDEOINFOHEADER *format,
		   struct v4l2_pix_format *pix);
/* Sets exactly this format; if @try, only checks whether the device has it. */
int win_format_set(int video, const KSDATAFORMAT *format, ULONG size, bool try);
int win_format_get(int video, struct v4l2_pix_format *pix,
		   KS_DATAFORMAT_VIDEOINFOHEADER *format);
/* In units of 100 ns */
ULONGLONG win_format_time(const struct v4l2_fract *interval);
/* From the intervals in @caps */
void win_format_bit_rates(const struct v4l2_pix_format *pix, KS_VIDEO_STREAM_CONFIG_CAPS *caps);
/* Makes a top-down RGB picture bottom-up. Does nothing for other formats */
void win_format_swap_lines(const struct v4l2_pix_format *pix, void *data, size_t bytes);
/* The same while it is copied to memory of the client */
int win_format_copy_out(const struct v4l2_pix_format *pix, void *to, const void *from,
			size_t bytes);

/* Calls @add for each range of the device, until it returns an error. */
typedef int win_add_range(void *context, const KS_DATARANGE_VIDEO *range, __u32 field);
int win_format_ranges(int video, win_add_range *add, void *context);
void win_range_widen(KS_DATARANGE_VIDEO2 *to, const KS_DATARANGE_VIDEO *from, __u32 field);

struct win_found {
	KS_DATAFORMAT_VIDEOINFOHEADER format;
	__u32 field;
	/* The client wants a KS_DATAFORMAT_VIDEOINFOHEADER2 */
	bool is_second;
};

/* The first format of the device that is in this range of a client, which is aligned */
int win_range_intersect(int video, const KSDATARANGE *wanted, struct win_found *match);
int win_format_answer(struct win_call *call, const struct win_found *match);

/* The format of a filter, with what V4L2 does not know: the order of lines and the form */
int win_filter_set_format(struct win_object *filter, const KSDATAFORMAT *format, ULONG size,
			  bool try);
int win_filter_get_format(struct win_object *filter, struct win_call *call);
/* Changes a frame that the device has filled to what the client expects, and whether it does */
bool win_filter_changes_frames(struct win_object *filter);
void win_filter_finish_frame(struct win_object *filter, void *data, size_t bytes);
/* Copies such a frame to memory of the client with these changes, and leaves it as it is */
int win_filter_copy_frame(struct win_object *filter, void *to, const void *from, size_t bytes);

/* The frames of an allocator, as the client knows them */

struct win_allocator;

/*
 * Returns the descriptor of a new allocator in the kernel, of memory that the device can use.
 * System memory for KS is any memory that works here: also the device's own, if there is no
 * other. If the device is busy, that is not known, and the state of the pin will show it.
 */
int win_memory_create(struct win_object *pin, const struct ksallocator_framing *framing,
		      bool *device_memory);
struct win_allocator *win_allocator_of(struct win_object *object);
struct win_object *win_allocator_object(struct win_allocator *allocator);
/* The index of the frame with this address; a negative error if there is none */
int win_frame_find(struct win_allocator *allocator, const void *data);
ULONG win_frame_count(const struct win_allocator *allocator);
ULONG win_frame_bytes(const struct win_allocator *allocator);
/* The client submits its frame to the device. */
int win_frame_submit(struct win_allocator *allocator, __u32 index,
		     const struct win_object *pin);
/*
 * The frame was filled through this pin, with @start bytes before the data; returns the
 * address of the data, for this access (LIBKS_READ, LIBKS_WRITE).
 */
void *win_frame_filled(struct win_allocator *allocator, __u32 index, size_t start,
		       const struct win_object *pin, unsigned int access);
/* The frame was completed through this pin, and no call waits for it. */
void win_frame_unasked(struct win_allocator *allocator, __u32 index,
		       const struct win_object *pin);
/* The kernel has freed the frame. The client still holds it. */
void win_frame_taken(struct win_allocator *allocator, __u32 index);
/*
 * The same for all frames that were completed through this pin, because it has another
 * allocator now
 */
void win_frames_taken(struct win_allocator *allocator, const struct win_object *pin);

#endif /* KSWIN_WIN_H */
