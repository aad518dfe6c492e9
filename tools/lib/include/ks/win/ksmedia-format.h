/* SPDX-License-Identifier: GPL-2.0-only */
/* Included by ksmedia.h: formats of video, ranges of them, and frames. */
#ifndef KS_WIN_KSMEDIA_FORMAT_H
#define KS_WIN_KSMEDIA_FORMAT_H

#include "ks.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bitmaps */

#define KS_BI_RGB 0
#define KS_BI_RLE8 1
#define KS_BI_RLE4 2
#define KS_BI_BITFIELDS 3

typedef struct tagKS_RGBQUAD {
	BYTE rgbBlue;
	BYTE rgbGreen;
	BYTE rgbRed;
	BYTE rgbReserved;
} KS_RGBQUAD, *PKS_RGBQUAD;

#define KS_iPALETTE_COLORS 256
#define KS_iEGA_COLORS 16
#define KS_iMASK_COLORS 3
#define KS_iTRUECOLOR 16
#define KS_iRED 0
#define KS_iGREEN 1
#define KS_iBLUE 2
#define KS_iPALETTE 8
#define KS_iMAXBITS 8

#define KS_SIZE_EGA_PALETTE (KS_iEGA_COLORS * sizeof(KS_RGBQUAD))
#define KS_SIZE_PALETTE (KS_iPALETTE_COLORS * sizeof(KS_RGBQUAD))

typedef struct tagKS_BITMAPINFOHEADER {
	DWORD biSize;
	LONG biWidth;
	LONG biHeight;
	WORD biPlanes;
	WORD biBitCount;
	DWORD biCompression;
	DWORD biSizeImage;
	LONG biXPelsPerMeter;
	LONG biYPelsPerMeter;
	DWORD biClrUsed;
	DWORD biClrImportant;
} KS_BITMAPINFOHEADER, *PKS_BITMAPINFOHEADER;

typedef struct tag_KS_TRUECOLORINFO {
	DWORD dwBitMasks[3];
	KS_RGBQUAD bmiColors[256];
} KS_TRUECOLORINFO, *PKS_TRUECOLORINFO;

#define KS_WIDTHBYTES(bits) ((DWORD)(((bits) + 31) & ~31) / 8)
#define KS_DIBWIDTHBYTES(bitmap) \
	((DWORD)KS_WIDTHBYTES((DWORD)(bitmap).biWidth * (DWORD)(bitmap).biBitCount))
#define KS__DIBSIZE(bitmap) (KS_DIBWIDTHBYTES(bitmap) * (DWORD)(bitmap).biHeight)
#define KS_DIBSIZE(bitmap) \
	((bitmap).biHeight < 0 ? -1 * KS__DIBSIZE(bitmap) : KS__DIBSIZE(bitmap))

typedef LONGLONG REFERENCE_TIME;

/* Formats of frames */

typedef struct tagKS_VIDEOINFOHEADER {
	RECT rcSource;
	RECT rcTarget;
	DWORD dwBitRate;
	DWORD dwBitErrorRate;
	REFERENCE_TIME AvgTimePerFrame;
	KS_BITMAPINFOHEADER bmiHeader;
} KS_VIDEOINFOHEADER, *PKS_VIDEOINFOHEADER;

typedef struct tagKS_VIDEOINFO {
	RECT rcSource;
	RECT rcTarget;
	DWORD dwBitRate;
	DWORD dwBitErrorRate;
	REFERENCE_TIME AvgTimePerFrame;
	KS_BITMAPINFOHEADER bmiHeader;
	union {
		KS_RGBQUAD bmiColors[256];
		DWORD dwBitMasks[3];
		KS_TRUECOLORINFO TrueColorInfo;
	};
} KS_VIDEOINFO, *PKS_VIDEOINFO;

#define KS_SIZE_MASKS (KS_iMASK_COLORS * sizeof(DWORD))
#define KS_SIZE_PREHEADER (FIELD_OFFSET(KS_VIDEOINFOHEADER, bmiHeader))
#define KS_SIZE_VIDEOHEADER(info) ((info)->bmiHeader.biSize + KS_SIZE_PREHEADER)

