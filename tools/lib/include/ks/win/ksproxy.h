/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of ksproxy.h of Windows that needs no COM: the types, and functions for handles. The
 * interfaces of the proxy, such as IKsPin, are only names here.
 */
#ifndef KS_WIN_KSPROXY_H
#define KS_WIN_KSPROXY_H

#include "ks.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct IPin IPin;
typedef struct IKsPin IKsPin;
typedef struct IKsAllocator IKsAllocator;
typedef struct IKsAllocatorEx IKsAllocatorEx;

typedef enum {
	KsAllocatorMode_User,
	KsAllocatorMode_Kernel,
} KSALLOCATORMODE;

typedef enum {
	FramingProp_Uninitialized,
	FramingProp_None,
	FramingProp_Old,
	FramingProp_Ex,
} FRAMING_PROP, *PFRAMING_PROP;

typedef enum {
	Framing_Cache_Update,
	Framing_Cache_ReadLast,
	Framing_Cache_ReadOrig,
	Framing_Cache_Write,
} FRAMING_CACHE_OPS;

typedef struct {
	LONGLONG MinTotalNominator;
	LONGLONG MaxTotalNominator;
	LONGLONG TotalDenominator;
} OPTIMAL_WEIGHT_TOTALS;

#define AllocatorStrategy_DontCare 0
#define AllocatorStrategy_MinimizeNumberOfFrames 0x00000001
#define AllocatorStrategy_MinimizeFrameSize 0x00000002
#define AllocatorStrategy_MinimizeNumberOfAllocators 0x00000004
#define AllocatorStrategy_MaximizeSpeed 0x00000008

#define PipeFactor_None 0
#define PipeFactor_UserModeUpstream 0x00000001
#define PipeFactor_UserModeDownstream 0x00000002
#define PipeFactor_MemoryTypes 0x00000004
#define PipeFactor_Flags 0x00000008
#define PipeFactor_PhysicalRanges 0x00000010
#define PipeFactor_OptimalRanges 0x00000020
#define PipeFactor_FixedCompression 0x00000040
#define PipeFactor_UnknownCompression 0x00000080
#define PipeFactor_Buffers 0x00000100
#define PipeFactor_Align 0x00000200
#define PipeFactor_PhysicalEnd 0x00000400
#define PipeFactor_LogicalEnd 0x00000800

typedef enum {
	PipeState_DontCare,
	PipeState_RangeNotFixed,
	PipeState_RangeFixed,
	PipeState_CompressionUnknown,
	PipeState_Finalized,
} PIPE_STATE;

typedef struct _PIPE_DIMENSIONS {
	KS_COMPRESSION AllocatorPin;
	KS_COMPRESSION MaxExpansionPin;
	KS_COMPRESSION EndPin;
} PIPE_DIMENSIONS, *PPIPE_DIMENSIONS;

typedef enum {
	Pipe_Allocator_None,
	Pipe_Allocator_FirstPin,
	Pipe_Allocator_LastPin,
	Pipe_Allocator_MiddlePin,
} PIPE_ALLOCATOR_PLACE, *PPIPE_ALLOCATOR_PLACE;

typedef enum {
	KS_MemoryTypeDontCare = 0,
	KS_MemoryTypeKernelPaged,
	KS_MemoryTypeKernelNonPaged,
	KS_MemoryTypeDeviceHostMapped,
	KS_MemoryTypeDeviceSpecific,
	KS_MemoryTypeUser,
	KS_MemoryTypeAnyHost,
} KS_LogicalMemoryType, *PKS_LogicalMemoryType;

typedef struct _PIPE_TERMINATION {
	ULONG Flags;
	ULONG OutsideFactors;
	/* It is spelled like this in Windows */
	ULONG Weigth;
	KS_FRAMING_RANGE PhysicalRange;
	KS_FRAMING_RANGE_WEIGHTED OptimalRange;
	KS_COMPRESSION Compression;
} PIPE_TERMINATION;

typedef struct _ALLOCATOR_PROPERTIES_EX {
	LONG cBuffers;
	LONG cbBuffer;
	LONG cbAlign;
	LONG cbPrefix;
	GUID MemoryType;
	GUID BusType;
	PIPE_STATE State;
	PIPE_TERMINATION Input;
	PIPE_TERMINATION Output;
	ULONG Strategy;
	ULONG Flags;
	ULONG Weight;
	KS_LogicalMemoryType LogicalMemoryType;
	PIPE_ALLOCATOR_PLACE AllocatorPlace;
	PIPE_DIMENSIONS Dimensions;
	KS_FRAMING_RANGE PhysicalRange;
	IKsAllocatorEx *PrevSegment;
	ULONG CountNextSegments;
	IKsAllocatorEx **NextSegments;
	ULONG InsideFactors;
	ULONG NumberPins;
} ALLOCATOR_PROPERTIES_EX, *PALLOCATOR_PROPERTIES_EX;

/* As in Windows, a client that has the classes of DirectShow defines __STREAMS__ */
#ifdef __STREAMS__
struct IKsInterfaceHandler;
struct IKsDataTypeHandler;

typedef enum {
	KsPeekOperation_PeekOnly,
	KsPeekOperation_AddRef,
} KSPEEKOPERATION;

typedef enum {
	KsIoOperation_Write,
	KsIoOperation_Read,
} KSIOOPERATION;

typedef struct _KSSTREAM_SEGMENT {
	struct IKsInterfaceHandler *KsInterfaceHandler;
	struct IKsDataTypeHandler *KsDataTypeHandler;
	KSIOOPERATION IoOperation;
	HANDLE CompletionEvent;
} KSSTREAM_SEGMENT, *PKSSTREAM_SEGMENT;
#endif

/**
 * KsSynchronousDeviceControl() - make a call on a filter, pin or allocator, and wait until
 * it has completed
 * @handle: the filter, pin or allocator
 * @code: IOCTL_KS_*
 * @in: the request: a KSPROPERTY, KSMETHOD or KSEVENT, with the data that follow it
 * @in_size: bytes at @in
 * @out: the value that is read or written
 * @out_size: bytes at @out
 * @returned: out: size of the result at @out
 *
 * Return: S_OK, or HRESULT_FROM_WIN32() of an error. If @out_size is 0, this is
 * ERROR_MORE_DATA; if @out is too small, ERROR_INSUFFICIENT_BUFFER. In both cases @returned
 * is the required size.
 */
HRESULT WINAPI KsSynchronousDeviceControl(HANDLE handle, ULONG code,
					  PVOID in, ULONG in_size,
					  PVOID out, ULONG out_size,
					  PULONG returned);

/**
 * KsGetMultiplePinFactoryItems() - get a list of a filter's pin
 * @filter: the filter
 * @pin: number of the pin: 0
 * @property: a property of KSPROPSETID_Pin that is a KSMULTIPLE_ITEM:
 *	KSPROPERTY_PIN_DATARANGES for instance
 * @items: out: the KSMULTIPLE_ITEM, for CoTaskMemFree() of combaseapi.h
 *
 * Return: S_OK, or HRESULT_FROM_WIN32() of an error.
 */
HRESULT WINAPI KsGetMultiplePinFactoryItems(HANDLE filter, ULONG pin, ULONG property,
					    void **items);

/* Opens the first device of the category. HRESULT_FROM_WIN32(ERROR_NO_MORE_ITEMS): none */
HRESULT WINAPI KsOpenDefaultDevice(REFGUID category, ACCESS_MASK access, PHANDLE filter);

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_KSPROXY_H */
