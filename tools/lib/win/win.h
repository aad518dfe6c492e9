/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of libkswin share.
 *
 *	error.c		errors
 *	handle.c	handles: a table of objects that count their references
 *	event.c		events, and waiting for them
 *	overlapped.c	calls that end later
 *	control.c	DeviceIoControl(): which object does what
 *	filter.c	a filter: its properties, and making pins
 *	format.c	video formats, here and there
 *	pin.c		a pin: its properties, and the stream of frames
 *	allocator.c	an allocator: its frames, properties and events
 *
 * Functions return a negative errno value, or one of WIN_*, also negative; 0 or a
 * number of bytes otherwise. Locks: a pin's lock is taken before an allocator's;
 * the one of overlapped.c and that of the table are taken last.
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

/* Errors for which errno has no word are said by one that occurs nowhere else */
#define WIN_NO_SUCH_SET EPROTONOSUPPORT
#define WIN_NO_SUCH_ITEM ENOPROTOOPT
#define WIN_NO_MATCH EPROTOTYPE
#define WIN_MORE_DATA EOVERFLOW
#define WIN_TOO_SMALL ENOBUFS
/* No error: the call ends later */
#define WIN_LATER EINPROGRESS

NTSTATUS win_status(int err);
DWORD win_code(int err);
DWORD win_code_of_status(NTSTATUS status);
/* TRUE, or FALSE and the last error set */
BOOL win_result(int err);

/* Objects */

enum win_kind {
	WIN_FILTER,
	WIN_PIN,
	WIN_ALLOCATOR,
	WIN_EVENT,
	WIN_ANY,
};

struct win_object {
	enum win_kind kind;
	int refs;
	int fd;
	/* When the handle is closed: end what waits. May be NULL */
	void (*close)(struct win_object *object);
	/* When the last reference is gone: free it; the descriptor is closed after */
	void (*destroy)(struct win_object *object);
};

/* One reference, the caller's */
void win_object_init(struct win_object *object, enum win_kind kind, int fd);
/* The caller's reference becomes the table's; on failure it is dropped. */
int win_publish(struct win_object *object, HANDLE *handle);
/* A reference, or NULL where the handle is no object of this kind */
struct win_object *win_get(HANDLE handle, enum win_kind kind);
struct win_object *win_ref(struct win_object *object);
/* NULL does nothing */
void win_put(struct win_object *object);

/* Events */

void win_event_set(struct win_object *event);
void win_event_reset(struct win_object *event);

/* Calls that end later */

struct win_pending {
	OVERLAPPED *overlapped;
	struct win_object *event;
};

/* A device may say EAGAIN, which as an end would read as if there were none yet. */
static inline int win_end(int err)
{
	return err == -EAGAIN ? -EBUSY : err;
}

/* Marks as pending; EBADF for a handle that is no event */
int win_pending_begin(struct win_pending *pending, OVERLAPPED *overlapped);
/* Tells of the end; the overlapped is the caller's again from here on. */
void win_pending_end(struct win_pending *pending, int err, ULONG_PTR bytes);
/* Takes back a begin: nothing is pending, and the event is not set. */
void win_pending_drop(struct win_pending *pending, int err);
/* STATUS_PENDING where it is not waited for */
NTSTATUS win_pending_wait(OVERLAPPED *overlapped, bool wait, DWORD *bytes);
/* A thread for them, which gets no signals */
int win_thread_create(pthread_t *thread, void *(*run)(void *), void *arg);

/* Properties and the like */

struct win_call {
	const void *in;
	ULONG in_size;
	void *out;
	ULONG out_size;
	/* Of the whole answer, which may not have fitted */
	ULONG returned;
};

struct win_property {
	const GUID *set;
	ULONG id;
	/* What has to be at in and out at least; out also for what is written to it */
	ULONG in_size;
	ULONG out_size;
	int (*get)(struct win_object *object, struct win_call *call);
	int (*put)(struct win_object *object, struct win_call *call);
};

int win_property(struct win_object *object, struct win_call *call,
		 const struct win_property *properties, size_t count);
/* Answers with these bytes, as far as there is room for all of them */
int win_answer(struct win_call *call, const void *data, size_t size);

int win_filter_property(struct win_object *object, struct win_call *call);
/* A filter has one pin at a time: EBUSY while it has one. Takes a reference. */
int win_filter_claim(struct win_object *filter);
void win_filter_release(struct win_object *filter);
/* Takes over the claim on the filter */
int win_pin_create(struct win_object *filter, HANDLE *handle);
/* A pin that has no allocator uses its first one, as far as it can. */
void win_pin_use_new(struct win_object *pin, struct win_object *allocator);
int win_pin_property(struct win_object *object, struct win_call *call);
int win_pin_reset(struct win_object *object, const struct win_call *call);
/* -WIN_LATER where it took over @pending, and will end it */
int win_pin_read(struct win_object *object, const struct win_call *call,
		 const struct win_pending *pending);
int win_allocator_property(struct win_object *object, struct win_call *call);
/* Likewise; without @pending an ALLOC waits. */
int win_allocator_method(struct win_object *object, struct win_call *call,
			 const struct win_pending *pending);
int win_allocator_enable(struct win_object *object, const struct win_call *call);
int win_allocator_disable(struct win_object *object, const struct win_call *call);

/* Formats */

/* A negative error where the device has no such format, or Windows no name for it */
int win_format_to_v4l2(const KSDATAFORMAT *format, ULONG size, struct v4l2_pix_format *pix);
int win_format_from_v4l2(const struct v4l2_pix_format *pix, ULONGLONG frame_time,
			 KS_DATAFORMAT_VIDEOINFOHEADER *format);
/* Sets the device's format to just this one, or (try) finds out whether it has it. */
int win_format_set(int video, const KSDATAFORMAT *format, ULONG size, bool try);
int win_format_get(int video, KS_DATAFORMAT_VIDEOINFOHEADER *format);
/* Calls back with each range that the device has, until that returns an error. */
typedef int win_add_range(void *context, const KS_DATARANGE_VIDEO *range);
int win_format_ranges(int video, win_add_range *add, void *context);

/* An allocator's frames, as the client holds them */

struct win_allocator;

struct win_allocator *win_allocator_of(struct win_object *object);
struct win_object *win_allocator_object(struct win_allocator *allocator);
/* The frame that has this address; a negative error where there is none */
int win_frame_find(struct win_allocator *allocator, const void *data);
ULONG win_frame_count(const struct win_allocator *allocator);
ULONG win_frame_bytes(const struct win_allocator *allocator);
/* The client's frame goes to the device. */
int win_frame_submit(struct win_allocator *allocator, __u32 index,
		     const struct win_object *pin);
/*
 * It comes back filled, @start bytes from its begin on, through this pin; returns its
 * address.
 */
void *win_frame_filled(struct win_allocator *allocator, __u32 index, size_t start,
		       const struct win_object *pin);
/* It comes back, and no call waits for it. */
void win_frame_unasked(struct win_allocator *allocator, __u32 index,
		       const struct win_object *pin);
/* The kernel took it back: it is the client's still, as far as the client knows. */
void win_frame_taken(struct win_allocator *allocator, __u32 index);
/* The same of all frames that came through this pin, which has another allocator now */
void win_frames_taken(struct win_allocator *allocator, const struct win_object *pin);

#endif /* KSWIN_WIN_H */
