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
 *	overlapped.c	calls that complete later
 *	cancel.c	cancelling them
 *	port.c		completion ports
 *	control.c	DeviceIoControl(): dispatch to the objects
 *	filter.c	a filter: its properties, and creation of pins
 *	format.c	video formats of Windows and V4L2
 *	pin.c		a pin: its states and properties
 *	read.c		reads of a pin
 *	pool.c		frames for reads into memory of the client
 *	allocator.c	an allocator: its frames, properties and events
 *	memory.c	memory of the client: checks and copies
 *	device.c	the devices and their names
 *	setupapi.c, cfgmgr.c	functions that find devices
 *	nt.c, status.c	functions of ntdll.dll
 *	library.c	LoadLibrary(), GetProcAddress(), and time
 *	heap.c		memory for the client
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

/* For errors without an errno, these use errno values that occur nowhere else */
#define WIN_NO_SUCH_SET EPROTONOSUPPORT
#define WIN_NO_SUCH_ITEM ENOPROTOOPT
#define WIN_NO_MATCH EPROTOTYPE
#define WIN_MORE_DATA EOVERFLOW
#define WIN_TOO_SMALL ENOBUFS
#define WIN_BAD_SIZE EMSGSIZE
#define WIN_TOO_MANY ERANGE
/* Not an error: the call completes later */
#define WIN_LATER EINPROGRESS

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
	int fd;
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
/* Makes a handle. The table takes the reference of the caller; on failure it is dropped. */
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

/* Calls that complete later */

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
 * Marks a call as pending; EBADF if the event handle is not an event. If the thread waits for
 * the call, @object is NULL
 */
int win_pending_begin(struct win_pending *pending, struct win_object *object,
		      OVERLAPPED *overlapped);
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

struct win_call {
	const void *in;
	ULONG in_size;
	void *out;
	ULONG out_size;
	/* Size of the whole result, even if it did not fit */
	ULONG returned;
};

struct win_property {
	const GUID *set;
	ULONG id;
	/*
	 * Minimum sizes of in and out; out also for values that are written to the property
	 */
	ULONG in_size;
	ULONG out_size;
	int (*get)(struct win_object *object, struct win_call *call);
	int (*put)(struct win_object *object, struct win_call *call);
};

int win_property(struct win_object *object, struct win_call *call,
		 const struct win_property *properties, size_t count);
/* Returns this result, if it fits completely */
int win_answer(struct win_call *call, const void *data, size_t size);

int win_filter_property(struct win_object *object, struct win_call *call);
/* A filter has one pin at a time: EBUSY if it has one. Takes a reference. */
int win_filter_claim(struct win_object *filter);
void win_filter_release(struct win_object *filter);
/* Takes over the claim on the filter */
int win_pin_create(struct win_object *filter, HANDLE *handle);
/* Assigns the allocator if the pin has none. Errors are ignored. */
void win_pin_use_new(struct win_object *pin, struct win_object *allocator);
int win_pin_property(struct win_object *object, struct win_call *call);
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

/* Formats */

/* Negative errors if the device has no such format, or Windows has no name for it */
int win_format_to_v4l2(const KSDATAFORMAT *format, ULONG size, struct v4l2_pix_format *pix);
int win_format_from_v4l2(const struct v4l2_pix_format *pix, ULONGLONG frame_time,
			 KS_DATAFORMAT_VIDEOINFOHEADER *format);
/* Sets exactly this format; if @try, only checks whether the device has it. */
int win_format_set(int video, const KSDATAFORMAT *format, ULONG size, bool try);
int win_format_get(int video, KS_DATAFORMAT_VIDEOINFOHEADER *format);
/* Calls @add for each range of the device, until it returns an error. */
typedef int win_add_range(void *context, const KS_DATARANGE_VIDEO *range);
int win_format_ranges(int video, win_add_range *add, void *context);

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
 * address of the data.
 */
void *win_frame_filled(struct win_allocator *allocator, __u32 index, size_t start,
		       const struct win_object *pin);
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