/* Formats of VBI */

typedef struct tagKS_VBIINFOHEADER {
	ULONG StartLine;
	ULONG EndLine;
	ULONG SamplingFrequency;
	ULONG MinLineStartTime;
	ULONG MaxLineStartTime;
	ULONG ActualLineStartTime;
	ULONG ActualLineEndTime;
	ULONG VideoStandard;
	ULONG SamplesPerLine;
	ULONG StrideInBytes;
	ULONG BufferSize;
} KS_VBIINFOHEADER, *PKS_VBIINFOHEADER;

#define KS_VBIDATARATE_NABTS (5727272)
#define KS_VBIDATARATE_CC (503493)

#define KS_VBISAMPLINGRATE_4X_NABTS ((LONG)(4 * KS_VBIDATARATE_NABTS))
#define KS_VBISAMPLINGRATE_47X_NABTS (27000000)
#define KS_VBISAMPLINGRATE_5X_NABTS ((LONG)(5 * KS_VBIDATARATE_NABTS))

#define KS_47NABTS_SCALER (KS_VBISAMPLINGRATE_47X_NABTS / (double)KS_VBIDATARATE_NABTS)

/* Analog video */

typedef struct tagKS_AnalogVideoInfo {
	RECT rcSource;
	RECT rcTarget;
	DWORD dwActiveWidth;
	DWORD dwActiveHeight;
	REFERENCE_TIME AvgTimePerFrame;
} KS_ANALOGVIDEOINFO, *PKS_ANALOGVIDEOINFO;

#define KS_TVTUNER_CHANGE_BEGIN_TUNE 0x0001
#define KS_TVTUNER_CHANGE_END_TUNE 0x0002

typedef struct tagKS_TVTUNER_CHANGE_INFO {
	DWORD dwFlags;
	DWORD dwCountryCode;
	DWORD dwAnalogVideoStandard;
	DWORD dwChannel;
} KS_TVTUNER_CHANGE_INFO, *PKS_TVTUNER_CHANGE_INFO;

/* Interlaced video and MPEG */

typedef enum {
	KS_MPEG2Level_Low,
	KS_MPEG2Level_Main,
	KS_MPEG2Level_High1440,
	KS_MPEG2Level_High,
} KS_MPEG2Level;

typedef enum {
	KS_MPEG2Profile_Simple,
	KS_MPEG2Profile_Main,
	KS_MPEG2Profile_SNRScalable,
	KS_MPEG2Profile_SpatiallyScalable,
	KS_MPEG2Profile_High,
} KS_MPEG2Profile;

#define KS_INTERLACE_IsInterlaced 0x00000001
#define KS_INTERLACE_1FieldPerSample 0x00000002
#define KS_INTERLACE_Field1First 0x00000004
#define KS_INTERLACE_UNUSED 0x00000008
#define KS_INTERLACE_FieldPatternMask 0x00000030
#define KS_INTERLACE_FieldPatField1Only 0x00000000
#define KS_INTERLACE_FieldPatField2Only 0x00000010
#define KS_INTERLACE_FieldPatBothRegular 0x00000020
#define KS_INTERLACE_FieldPatBothIrregular 0x00000030
#define KS_INTERLACE_DisplayModeMask 0x000000c0
#define KS_INTERLACE_DisplayModeBobOnly 0x00000000
#define KS_INTERLACE_DisplayModeWeaveOnly 0x00000040
#define KS_INTERLACE_DisplayModeBobOrWeave 0x00000080

#define KS_MPEG2_DoPanScan 0x00000001
#define KS_MPEG2_DVDLine21Field1 0x00000002
#define KS_MPEG2_DVDLine21Field2 0x00000004
#define KS_MPEG2_SourceIsLetterboxed 0x00000008
#define KS_MPEG2_FilmCameraMode 0x00000010
#define KS_MPEG2_LetterboxAnalogOut 0x00000020
#define KS_MPEG2_DSS_UserData 0x00000040
#define KS_MPEG2_DVB_UserData 0x00000080
#define KS_MPEG2_27MhzTimebase 0x00000100

