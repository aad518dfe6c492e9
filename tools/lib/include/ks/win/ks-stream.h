/* SPDX-License-Identifier: GPL-2.0-only */
/* Included by ks.h: allocators, frames, clocks and quality. */
#ifndef KS_WIN_KS_STREAM_H
#define KS_WIN_KS_STREAM_H

#include "ks-base.h"
#include "ks-pin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* In <linux/ksalloc.h> these are values. Here they are objects */
#undef KS_TYPE_DONT_CARE
#undef KSMEMORY_TYPE_WILDCARD
#undef KSMEMORY_TYPE_DONT_CARE
#undef KSMEMORY_TYPE_SYSTEM
#undef KSMEMORY_TYPE_USER
#undef KSMEMORY_TYPE_KERNEL_PAGED
#undef KSMEMORY_TYPE_KERNEL_NONPAGED
#undef KSMEMORY_TYPE_DEVICE_UNKNOWN

/* Framing: what a pin requires of an allocator */

typedef struct {
	union {
		ULONG OptionsFlags;
		ULONG RequirementsFlags;
	};
	ULONG PoolType;
	ULONG Frames;
	ULONG FrameSize;
	union {
		ULONG FileAlignment;
		LONG FramePitch;
	};
	ULONG Reserved;
} KSALLOCATOR_FRAMING, *PKSALLOCATOR_FRAMING;

typedef struct {
	ULONG MinFrameSize;
	ULONG MaxFrameSize;
	ULONG Stepping;
} KS_FRAMING_RANGE, *PKS_FRAMING_RANGE;

typedef struct {
	KS_FRAMING_RANGE Range;
	ULONG InPlaceWeight;
	ULONG NotInPlaceWeight;
} KS_FRAMING_RANGE_WEIGHTED, *PKS_FRAMING_RANGE_WEIGHTED;

typedef struct {
	ULONG RatioNumerator;
	ULONG RatioDenominator;
	ULONG RatioConstantMargin;
} KS_COMPRESSION, *PKS_COMPRESSION;

typedef struct {
	GUID MemoryType;
	GUID BusType;
	ULONG MemoryFlags;
	ULONG BusFlags;
	ULONG Flags;
	ULONG Frames;
	union {
		ULONG FileAlignment;
		LONG FramePitch;
	};
	ULONG MemoryTypeWeight;
	KS_FRAMING_RANGE PhysicalRange;
	KS_FRAMING_RANGE_WEIGHTED FramingRange;
} KS_FRAMING_ITEM, *PKS_FRAMING_ITEM;

/*
 * CountItems items follow. Clients use the size of this structure in computations. In
 * Windows it includes one item, so this is not a flexible array.
 */
typedef struct {
	ULONG CountItems;
	ULONG PinFlags;
	KS_COMPRESSION OutputCompression;
	ULONG PinWeight;
	KS_FRAMING_ITEM FramingItem[KS_WIN_FIRST_ITEM];
} KSALLOCATOR_FRAMING_EX, *PKSALLOCATOR_FRAMING_EX;

/* Types of memory */

#define STATIC_KSMEMORY_TYPE_WILDCARD STATIC_GUID_NULL
#define STATIC_KSMEMORY_TYPE_DONT_CARE STATIC_GUID_NULL
#define STATIC_KS_TYPE_DONT_CARE STATIC_GUID_NULL
#define STATIC_KSMEMORY_TYPE_SYSTEM \
	0x091bb638, 0x603f, 0x11d1, 0xb0, 0x67, 0x00, 0xa0, 0xc9, 0x06, 0x28, 0x02
DEFINE_GUIDEX(KSMEMORY_TYPE_SYSTEM);
#define STATIC_KSMEMORY_TYPE_USER \
	0x8cb0fc28, 0x7893, 0x11d1, 0xb0, 0x69, 0x00, 0xa0, 0xc9, 0x06, 0x28, 0x02
DEFINE_GUIDEX(KSMEMORY_TYPE_USER);
#define STATIC_KSMEMORY_TYPE_KERNEL_PAGED \
	0xd833f8f8, 0x7894, 0x11d1, 0xb0, 0x69, 0x00, 0xa0, 0xc9, 0x06, 0x28, 0x02
DEFINE_GUIDEX(KSMEMORY_TYPE_KERNEL_PAGED);
#define STATIC_KSMEMORY_TYPE_KERNEL_NONPAGED \
	0x4a6d5fc4, 0x7895, 0x11d1, 0xb0, 0x69, 0x00, 0xa0, 0xc9, 0x06, 0x28, 0x02
DEFINE_GUIDEX(KSMEMORY_TYPE_KERNEL_NONPAGED);
#define STATIC_KSMEMORY_TYPE_DEVICE_UNKNOWN \
	0x091bb639, 0x603f, 0x11d1, 0xb0, 0x67, 0x00, 0xa0, 0xc9, 0x06, 0x28, 0x02
