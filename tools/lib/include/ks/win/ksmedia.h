/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of ksmedia.h of Windows that a video capture client uses. */
#ifndef KS_WIN_KSMEDIA_H
#define KS_WIN_KSMEDIA_H

#include "ks.h"

#ifdef __cplusplus
extern "C" {
#endif

#define STATIC_KSDATAFORMAT_TYPE_VIDEO \
	0x73646976, 0x0000, 0x0010, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71
#define STATIC_KSDATAFORMAT_SPECIFIER_VIDEOINFO \
	0x05589f80, 0xc356, 0x11ce, 0xbf, 0x01, 0x00, 0xaa, 0x00, 0x55, 0x59, 0x5a
#define STATIC_PINNAME_VIDEO_CAPTURE \
	0xfb6c4281, 0x0353, 0x11d1, 0x90, 0x5f, 0x00, 0x00, 0xc0, 0xcc, 0x16, 0xba

extern const GUID KSDATAFORMAT_TYPE_VIDEO;
extern const GUID KSDATAFORMAT_SPECIFIER_VIDEOINFO;
extern const GUID PINNAME_VIDEO_CAPTURE;

#define KS_BI_RGB 0

#define KS_VIDEOSTREAM_CAPTURE 0x0002

typedef LONGLONG REFERENCE_TIME;

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

typedef struct tagKS_VIDEOINFOHEADER {
	RECT rcSource;
	RECT rcTarget;
	DWORD dwBitRate;
	DWORD dwBitErrorRate;
	REFERENCE_TIME AvgTimePerFrame;
	KS_BITMAPINFOHEADER bmiHeader;
} KS_VIDEOINFOHEADER, *PKS_VIDEOINFOHEADER;

typedef struct tagKS_DATAFORMAT_VIDEOINFOHEADER {
	KSDATAFORMAT DataFormat;
	KS_VIDEOINFOHEADER VideoInfoHeader;
} KS_DATAFORMAT_VIDEOINFOHEADER, *PKS_DATAFORMAT_VIDEOINFOHEADER;

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

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_KSMEDIA_H */