typedef struct tagKS_VIDEOINFOHEADER2 {
	RECT rcSource;
	RECT rcTarget;
	DWORD dwBitRate;
	DWORD dwBitErrorRate;
	REFERENCE_TIME AvgTimePerFrame;
	DWORD dwInterlaceFlags;
	DWORD dwCopyProtectFlags;
	DWORD dwPictAspectRatioX;
	DWORD dwPictAspectRatioY;
	DWORD dwReserved1;
	DWORD dwReserved2;
	KS_BITMAPINFOHEADER bmiHeader;
} KS_VIDEOINFOHEADER2, *PKS_VIDEOINFOHEADER2;

typedef struct tagKS_MPEG1VIDEOINFO {
	KS_VIDEOINFOHEADER hdr;
	DWORD dwStartTimeCode;
	DWORD cbSequenceHeader;
	BYTE bSequenceHeader[KS_WIN_FIRST_ITEM];
} KS_MPEG1VIDEOINFO, *PKS_MPEG1VIDEOINFO;

#define KS_MAX_SIZE_MPEG1_SEQUENCE_INFO 140
#define KS_SIZE_MPEG1VIDEOINFO(info) \
	(FIELD_OFFSET(KS_MPEG1VIDEOINFO, bSequenceHeader[0]) + (info)->cbSequenceHeader)
#define KS_MPEG1_SEQUENCE_INFO(info) ((const BYTE *)(info)->bSequenceHeader)

typedef struct tagKS_MPEGVIDEOINFO2 {
	KS_VIDEOINFOHEADER2 hdr;
	DWORD dwStartTimeCode;
	DWORD cbSequenceHeader;
	DWORD dwProfile;
	DWORD dwLevel;
	DWORD dwFlags;
	DWORD bSequenceHeader[KS_WIN_FIRST_ITEM];
} KS_MPEGVIDEOINFO2, *PKS_MPEGVIDEOINFO2;

#define KS_SIZE_MPEGVIDEOINFO2(info) \
	(FIELD_OFFSET(KS_MPEGVIDEOINFO2, bSequenceHeader[0]) + (info)->cbSequenceHeader)

#define KS_MPEGAUDIOINFO_27MhzTimebase 0x00000001

typedef struct tagKS_MPEAUDIOINFO {
	DWORD dwFlags;
	DWORD dwReserved1;
	DWORD dwReserved2;
	DWORD dwReserved3;
} KS_MPEGAUDIOINFO, *PKS_MPEGAUDIOINFO;

/* Formats of pins */

typedef struct tagKS_DATAFORMAT_VIDEOINFOHEADER {
	KSDATAFORMAT DataFormat;
	KS_VIDEOINFOHEADER VideoInfoHeader;
} KS_DATAFORMAT_VIDEOINFOHEADER, *PKS_DATAFORMAT_VIDEOINFOHEADER;

typedef struct tagKS_DATAFORMAT_VIDEOINFOHEADER2 {
	KSDATAFORMAT DataFormat;
	KS_VIDEOINFOHEADER2 VideoInfoHeader2;
} KS_DATAFORMAT_VIDEOINFOHEADER2, *PKS_DATAFORMAT_VIDEOINFOHEADER2;

typedef struct tagKS_DATAFORMAT_VIDEOINFO_PALETTE {
	KSDATAFORMAT DataFormat;
	KS_VIDEOINFO VideoInfo;
} KS_DATAFORMAT_VIDEOINFO_PALETTE, *PKS_DATAFORMAT_VIDEOINFO_PALETTE;

typedef struct tagKS_DATAFORMAT_VBIINFOHEADER {
	KSDATAFORMAT DataFormat;
	KS_VBIINFOHEADER VBIInfoHeader;
} KS_DATAFORMAT_VBIINFOHEADER, *PKS_DATAFORMAT_VBIINFOHEADER;