DEFINE_GUIDEX(KSMEMORY_TYPE_DEVICE_UNKNOWN);

/* Allocators */

#define STATIC_KSEVENTSETID_StreamAllocator \
	0x75d95571, 0x073c, 0x11d0, 0xa1, 0x61, 0x00, 0x20, 0xaf, 0xd1, 0x56, 0xe4
DEFINE_GUIDEX(KSEVENTSETID_StreamAllocator);

typedef enum ksevent_streamallocator KSEVENT_STREAMALLOCATOR;

#define STATIC_KSMETHODSETID_StreamAllocator \
	0xcf6e4341, 0xec87, 0x11cf, 0xa1, 0x30, 0x00, 0x20, 0xaf, 0xd1, 0x56, 0xe4
DEFINE_GUIDEX(KSMETHODSETID_StreamAllocator);

typedef enum {
	KSMETHOD_STREAMALLOCATOR_ALLOC,
	KSMETHOD_STREAMALLOCATOR_FREE,
} KSMETHOD_STREAMALLOCATOR;

typedef enum {
	KSPROPERTY_STREAMALLOCATOR_FUNCTIONTABLE,
	KSPROPERTY_STREAMALLOCATOR_STATUS,
} KSPROPERTY_STREAMALLOCATOR;

#define STATIC_KSPROPSETID_StreamAllocator \
	0xcf6e4342, 0xec87, 0x11cf, 0xa1, 0x30, 0x00, 0x20, 0xaf, 0xd1, 0x56, 0xe4
DEFINE_GUIDEX(KSPROPSETID_StreamAllocator);

typedef struct {
	KSALLOCATOR_FRAMING Framing;
	ULONG AllocatedFrames;
	ULONG Reserved;
} KSSTREAMALLOCATOR_STATUS, *PKSSTREAMALLOCATOR_STATUS;

typedef struct {
	KSALLOCATOR_FRAMING_EX Framing;
	ULONG AllocatedFrames;
	ULONG Reserved;
} KSSTREAMALLOCATOR_STATUS_EX, *PKSSTREAMALLOCATOR_STATUS_EX;

/* Frames of a stream */

typedef struct {
	LONGLONG Time;
	ULONG Numerator;
	ULONG Denominator;
} KSTIME, *PKSTIME;

typedef struct {
	ULONG Size;
	ULONG TypeSpecificFlags;
	KSTIME PresentationTime;
	LONGLONG Duration;
	ULONG FrameExtent;
	ULONG DataUsed;
	PVOID Data;
	ULONG OptionsFlags;
#if UINTPTR_MAX > 0xffffffffu
	ULONG Reserved;
#endif
} KSSTREAM_HEADER, *PKSSTREAM_HEADER;

/* KSPROPSETID_StreamInterface */

#define STATIC_KSPROPSETID_StreamInterface \
	0x1fdd8ee1, 0x9cd3, 0x11d0, 0x82, 0xaa, 0x00, 0x00, 0xf8, 0x22, 0xfe, 0x8a
DEFINE_GUIDEX(KSPROPSETID_StreamInterface);

typedef enum {
	KSPROPERTY_STREAMINTERFACE_HEADERSIZE,
} KSPROPERTY_STREAMINTERFACE;

/* KSPROPSETID_Stream */

#define STATIC_KSPROPSETID_Stream \
	0x65aaba60, 0x98ae, 0x11cf, 0xa1, 0x0d, 0x00, 0x20, 0xaf, 0xd1, 0x56, 0xe4
DEFINE_GUIDEX(KSPROPSETID_Stream);

typedef enum {
	KSPROPERTY_STREAM_ALLOCATOR,
	KSPROPERTY_STREAM_QUALITY,
	KSPROPERTY_STREAM_DEGRADATION,
	KSPROPERTY_STREAM_MASTERCLOCK,
	KSPROPERTY_STREAM_TIMEFORMAT,
	KSPROPERTY_STREAM_PRESENTATIONTIME,
	KSPROPERTY_STREAM_PRESENTATIONEXTENT,
	KSPROPERTY_STREAM_FRAMETIME,
	KSPROPERTY_STREAM_RATECAPABILITY,
	KSPROPERTY_STREAM_RATE,
	KSPROPERTY_STREAM_PIPE_ID,
} KSPROPERTY_STREAM;

typedef struct {
	HANDLE QualityManager;
	PVOID Context;
} KSQUALITY_MANAGER, *PKSQUALITY_MANAGER;

typedef struct {
	LONGLONG Duration;
	ULONG FrameFlags;
	ULONG Reserved;
} KSFRAMETIME, *PKSFRAMETIME;

#define KSFRAMETIME_VARIABLESIZE 0x00000001

