/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints. Objects are identified by the ids that fdinfo shows, frames by their index
 * in the allocator.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ksalloc

#if !defined(_KSALLOC_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _KSALLOC_TRACE_H

#include <linux/tracepoint.h>

#include "allocator.h"

TRACE_DEFINE_ENUM(KSSTATE_STOP);
TRACE_DEFINE_ENUM(KSSTATE_ACQUIRE);
TRACE_DEFINE_ENUM(KSSTATE_PAUSE);
TRACE_DEFINE_ENUM(KSSTATE_RUN);

#define ks_trace_state(state)				\
	__print_symbolic(state,				\
			 { KSSTATE_STOP, "STOP" },	\
			 { KSSTATE_ACQUIRE, "ACQUIRE" },	\
			 { KSSTATE_PAUSE, "PAUSE" },	\
			 { KSSTATE_RUN, "RUN" })

TRACE_EVENT(ksalloc_create,
	    TP_PROTO(const struct ks_allocator *alloc),
	    TP_ARGS(alloc),
	    TP_STRUCT__entry(__field(u32, id)
			     __field(u32, frames)
			     __field(u32, planes)
			     __field(u32, frame_size)
			     __field(size_t, frame_bytes)),
	    TP_fast_assign(__entry->id = alloc->id;
			   __entry->frames = alloc->nr_frames;
			   __entry->planes = alloc->layout.count;
			   __entry->frame_size = alloc->framing.frame_size;
			   __entry->frame_bytes = alloc->frame_bytes;),
	    TP_printk("allocator=%u frames=%u planes=%u frame_size=%u frame_bytes=%zu",
		      __entry->id, __entry->frames, __entry->planes,
		      __entry->frame_size, __entry->frame_bytes));

DECLARE_EVENT_CLASS(ksalloc_frame,
		    TP_PROTO(const struct ks_allocator *alloc, u32 index),
		    TP_ARGS(alloc, index),
		    TP_STRUCT__entry(__field(u32, id)
				     __field(u32, index)
				     __field(u32, allocated)),
		    TP_fast_assign(__entry->id = alloc->id;
				   __entry->index = index;
				   __entry->allocated = READ_ONCE(alloc->nr_allocated);),
		    TP_printk("allocator=%u frame=%u allocated=%u",
			      __entry->id, __entry->index, __entry->allocated));

DEFINE_EVENT(ksalloc_frame, ksalloc_alloc,
	     TP_PROTO(const struct ks_allocator *alloc, u32 index),
	     TP_ARGS(alloc, index));

DEFINE_EVENT(ksalloc_frame, ksalloc_free,
	     TP_PROTO(const struct ks_allocator *alloc, u32 index),
	     TP_ARGS(alloc, index));

TRACE_EVENT(ksalloc_wait,
	    TP_PROTO(const struct ks_allocator *alloc, u64 deadline_ns),
	    TP_ARGS(alloc, deadline_ns),
	    TP_STRUCT__entry(__field(u32, id)
			     __field(u32, waiting)
			     __field(u64, deadline_ns)),
	    TP_fast_assign(__entry->id = alloc->id;
			   __entry->waiting = READ_ONCE(alloc->nr_waiting);
			   __entry->deadline_ns = deadline_ns;),
	    TP_printk("allocator=%u waiting=%u deadline_ns=%llu",
		      __entry->id, __entry->waiting, __entry->deadline_ns));

TRACE_EVENT(ksalloc_queue,
	    TP_PROTO(u32 connection, u32 index),
	    TP_ARGS(connection, index),
	    TP_STRUCT__entry(__field(u32, connection)
			     __field(u32, index)),
	    TP_fast_assign(__entry->connection = connection;
			   __entry->index = index;),
	    TP_printk("connection=%u frame=%u",
		      __entry->connection, __entry->index));

TRACE_EVENT(ksalloc_complete,
	    TP_PROTO(u32 connection, const struct ksalloc_complete *answer),
	    TP_ARGS(connection, answer),
	    TP_STRUCT__entry(__field(u32, connection)
			     __field(u32, index)
			     __field(u32, sequence)
			     __field(u32, data_used)
			     __field(u32, options_flags)
			     __field(s64, time)),
	    TP_fast_assign(__entry->connection = connection;
			   __entry->index = answer->index;
			   __entry->sequence = answer->sequence;
			   __entry->data_used = answer->header.data_used;
			   __entry->options_flags = answer->header.options_flags;
			   __entry->time = answer->header.presentation_time.time;),
	    TP_printk("connection=%u frame=%u sequence=%u data_used=%u options=%#x time=%lld",
		      __entry->connection, __entry->index, __entry->sequence,
		      __entry->data_used, __entry->options_flags, __entry->time));

TRACE_EVENT(ksalloc_pass,
	    TP_PROTO(u32 connection, const struct ksalloc_completion *completion,
		     u32 readers),
	    TP_ARGS(connection, completion, readers),
	    TP_STRUCT__entry(__field(u32, connection)
			     __field(u32, index)
			     __field(u32, sequence)
			     __field(u32, readers)),
	    TP_fast_assign(__entry->connection = connection;
			   __entry->index = completion->index;
			   __entry->sequence = completion->sequence;
			   __entry->readers = readers;),
	    TP_printk("connection=%u frame=%u sequence=%u readers=%u",
		      __entry->connection, __entry->index, __entry->sequence,
		      __entry->readers));

TRACE_EVENT(ksalloc_state,
	    TP_PROTO(u32 connection, enum ksstate from, enum ksstate to),
	    TP_ARGS(connection, from, to),
	    TP_STRUCT__entry(__field(u32, connection)
			     __field(int, from)
			     __field(int, to)),
	    TP_fast_assign(__entry->connection = connection;
			   __entry->from = from;
			   __entry->to = to;),
	    TP_printk("connection=%u %s -> %s", __entry->connection,
		      ks_trace_state(__entry->from), ks_trace_state(__entry->to)));

TRACE_DEFINE_ENUM(KSALLOC_REFUSAL_ALLOCATOR);
TRACE_DEFINE_ENUM(KSALLOC_REFUSAL_FRAMING);
TRACE_DEFINE_ENUM(KSALLOC_REFUSAL_IMPORT);
TRACE_DEFINE_ENUM(KSALLOC_REFUSAL_COUNT);
TRACE_DEFINE_ENUM(KSALLOC_REFUSAL_MAP);
TRACE_DEFINE_ENUM(KSALLOC_REFUSAL_OTHER);

TRACE_EVENT(ksalloc_refusal,
	    TP_PROTO(u32 connection, enum ksalloc_refusal reason, u32 frame,
		     int error),
	    TP_ARGS(connection, reason, frame, error),
	    TP_STRUCT__entry(__field(u32, connection)
			     __field(int, reason)
			     __field(u32, frame)
			     __field(int, error)),
	    TP_fast_assign(__entry->connection = connection;
			   __entry->reason = reason;
			   __entry->frame = frame;
			   __entry->error = error;),
	    TP_printk("connection=%u %s frame=%u error=%d", __entry->connection,
		      __print_symbolic(__entry->reason,
				       { KSALLOC_REFUSAL_ALLOCATOR, "ALLOCATOR" },
				       { KSALLOC_REFUSAL_FRAMING, "FRAMING" },
				       { KSALLOC_REFUSAL_IMPORT, "IMPORT" },
				       { KSALLOC_REFUSAL_COUNT, "COUNT" },
				       { KSALLOC_REFUSAL_MAP, "MAP" },
				       { KSALLOC_REFUSAL_OTHER, "OTHER" }),
		      __entry->frame, __entry->error));

#endif /* _KSALLOC_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