/* Ranges of formats */

typedef struct _KS_VIDEO_STREAM_CONFIG_CAPS {
	GUID guid;
	ULONG VideoStandard;
	SIZE InputSize;
	SIZE MinCroppingSize;
	SIZE MaxCroppingSize;
	int CropGranularityX;
	int CropGranularityY;
	int CropAlignX;
	int CropAlignY;
	SIZE MinOutputSize;
	SIZE MaxOutputSize;
	int OutputGranularityX;
	int OutputGranularityY;
	int StretchTapsX;
	int StretchTapsY;
	int ShrinkTapsX;
	int ShrinkTapsY;
	LONGLONG MinFrameInterval;
	LONGLONG MaxFrameInterval;
	LONG MinBitsPerSecond;
	LONG MaxBitsPerSecond;
} KS_VIDEO_STREAM_CONFIG_CAPS, *PKS_VIDEO_STREAM_CONFIG_CAPS;

typedef struct tagKS_DATARANGE_VIDEO {
	KSDATARANGE DataRange;
	BOOL bFixedSizeSamples;
	BOOL bTemporalCompression;
	DWORD StreamDescriptionFlags;
	DWORD MemoryAllocationFlags;
	KS_VIDEO_STREAM_CONFIG_CAPS ConfigCaps;
	KS_VIDEOINFOHEADER VideoInfoHeader;
} KS_DATARANGE_VIDEO, *PKS_DATARANGE_VIDEO;

typedef struct tagKS_DATARANGE_VIDEO2 {
	KSDATARANGE DataRange;
	BOOL bFixedSizeSamples;
	BOOL bTemporalCompression;
	DWORD StreamDescriptionFlags;
	DWORD MemoryAllocationFlags;
	KS_VIDEO_STREAM_CONFIG_CAPS ConfigCaps;
	KS_VIDEOINFOHEADER2 VideoInfoHeader;
} KS_DATARANGE_VIDEO2, *PKS_DATARANGE_VIDEO2;

typedef struct tagKS_DATARANGE_MPEG1_VIDEO {
	KSDATARANGE DataRange;
	BOOL bFixedSizeSamples;
	BOOL bTemporalCompression;
	DWORD StreamDescriptionFlags;
	DWORD MemoryAllocationFlags;
	KS_VIDEO_STREAM_CONFIG_CAPS ConfigCaps;
	KS_MPEG1VIDEOINFO VideoInfoHeader;
} KS_DATARANGE_MPEG1_VIDEO, *PKS_DATARANGE_MPEG1_VIDEO;

typedef struct tagKS_DATARANGE_MPEG2_VIDEO {
	KSDATARANGE DataRange;
	BOOL bFixedSizeSamples;
	BOOL bTemporalCompression;
	DWORD StreamDescriptionFlags;
	DWORD MemoryAllocationFlags;
	KS_VIDEO_STREAM_CONFIG_CAPS ConfigCaps;
	KS_MPEGVIDEOINFO2 VideoInfoHeader;
} KS_DATARANGE_MPEG2_VIDEO, *PKS_DATARANGE_MPEG2_VIDEO;

typedef struct tagKS_DATARANGE_VIDEO_PALETTE {
	KSDATARANGE DataRange;
	BOOL bFixedSizeSamples;
	BOOL bTemporalCompression;
	DWORD StreamDescriptionFlags;
	DWORD MemoryAllocationFlags;
	KS_VIDEO_STREAM_CONFIG_CAPS ConfigCaps;
	KS_VIDEOINFO VideoInfo;
} KS_DATARANGE_VIDEO_PALETTE, *PKS_DATARANGE_VIDEO_PALETTE;

typedef struct tagKS_DATARANGE_VIDEO_VBI {
	KSDATARANGE DataRange;
	BOOL bFixedSizeSamples;
	BOOL bTemporalCompression;
	DWORD StreamDescriptionFlags;
	DWORD MemoryAllocationFlags;
	KS_VIDEO_STREAM_CONFIG_CAPS ConfigCaps;
	KS_VBIINFOHEADER VBIInfoHeader;
} KS_DATARANGE_VIDEO_VBI, *PKS_DATARANGE_VIDEO_VBI;