typedef struct {
	LONGLONG PresentationStart;
	LONGLONG Duration;
	KSPIN_INTERFACE Interface;
	LONG Rate;
	ULONG Flags;
} KSRATE, *PKSRATE;

#define KSRATE_NOPRESENTATIONSTART 0x00000001
#define KSRATE_NOPRESENTATIONDURATION 0x00000002

typedef struct {
	KSPROPERTY Property;
	KSRATE Rate;
} KSRATE_CAPABILITY, *PKSRATE_CAPABILITY;

/* Clocks */

#define STATIC_KSPROPSETID_Clock \
	0xdf12a4c0, 0xac17, 0x11cf, 0xa5, 0xd6, 0x28, 0xdb, 0x04, 0xc1, 0x00, 0x00
DEFINE_GUIDEX(KSPROPSETID_Clock);

#define NANOSECONDS 10000000

/* Converts a value of QueryPerformanceCounter() to units of 100 ns, without an overflow */
#define KSCONVERT_PERFORMANCE_TIME(frequency, time) \
	((ULONGLONG)(time).QuadPart / (ULONGLONG)(frequency) * NANOSECONDS + \
	 (ULONGLONG)(time).QuadPart % (ULONGLONG)(frequency) * NANOSECONDS / \
	 (ULONGLONG)(frequency))

typedef struct {
	ULONG CreateFlags;
} KSCLOCK_CREATE, *PKSCLOCK_CREATE;

typedef struct {
	LONGLONG Time;
	LONGLONG SystemTime;
} KSCORRELATED_TIME, *PKSCORRELATED_TIME;

typedef struct {
	LONGLONG Granularity;
	LONGLONG Error;
} KSRESOLUTION, *PKSRESOLUTION;

typedef enum {
	KSPROPERTY_CLOCK_TIME,
	KSPROPERTY_CLOCK_PHYSICALTIME,
	KSPROPERTY_CLOCK_CORRELATEDTIME,
	KSPROPERTY_CLOCK_CORRELATEDPHYSICALTIME,
	KSPROPERTY_CLOCK_RESOLUTION,
	KSPROPERTY_CLOCK_STATE,
} KSPROPERTY_CLOCK;

#define STATIC_KSEVENTSETID_Clock \
	0x364d8e20, 0x62c7, 0x11cf, 0xa5, 0xd6, 0x28, 0xdb, 0x04, 0xc1, 0x00, 0x00
DEFINE_GUIDEX(KSEVENTSETID_Clock);

typedef enum {
	KSEVENT_CLOCK_INTERVAL_MARK,
	KSEVENT_CLOCK_POSITION_MARK,
} KSEVENT_CLOCK_POSITION;

/* KSEVENTSETID_Connection */

#define STATIC_KSEVENTSETID_Connection \
	0x7f4bcbe0, 0x9ea5, 0x11cf, 0xa5, 0xd6, 0x28, 0xdb, 0x04, 0xc1, 0x00, 0x00
DEFINE_GUIDEX(KSEVENTSETID_Connection);

typedef enum {
	KSEVENT_CONNECTION_POSITIONUPDATE,
	KSEVENT_CONNECTION_DATADISCONTINUITY,
	KSEVENT_CONNECTION_TIMEDISCONTINUITY,
	KSEVENT_CONNECTION_PRIORITY,
	KSEVENT_CONNECTION_ENDOFSTREAM,
} KSEVENT_CONNECTION;

/* Quality */

typedef struct {
	PVOID Context;
	ULONG Proportion;
	LONGLONG DeltaTime;
} KSQUALITY, *PKSQUALITY;

typedef struct {
	PVOID Context;
	ULONG Status;
} KSERROR, *PKSERROR;

typedef KSIDENTIFIER KSDEGRADE, *PKSDEGRADE;

#define STATIC_KSDEGRADESETID_Standard \
	0x9f564180, 0x704c, 0x11d0, 0xa5, 0xd6, 0x28, 0xdb, 0x04, 0xc1, 0x00, 0x00
DEFINE_GUIDEX(KSDEGRADESETID_Standard);

typedef enum {
	KSDEGRADE_STANDARD_SAMPLE,
	KSDEGRADE_STANDARD_QUALITY,
	KSDEGRADE_STANDARD_COMPUTATION,
	KSDEGRADE_STANDARD_SKIP,
} KSDEGRADE_STANDARD;

/* Values of several properties in one call */

#pragma pack(push, 1)
typedef struct {
	GUID PropertySet;
	ULONG Count;
} KSPROPERTY_SERIALHDR, *PKSPROPERTY_SERIALHDR;
#pragma pack(pop)

typedef struct {
	KSIDENTIFIER PropTypeSet;
	ULONG Id;
	ULONG PropertyLength;
} KSPROPERTY_SERIAL, *PKSPROPERTY_SERIAL;

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_KS_STREAM_H */
