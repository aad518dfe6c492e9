// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client in C++ that is linked with the static library and compiled with -fshort-wchar, so
 * that WCHAR has two bytes. It defines GUIDs of KS itself, as some clients do.
 */
#include <initguid.h>
#include <windows.h>
#include <devioctl.h>

/* In the manner of jpeglib.h */
#ifndef _BASETSD_H_
typedef long INT32;
#endif

/* In the manner of the headers of DirectShow, which a client can include before <ksmedia.h> */
#define TIMECODE_DEFINED
typedef union _timecode {
	DWORDLONG qw;
} TIMECODE, *PTIMECODE;
typedef struct tagTIMECODE_SAMPLE {
	LONGLONG qwTick;
} TIMECODE_SAMPLE, *PTIMECODE_SAMPLE;
#define __DDRAW_INCLUDED__
typedef struct _DDPIXELFORMAT {
	DWORD dwSize;
} DDPIXELFORMAT, *LPDDPIXELFORMAT;
#define __DVP_INCLUDED__
typedef struct _DDVIDEOPORTCONNECT {
	DWORD dwSize;
} DDVIDEOPORTCONNECT, *LPDDVIDEOPORTCONNECT;
#define __ENCODER_API_DEFINES__
typedef enum { ConstantBitRate } VIDEOENCODER_BITRATE_MODE;

#include <ks.h>
#include <ksmedia.h>
#include <ksproxy.h>
#include <uuids.h>

#include <thread>

extern "C" {
#include "tap.h"
}

DEFINE_GUID(KSCATEGORY_VIDEO, 0x6994ad05, 0x93ef, 0x11d0, 0xa3, 0xcc, 0x00, 0xa0, 0xc9, 0x22,
	    0x31, 0x96);
DEFINE_GUID(OWN_GUID, 0x12345678, 0x1234, 0x1234, 1, 2, 3, 4, 5, 6, 7, 8);
const GUID KSPROPSETID_Pin = { 0x8c134960, 0x51ad, 0x11cf,
			       { 0x87, 0x8a, 0x94, 0xf8, 0x01, 0xc1, 0x00, 0x00 } };

/* J2: GUIDs of KS can be compared, and the client can define them itself. */
static void test_guids()
{
	GUID guid = { STATIC_KSCATEGORY_CAPTURE };

	CHECK(guid == KSCATEGORY_CAPTURE);
	CHECK(guid != KSCATEGORY_VIDEO);
	CHECK(IsEqualGUID(guid, KSCATEGORY_CAPTURE));
	CHECK_EQ(OWN_GUID.Data1, 0x12345678);
	CHECK_EQ(MEDIASUBTYPE_MJPG.Data1, 0x47504a4d);
}

/* The library must write all bytes of the variable, and NULL is still allowed */
static void test_unsigned_long()
{
	unsigned long bytes = ~0ul;
	HANDLE wrong = (HANDLE)8;

	CHECK(!DeviceIoControl(wrong, IOCTL_KS_PROPERTY, NULL, 0, NULL, 0, &bytes, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK_EQ(bytes, 0);
	CHECK(!DeviceIoControl(wrong, IOCTL_KS_PROPERTY, NULL, 0, NULL, 0, NULL, NULL));
}

/* native_handle() is a HANDLE in Windows. The thread can still be joined after the wait */
static void test_threads()
{
	HANDLE event = CreateEventA(NULL, TRUE, FALSE, NULL);
	std::thread thread([event] { WaitForSingleObject(event, INFINITE); });

	CHECK_EQ(WaitForSingleObject(thread.native_handle(), 1), WAIT_TIMEOUT);
	CHECK(!CancelSynchronousIo(thread.native_handle()));
	CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
	SetEvent(event);
	CHECK_EQ(WaitForSingleObjectEx(thread.native_handle(), INFINITE, FALSE), WAIT_OBJECT_0);
	thread.join();
	CHECK_EQ(WaitForSingleObject(thread.native_handle(), 0), WAIT_FAILED);
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK_EQ(WaitForSingleObject(NULL, 0), WAIT_FAILED);
	CloseHandle(event);
}

/* The same types are also in <ksmedia.h>, and only one of both can define them */
static void test_directshow()
{
	CHECK_EQ(sizeof(TIMECODE_SAMPLE), sizeof(LONGLONG));
	CHECK_EQ(sizeof(DDPIXELFORMAT), sizeof(DWORD));
	CHECK_EQ(sizeof(DDVIDEOPORTCONNECT), sizeof(DWORD));
	CHECK_EQ(ConstantBitRate, 0);
}

static void test_wide()
{
	WCHAR wide[6] = { 1, 1, 1, 1, 1, 1 };
	char text[8];

	CHECK_EQ(sizeof(WCHAR), 2);
	CHECK_EQ(MultiByteToWideChar(CP_UTF8, 0, "a\xf0\x90\x80\x80", -1, wide, 6), 4);
	CHECK_EQ(wide[1], 0xd800);
	CHECK_EQ(wide[2], 0xdc00);
	CHECK_EQ(wide[3], 0);
	CHECK_EQ(wide[4], 1);
	CHECK_EQ(WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, 8, NULL, NULL), 6);
	CHECK_EQ(lstrlenW(L"four"), 4);
	CHECK(LoadLibraryW(L"ksuser.dll") != NULL);
}

int main()
{
	static const struct tap_test tests[] = {
		{ "GUIDs in C++", test_guids },
		{ "unsigned long as DWORD", test_unsigned_long },
		{ "threads of C++", test_threads },
		{ "types of DirectShow", test_directshow },
		{ "WCHAR of two bytes", test_wide },
	};

	return tap_run(tests, ARRAY_SIZE(tests));
}