typedef struct tagKS_DATARANGE_ANALOGVIDEO {
	KSDATARANGE DataRange;
	KS_ANALOGVIDEOINFO AnalogVideoInfo;
} KS_DATARANGE_ANALOGVIDEO, *PKS_DATARANGE_ANALOGVIDEO;

/* Flags of ranges */

#define KS_VIDEOSTREAM_PREVIEW 0x0001
#define KS_VIDEOSTREAM_CAPTURE 0x0002
#define KS_VIDEOSTREAM_VBI 0x0010
#define KS_VIDEOSTREAM_NABTS 0x0020
#define KS_VIDEOSTREAM_CC 0x0100
#define KS_VIDEOSTREAM_EDS 0x0200
#define KS_VIDEOSTREAM_TELETEXT 0x0400
#define KS_VIDEOSTREAM_STILL 0x1000
#define KS_VIDEOSTREAM_IS_VPE 0x8000

#define KS_VIDEO_ALLOC_VPE_SYSTEM 0x0001
#define KS_VIDEO_ALLOC_VPE_DISPLAY 0x0002
#define KS_VIDEO_ALLOC_VPE_AGP 0x0004

/* KSPROPSETID_VramCapture */

typedef enum {
	KS_CAPTURE_ALLOC_INVALID = 0,
	KS_CAPTURE_ALLOC_SYSTEM = 0x0001,
	KS_CAPTURE_ALLOC_VRAM = 0x0002,
	KS_CAPTURE_ALLOC_SYSTEM_AGP = 0x0004,
	KS_CAPTURE_ALLOC_VRAM_MAPPED = 0x0008,
} CAPTURE_MEMORY_ALLOCATION_FLAGS, *PCAPTURE_MEMORY_ALLOCATION_FLAGS;

#define STATIC_KSPROPSETID_VramCapture \
	0xe73face3, 0x2880, 0x4902, 0xb7, 0x99, 0x88, 0xd0, 0xcd, 0x63, 0x4e, 0x0f
DEFINE_GUIDEX(KSPROPSETID_VramCapture);

typedef enum {
	KSPROPERTY_DISPLAY_ADAPTER_GUID = 1,
	KSPROPERTY_PREFERRED_CAPTURE_SURFACE,
	KSPROPERTY_CURRENT_CAPTURE_SURFACE,
	KSPROPERTY_MAP_CAPTURE_HANDLE_TO_VRAM_ADDRESS,
} KSPROPERTY_VIDMEM_TRANSPORT;

typedef struct {
	UINT_PTR hSurface;
	LONGLONG VramPhysicalAddress;
	DWORD cbCaptured;
	DWORD dwWidth;
	DWORD dwHeight;
	DWORD dwLinearSize;
	LONG lPitch;
	ULONGLONG ullReserved[16];
} VRAM_SURFACE_INFO, *PVRAM_SURFACE_INFO;

typedef struct {
	KSPROPERTY Property;
	PVRAM_SURFACE_INFO pVramSurfaceInfo;
} VRAM_SURFACE_INFO_PROPERTY_S, *PVRAM_SURFACE_INFO_PROPERTY_S;

/* What follows the header of a frame */

/* KS_VIDEO_FLAG_FRAME, FIELD1 and FIELD2 are in <linux/ksalloc.h>. mingw-w64 lacks these two */
#define KS_VIDEO_FLAG_FIELD1FIRST 0x0004
#define KS_VIDEO_FLAG_WEAVE 0x0008
#define KS_VIDEO_FLAG_I_FRAME 0x0000
#define KS_VIDEO_FLAG_P_FRAME 0x0010
#define KS_VIDEO_FLAG_B_FRAME 0x0020

typedef struct tagKS_FRAME_INFO {
	ULONG ExtendedHeaderSize;
	DWORD dwFrameFlags;
	LONGLONG PictureNumber;
	LONGLONG DropCount;
	HANDLE hDirectDraw;
	HANDLE hSurfaceHandle;
	RECT DirectDrawRect;
	union {
		LONG lSurfacePitch;
		DWORD Reserved1;
	};
	DWORD Reserved2;
	union {
		__extension__ struct {
			DWORD Reserved3;
			DWORD Reserved4;
		};
		ULONGLONG FrameCompletionNumber;
	};
} KS_FRAME_INFO, *PKS_FRAME_INFO;

/* Standards of analog video */

typedef enum {
	KS_AnalogVideo_None = 0x00000000,
	KS_AnalogVideo_NTSC_M = 0x00000001,
	KS_AnalogVideo_NTSC_M_J = 0x00000002,
	KS_AnalogVideo_NTSC_433 = 0x00000004,
	KS_AnalogVideo_PAL_B = 0x00000010,
	KS_AnalogVideo_PAL_D = 0x00000020,
	KS_AnalogVideo_PAL_G = 0x00000040,
	KS_AnalogVideo_PAL_H = 0x00000080,
	KS_AnalogVideo_PAL_I = 0x00000100,
	KS_AnalogVideo_PAL_M = 0x00000200,
	KS_AnalogVideo_PAL_N = 0x00000400,
	KS_AnalogVideo_PAL_60 = 0x00000800,
	KS_AnalogVideo_SECAM_B = 0x00001000,
	KS_AnalogVideo_SECAM_D = 0x00002000,
	KS_AnalogVideo_SECAM_G = 0x00004000,
	KS_AnalogVideo_SECAM_H = 0x00008000,
	KS_AnalogVideo_SECAM_K = 0x00010000,
	KS_AnalogVideo_SECAM_K1 = 0x00020000,
	KS_AnalogVideo_SECAM_L = 0x00040000,
	KS_AnalogVideo_SECAM_L1 = 0x00080000,
	KS_AnalogVideo_PAL_N_COMBO = 0x00100000,
} KS_AnalogVideoStandard;

#define KS_AnalogVideo_NTSC_Mask 0x00000007
#define KS_AnalogVideo_PAL_Mask 0x00100ff0
#define KS_AnalogVideo_SECAM_Mask 0x000ff000

/* PROPSETID_ALLOCATOR_CONTROL */

#define STATIC_PROPSETID_ALLOCATOR_CONTROL \
	0x53171960, 0x148e, 0x11d2, 0x99, 0x79, 0x00, 0x00, 0xc0, 0xcc, 0x16, 0xba
DEFINE_GUIDEX(PROPSETID_ALLOCATOR_CONTROL);

typedef enum {
	KSPROPERTY_ALLOCATOR_CONTROL_HONOR_COUNT,
	KSPROPERTY_ALLOCATOR_CONTROL_SURFACE_SIZE,
	KSPROPERTY_ALLOCATOR_CONTROL_CAPTURE_CAPS,
	KSPROPERTY_ALLOCATOR_CONTROL_CAPTURE_INTERLEAVE,
} KSPROPERTY_ALLOCATOR_CONTROL;

typedef struct {
	ULONG CX;
	ULONG CY;
} KSPROPERTY_ALLOCATOR_CONTROL_SURFACE_SIZE_S, *PKSPROPERTY_ALLOCATOR_CONTROL_SURFACE_SIZE_S;

typedef struct {
	ULONG InterleavedCapSupported;
} KSPROPERTY_ALLOCATOR_CONTROL_CAPTURE_CAPS_S, *PKSPROPERTY_ALLOCATOR_CONTROL_CAPTURE_CAPS_S;

typedef struct {
	ULONG InterleavedCapPossible;
} KSPROPERTY_ALLOCATOR_CONTROL_CAPTURE_INTERLEAVE_S,
	*PKSPROPERTY_ALLOCATOR_CONTROL_CAPTURE_INTERLEAVE_S;

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_KSMEDIA_FORMAT_H */
