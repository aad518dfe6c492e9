// SPDX-License-Identifier: GPL-2.0-only
/*
 * The base API of libkswin: text, memory, errors, and finding devices. The devices are
 * directories and files in the form of sysfs, and a wrapped ioctl() answers for them.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ks/win/cfgmgr32.h>
#include <ks/win/setupapi.h>
#include <ks/win/winternl.h>

#include "../win/win.h"
#include "../win/device.h"
#include "../win/text.h"
#include "tap.h"
#include "wrap.h"

/* The first byte of a node says what it is */
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct v4l2_capability *capability;
	char kind = 0;
	va_list ap;

	va_start(ap, request);
	capability = va_arg(ap, void *);
	va_end(ap);
	if (request != VIDIOC_QUERYCAP || pread(fd, &kind, 1, 0) != 1) {
		errno = ENOTTY;
		return -1;
	}
	memset(capability, 0, sizeof(*capability));
	capability->device_caps = V4L2_CAP_STREAMING |
		(kind == 'c' ? V4L2_CAP_VIDEO_CAPTURE : V4L2_CAP_META_CAPTURE);
	return 0;
}

/* Too large sizes are errors of LocalAlloc(), also with the address sanitizer */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* A tree of devices */

static char root[32];

static const char *in_root(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void make_directory(const char *name)
{
	CHECK_EQ(mkdir(in_root(name), 0700), 0);
}

static void make_file(const char *name, const char *text)
{
	FILE *file = fopen(in_root(name), "w");

	CHECK(file);
	if (!file)
		return;
	fputs(text, file);
	fclose(file);
}

static void make_link(const char *name, const char *target)
{
	CHECK_EQ(symlink(target, in_root(name)), 0);
}

static void make_node(const char *video, const char *device, const char *index, const char *name,
		      const char *kind)
{
	char path[128];

	snprintf(path, sizeof(path), "class/video4linux/%s", video);
	make_directory(path);
	snprintf(path, sizeof(path), "class/video4linux/%s/index", video);
	make_file(path, index);
	snprintf(path, sizeof(path), "class/video4linux/%s/name", video);
	make_file(path, name);
	snprintf(path, sizeof(path), "dev/%s", video);
	make_file(path, kind);
	if (!device)
		return;
	snprintf(path, sizeof(path), "class/video4linux/%s/device", video);
	make_link(path, device);
}

/* A USB camera with a node for metadata, a platform device with two nodes, and one without */
static void make_tree(void)
{
	snprintf(root, sizeof(root), "/tmp/test-winbase-XXXXXX");
	CHECK(mkdtemp(root));
	make_directory("class");
	make_directory("class/video4linux");
	make_directory("dev");
	make_directory("usb");
	make_directory("usb/1-2");
	make_file("usb/1-2/idVendor", "046d\n");
	make_file("usb/1-2/idProduct", "0825\n");
	make_directory("usb/1-2/1-2:1.0");
	make_file("usb/1-2/1-2:1.0/bInterfaceNumber", "00\n");
	make_link("usb/1-2/1-2:1.0/subsystem", "../../../bus/usb");
	make_link("usb/1-2/1-2:1.0/driver", "../../../bus/usb/drivers/uvcvideo");
	make_directory("vivid.0");
	make_link("vivid.0/subsystem", "../bus/platform");
	make_link("vivid.0/driver", "../bus/platform/drivers/vivid");
	make_node("video0", "../../../usb/1-2/1-2:1.0", "0\n", "K\xc3\xa4mera\n", "capture");
	make_node("video1", "../../../usb/1-2/1-2:1.0", "1\n", "Metadata\n", "metadata");
	make_node("video2", "../../../vivid.0", "0\n", "vivid\n", "capture");
	make_node("video10", "../../../vivid.0", "1\n", "vivid\n", "capture");
	make_node("video11", NULL, "0\n", "Loop\n", "capture");
	win_device_roots(root, strdup(in_root("dev")));
}

static void remove_tree(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", root);
	CHECK_EQ(system(command), 0);
}

/* Text */

/* Characters of each length, at the limits, and wrong ones */
static void test_text(void)
{
	static const char text[] = "a\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";
	static const char *const wrong[] = {
		"\x80", "\xc1\x81", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc2",
		"\xe2\x82", "\xff", "\xc2?",
	};
	const WCHAR wide[] = { 'a', 0x80, 0x800, 0x10000, 0x10ffff, 0 };
	WCHAR buffer[8];
	char back[20];
	size_t i;

	CHECK_EQ(MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0), 6);
	CHECK_EQ(MultiByteToWideChar(CP_UTF8, 0, text, -1, buffer, 8), 6);
	CHECK(!memcmp(buffer, wide, sizeof(wide)));
	CHECK_EQ(WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL), sizeof(text));
	CHECK_EQ(WideCharToMultiByte(CP_UTF8, 0, wide, -1, back, 20, NULL, NULL), sizeof(text));
	CHECK_STR(back, text);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		CHECK_EQ(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, wrong[i], -1, buffer,
					     8), 0);
		CHECK_EQ(GetLastError(), ERROR_NO_UNICODE_TRANSLATION);
		CHECK(MultiByteToWideChar(CP_UTF8, 0, wrong[i], -1, buffer, 8) > 1);
		CHECK_EQ(buffer[0], 0xfffd);
	}
	CHECK_EQ(lstrlenW(wide), 5);
	CHECK_EQ(lstrlenA(text), sizeof(text) - 1);
}

/* Sizes that are too small, and arguments that Windows refuses */
static void test_text_errors(void)
{
	WCHAR buffer[4] = { 7, 7, 7, 7 };
	BOOL used;

	CHECK_EQ(MultiByteToWideChar(CP_UTF8, 0, "abc", 3, buffer, 3), 3);
	CHECK_EQ(buffer[3], 7);
	CHECK_EQ(MultiByteToWideChar(CP_UTF8, 0, "abcd", -1, buffer, 4), 0);
	CHECK_EQ(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(MultiByteToWideChar(1252, 0, "a", -1, buffer, 4), 0);
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK_EQ(MultiByteToWideChar(CP_UTF8, 0, "a", 0, buffer, 4), 0);
	CHECK_EQ(MultiByteToWideChar(CP_UTF8, 0, "a", -2, buffer, 4), 0);
	CHECK_EQ(MultiByteToWideChar(CP_UTF8, 0, "a", -1, NULL, 4), 0);
	CHECK_EQ(MultiByteToWideChar(CP_UTF8, 0, NULL, -1, buffer, 4), 0);
	CHECK_EQ(WideCharToMultiByte(CP_UTF8, 0, L"a", -1, NULL, 0, "?", NULL), 0);
	CHECK_EQ(WideCharToMultiByte(CP_UTF8, 0, L"a", -1, NULL, 0, NULL, &used), 0);
	CHECK_EQ(WideCharToMultiByte(CP_ACP, 0, L"a", -1, NULL, 0, "?", &used), 2);
	CHECK_EQ(used, FALSE);
}

/* Memory */

static void test_memory(void)
{
	char *memory = LocalAlloc(LPTR, 100);
	int i;

	for (i = 0; memory && i < 100; i++)
		CHECK_EQ(memory[i], 0);
	CHECK(LocalSize(memory) >= 100);
	CHECK(!LocalFree(memory));
	CHECK(!LocalFree(NULL));
	memory = GlobalAlloc(GMEM_MOVEABLE, 0);
	CHECK(memory && GlobalLock(memory) == memory);
	GlobalFree(memory);
	CHECK(!LocalAlloc(LMEM_FIXED, PTRDIFF_MAX));
	CHECK_EQ(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
	memory = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, 10);
	CHECK(HeapFree(GetProcessHeap(), 0, memory));
	CHECK(!HeapAlloc(NULL, 0, 10));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
}

/* Memory that becomes larger is zero behind its old size, and the size is what was asked for. */
static void test_size(void)
{
	HANDLE heap = GetProcessHeap();
	char *memory = HeapAlloc(heap, 0, 24);
	int i;

	memset(memory, 0x5a, 24);
	memory = HeapReAlloc(heap, HEAP_ZERO_MEMORY, memory, 10);
	CHECK_EQ(HeapSize(heap, 0, memory), 10);
	CHECK_EQ(LocalSize(memory), 10);
	memory = HeapReAlloc(heap, HEAP_ZERO_MEMORY, memory, 24);
	CHECK_EQ(HeapSize(heap, 0, memory), 24);
	for (i = 0; i < 24; i++)
		CHECK_EQ(memory[i], i < 10 ? 0x5a : 0);
	CHECK(!HeapReAlloc(heap, 0, memory, SIZE_MAX));
	CHECK_EQ(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
	CHECK_EQ(memory[0], 0x5a);
	CHECK(HeapFree(heap, 0, memory));
	CHECK(!HeapAlloc(heap, HEAP_ZERO_MEMORY, SIZE_MAX));
	CHECK(HeapFree(heap, 0, NULL));
	memory = GlobalReAlloc(GlobalAlloc(GPTR, 3), 100, GMEM_ZEROINIT);
	CHECK_EQ(GlobalSize(memory), 100);
	CHECK_EQ(memory[99], 0);
	GlobalFree(memory);
}

static void test_pages(void)
{
	char *pages = VirtualAlloc(NULL, 3 * 65536 + 1, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);

	if (pages)
		pages[3 * 65536] = 1;
	CHECK(!VirtualFree(pages, 65536, MEM_RELEASE));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(!VirtualFree(pages + 65536, 0, MEM_RELEASE));
	CHECK_EQ(GetLastError(), ERROR_INVALID_ADDRESS);
	CHECK(!VirtualAlloc(pages, 65536, MEM_RESERVE, PAGE_READWRITE));
	CHECK_EQ(GetLastError(), ERROR_INVALID_ADDRESS);
	CHECK(VirtualFree(pages + 3 * 65536, 1, MEM_DECOMMIT));
	CHECK(!VirtualFree(pages, 4 * 65536, MEM_DECOMMIT));
	CHECK(VirtualAlloc(pages + 3 * 65536, 1, MEM_COMMIT, PAGE_READWRITE));
	CHECK_EQ(pages[3 * 65536], 0);
	CHECK(VirtualFree(pages, 0, MEM_RELEASE));
	CHECK(!VirtualFree(pages, 0, MEM_RELEASE));
	CHECK(!VirtualAlloc(NULL, 0, MEM_COMMIT, PAGE_READWRITE));
	CHECK(!VirtualAlloc(NULL, SIZE_MAX, MEM_COMMIT, PAGE_READWRITE));
	CHECK(!VirtualAlloc(NULL, 1, 0, PAGE_READWRITE));
	CHECK(!VirtualAlloc(NULL, 1, MEM_COMMIT, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
}

/* Errors */

static void test_messages(void)
{
	char text[64] = "", *memory = NULL;
	void *where = &memory;
	WCHAR wide[64];
	DWORD length;

	length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, ERROR_BUSY, 0, text, 64, NULL);
	CHECK_STR(text, "The device is busy.\r\n");
	CHECK_EQ(length, strlen(text));
	CHECK_EQ(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL,
				(DWORD)HRESULT_FROM_WIN32(ERROR_BUSY), 0, text, length + 1, NULL),
		 length);
	CHECK_EQ(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, ERROR_BUSY, 0, text, length,
				NULL), 0);
	CHECK_EQ(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, 12345678, 0, text, 64, NULL), 0);
	CHECK_EQ(GetLastError(), ERROR_MR_MID_NOT_FOUND);
	CHECK_EQ(FormatMessageA(FORMAT_MESSAGE_FROM_STRING, "%1", 0, 0, text, 64, NULL), 0);
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK_EQ(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER, NULL,
				ERROR_BUSY, 0, where, 0, NULL), length);
	CHECK_STR(memory, "The device is busy.\r\n");
	LocalFree(memory);
	CHECK_EQ(FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_MAX_WIDTH_MASK, NULL,
				ERROR_BUSY, 0, wide, 64, NULL), length - 1);
	CHECK(!memcmp(wide, L"The device is busy. ", 21 * sizeof(WCHAR)));
}

/* The status of an error and its Win32 code are in two tables */
static void test_statuses(void)
{
	int err;

	for (err = 0; err < WIN_LATER; err++)
		CHECK_EQ(RtlNtStatusToDosError(win_status(-err)), win_code(-err));
	CHECK_EQ(RtlNtStatusToDosError((NTSTATUS)0xc0ffffff), ERROR_MR_MID_NOT_FOUND);
}

static void test_library(void)
{
	HMODULE library = LoadLibraryA("KSUSER.dll");

	CHECK(library);
	CHECK(LoadLibraryW(L"C:\\Windows\\System32\\ksuser.DLL") == library);
	CHECK(GetModuleHandleA("ntdll") == library);
	CHECK((void *)GetProcAddress(library, "KsCreatePin") == (void *)KsCreatePin);
	CHECK((void *)GetProcAddress(library, "CancelIoEx") == (void *)CancelIoEx);
	CHECK((void *)GetProcAddress(library, "VirtualFree") == (void *)VirtualFree);
	CHECK(!GetProcAddress(library, "KsCreateNothing"));
	CHECK_EQ(GetLastError(), ERROR_PROC_NOT_FOUND);
	CHECK(!GetProcAddress(library, (LPCSTR)1));
	CHECK(!GetProcAddress(NULL, "KsCreatePin"));
	CHECK_EQ(GetLastError(), ERROR_MOD_NOT_FOUND);
	CHECK(!LoadLibraryA("user32.dll"));
	CHECK_EQ(GetLastError(), ERROR_MOD_NOT_FOUND);
	CHECK(!LoadLibraryA(NULL));
	CHECK(FreeLibrary(library));
	CHECK(!FreeLibrary(NULL));
}

/* The time is that of CLOCK_MONOTONIC, in the unit of frames */
static void test_time(void)
{
	LARGE_INTEGER before, after, frequency;
	__u64 now;

	CHECK(QueryPerformanceFrequency(&frequency));
	CHECK_EQ(frequency.QuadPart, 10000000);
	CHECK(QueryPerformanceCounter(&before));
	now = ks_deadline(0);
	CHECK(QueryPerformanceCounter(&after));
	CHECK((__u64)before.QuadPart <= now / 100 && now / 100 <= (__u64)after.QuadPart);
	CHECK_EQ(KSCONVERT_PERFORMANCE_TIME(3, before) / 10,
		 (ULONGLONG)before.QuadPart / 3 * 1000000 +
		 (ULONGLONG)before.QuadPart % 3 * 1000000 / 3);
	CHECK(!QueryPerformanceCounter(NULL));
	CHECK_EQ(GetLastError(), ERROR_NOACCESS);
}

/* Devices */

static const char *const ids[] = {
	"usb\\vid_046d&pid_0825&mi_00\\1-2&0", "platform\\vivid\\vivid.0&0",
	"platform\\vivid\\vivid.0&1", "root\\video4linux\\video11&0",
};

#define USB_PATH "\\\\?\\usb#vid_046d&pid_0825&mi_00#1-2&0#"
#define CAPTURE "{65e8773d-8f56-11d0-a3b9-00a0c9223196}"

static void test_devices(void)
{
	struct win_device *devices;
	char node[PATH_MAX];
	int i;

	CHECK_EQ(win_devices(&devices), 4);
	for (i = 0; i < 4; i++)
		CHECK_STR(devices[i].id, ids[i]);
	CHECK_STR(devices[0].name, "K\xc3\xa4mera");
	CHECK_STR(devices[0].driver, "uvcvideo");
	CHECK_EQ(win_device_node(USB_PATH CAPTURE "\\global", node, sizeof(node)), 0);
	CHECK_STR(node, devices[0].node);
	CHECK_EQ(win_device_node("\\??\\USB#VID_046D&pid_0825&mi_00#1-2&0#" CAPTURE, node,
				 sizeof(node)), 0);
	CHECK_EQ(win_device_node(USB_PATH CAPTURE "\\globa", node, sizeof(node)), -ENOENT);
	CHECK_EQ(win_device_node(USB_PATH "{00000000-0000-0000-0000-000000000000}\\global", node,
				 sizeof(node)), -ENOENT);
	CHECK_EQ(win_device_node("\\\\?\\", node, sizeof(node)), -ENOENT);
	CHECK_EQ(win_device_node("/dev/video0", node, sizeof(node)), 0);
	CHECK_STR(node, "/dev/video0");
	CHECK_EQ(win_device_node("/dev/video0", node, 5), -ENAMETOOLONG);
	free(devices);
}

static HDEVINFO get_set(const GUID *category)
{
	return SetupDiGetClassDevsW(category, NULL, NULL, DIGCF_PRESENT | DIGCF_DEVICEINTERFACE);
}

static int count_interfaces(HDEVINFO set, const GUID *category)
{
	SP_DEVICE_INTERFACE_DATA data = { .cbSize = sizeof(data) };
	int count = 0;

	while (SetupDiEnumDeviceInterfaces(set, NULL, category, (DWORD)count, &data))
		count++;
	CHECK_EQ(GetLastError(), ERROR_NO_MORE_ITEMS);
	return count;
}

/* J2: a device is found, and opened by its path, as clients do it. */
static void test_find(void)
{
	SP_DEVICE_INTERFACE_DATA data = { .cbSize = sizeof(data) };
	SP_DEVICE_INTERFACE_DATA alias = { .cbSize = sizeof(alias) };
	SP_DEVINFO_DATA device = { .cbSize = sizeof(device) };
	PSP_DEVICE_INTERFACE_DETAIL_DATA_W detail;
	HDEVINFO set = get_set(&KSCATEGORY_VIDEO);
	DWORD needed = 0, type;
	char text[64], *path;
	WCHAR wide[64];
	HANDLE filter;

	CHECK_EQ(count_interfaces(set, &KSCATEGORY_VIDEO), 4);
	CHECK_EQ(count_interfaces(set, &KSCATEGORY_CAPTURE), 0);
	CHECK(SetupDiEnumDeviceInterfaces(set, NULL, &KSCATEGORY_VIDEO, 0, &data));
	CHECK(SetupDiGetDeviceInterfaceAlias(set, &data, &KSCATEGORY_CAPTURE, &alias));
	CHECK(!SetupDiGetDeviceInterfaceDetailW(set, &alias, NULL, 0, &needed, NULL));
	CHECK_EQ(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
	detail = calloc(1, needed);
	detail->cbSize = sizeof(*detail);
	CHECK(!SetupDiGetDeviceInterfaceDetailW(set, &alias, detail, needed - 1, NULL, NULL));
	CHECK_EQ(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
	CHECK(SetupDiGetDeviceInterfaceDetailW(set, &alias, detail, needed, &needed, &device));
	path = win_narrow(detail->DevicePath, win_wide_length(detail->DevicePath));
	CHECK_STR(path, USB_PATH CAPTURE "\\global");
	filter = CreateFileW(detail->DevicePath, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
	CHECK(filter != INVALID_HANDLE_VALUE);
	CloseHandle(filter);
	CHECK(SetupDiGetDeviceRegistryPropertyA(set, &device, SPDRP_FRIENDLYNAME, &type,
						(PBYTE)text, sizeof(text), NULL));
	CHECK_EQ(type, REG_SZ);
	CHECK_STR(text, "K\xc3\xa4mera");
	CHECK(SetupDiGetDeviceRegistryPropertyW(set, &device, SPDRP_DEVICEDESC, NULL,
						(PBYTE)wide, sizeof(wide), &needed));
	CHECK_EQ(needed, 7 * sizeof(WCHAR));
	CHECK_EQ(wide[1], 0xe4);
	CHECK(SetupDiGetDeviceRegistryPropertyA(set, &device, SPDRP_HARDWAREID, &type,
						(PBYTE)text, sizeof(text), &needed));
	CHECK_EQ(type, REG_MULTI_SZ);
	CHECK_EQ(needed, strlen(text) + 2);
	CHECK_STR(text, "USB\\VID_046D&PID_0825&MI_00");
	CHECK(!SetupDiGetDeviceRegistryPropertyA(set, &device, SPDRP_MFG, NULL, NULL, 0, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_DATA);
	CHECK(SetupDiGetDeviceInstanceIdA(set, &device, text, sizeof(text), &needed));
	CHECK_STR(text, "USB\\VID_046D&PID_0825&MI_00\\1-2&0");
	CHECK_EQ(needed, strlen(text) + 1);
	free(path);
	free(detail);
	CHECK(SetupDiDestroyDeviceInfoList(set));
}

/* Sets, and what Windows refuses */
static void test_sets(void)
{
	SP_DEVICE_INTERFACE_DETAIL_DATA_A detail = { .cbSize = sizeof(detail) };
	SP_DEVICE_INTERFACE_DATA data = { .cbSize = sizeof(data) };
	SP_DEVINFO_DATA device = { .cbSize = sizeof(device) };
	HDEVINFO set;

	CHECK(SetupDiGetClassDevsA(NULL, NULL, NULL, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	set = SetupDiGetClassDevsA(&GUID_NULL, NULL, NULL, DIGCF_DEVICEINTERFACE);
	CHECK_EQ(count_interfaces(set, &GUID_NULL), 0);
	SetupDiDestroyDeviceInfoList(set);
	set = SetupDiGetClassDevsA(NULL, "PLATFORM", NULL,
				   DIGCF_ALLCLASSES | DIGCF_DEVICEINTERFACE);
	CHECK_EQ(count_interfaces(set, &KSCATEGORY_VIDEO_CAMERA), 2);
	CHECK(SetupDiEnumDeviceInfo(set, 1, &device));
	CHECK(!SetupDiEnumDeviceInfo(set, 2, &device));
	CHECK_EQ(GetLastError(), ERROR_NO_MORE_ITEMS);
	CHECK(SetupDiEnumDeviceInterfaces(set, &device, &KSCATEGORY_VIDEO, 0, &data));
	CHECK(!SetupDiEnumDeviceInterfaces(set, &device, &KSCATEGORY_VIDEO, 1, &data));
	CHECK(!SetupDiGetDeviceInterfaceDetailA(set, &data, &detail, sizeof(detail) - 1, NULL,
						NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_USER_BUFFER);
	CHECK(!SetupDiGetDeviceInterfaceDetailA(set, &data, NULL, 100, NULL, NULL));
	detail.cbSize--;
	CHECK(!SetupDiGetDeviceInterfaceDetailA(set, &data, &detail, sizeof(detail), NULL, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_USER_BUFFER);
	data.Reserved = 3;
	CHECK(!SetupDiGetDeviceInterfaceDetailA(set, &data, NULL, 0, NULL, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	data.Reserved = 0;
	CHECK(!SetupDiGetDeviceInterfaceAlias(set, &data, &KSCATEGORY_VIDEO, &data));
	data.cbSize = 0;
	CHECK(!SetupDiEnumDeviceInterfaces(set, NULL, &KSCATEGORY_VIDEO, 0, &data));
	CHECK_EQ(GetLastError(), ERROR_INVALID_USER_BUFFER);
	device.DevInst = 3;
	CHECK(!SetupDiGetDeviceInstanceIdA(set, &device, NULL, 0, NULL));
	CHECK_EQ(GetLastError(), ERROR_NO_SUCH_DEVINST);
	device.DevInst = 0;
	CHECK(!SetupDiGetDeviceInstanceIdA(set, &device, NULL, 0, NULL));
	CHECK(SetupDiDestroyDeviceInfoList(set));
	CHECK(!SetupDiDestroyDeviceInfoList(set));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK(!SetupDiEnumDeviceInfo(set, 0, &device));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
}

static void test_keys(void)
{
	SP_DEVICE_INTERFACE_DATA data = { .cbSize = sizeof(data) };
	HDEVINFO set = get_set(&KSCATEGORY_CAPTURE);
	DWORD size = 0, type = 0;
	char text[16];
	HKEY key;

	CHECK(SetupDiEnumDeviceInterfaces(set, NULL, &KSCATEGORY_CAPTURE, 3, &data));
	key = SetupDiOpenDeviceInterfaceRegKey(set, &data, 0, KEY_READ);
	CHECK(key != INVALID_HANDLE_VALUE);
	SetupDiDestroyDeviceInfoList(set);
	CHECK_EQ(RegQueryValueExW(key, L"friendlyname", NULL, &type, NULL, &size), ERROR_SUCCESS);
	CHECK_EQ(size, 5 * sizeof(WCHAR));
	size = 4;
	CHECK_EQ(RegQueryValueExA(key, "FriendlyName", NULL, &type, (LPBYTE)text, &size),
		 ERROR_MORE_DATA);
	CHECK_EQ(size, 5);
	CHECK_EQ(RegQueryValueExA(key, "FriendlyName", NULL, &type, (LPBYTE)text, &size),
		 ERROR_SUCCESS);
	CHECK_STR(text, "Loop");
	CHECK_EQ(type, REG_SZ);
	CHECK_EQ(RegQueryValueExA(key, "CLSID", NULL, NULL, NULL, NULL), ERROR_FILE_NOT_FOUND);
	CHECK_EQ(RegQueryValueExA(key, "FriendlyName", NULL, NULL, (LPBYTE)text, NULL),
		 ERROR_INVALID_PARAMETER);
	CHECK_EQ(RegCloseKey(key), ERROR_SUCCESS);
	CHECK_EQ(RegCloseKey(key), ERROR_INVALID_HANDLE);
	CHECK(SetupDiOpenDeviceInterfaceRegKey(set, &data, 0, KEY_READ) == INVALID_HANDLE_VALUE);
}

/* There are roots of the registry, and nothing in them */
static void test_registry(void)
{
	SP_DEVINFO_DATA device = { .cbSize = sizeof(device) };
	HDEVINFO set = get_set(&KSCATEGORY_CAPTURE);
	HKEY key, same = NULL;
	DWORD size = 0;

	CHECK((LONG_PTR)HKEY_LOCAL_MACHINE == (LONG)0x80000002);
	CHECK_EQ(RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"SYSTEM\\CurrentControlSet", 0, KEY_READ,
			       &key), ERROR_FILE_NOT_FOUND);
	CHECK_EQ(RegOpenKeyExA(HKEY_CLASSES_ROOT, "CLSID", 0, KEY_READ, &key),
		 ERROR_FILE_NOT_FOUND);
	CHECK_EQ(RegOpenKeyExA(HKEY_CURRENT_USER, NULL, 0, KEY_READ, &key), ERROR_SUCCESS);
	CHECK(key == HKEY_CURRENT_USER);
	CHECK_EQ(RegQueryValueExA(key, "FriendlyName", NULL, NULL, NULL, &size),
		 ERROR_FILE_NOT_FOUND);
	CHECK_EQ(RegCloseKey(key), ERROR_SUCCESS);
	CHECK(SetupDiEnumDeviceInfo(set, 3, &device));
	key = SetupDiOpenDevRegKey(set, &device, DICS_FLAG_GLOBAL, 0, DIREG_DEV, KEY_READ);
	CHECK_EQ(RegOpenKeyExW(key, L"", 0, KEY_READ, &same), ERROR_SUCCESS);
	CHECK_EQ(RegOpenKeyExA(key, "CLSID", 0, KEY_READ, &same), ERROR_FILE_NOT_FOUND);
	CHECK_EQ(RegOpenKeyExA(key, "", 0, KEY_READ, NULL), ERROR_INVALID_PARAMETER);
	CHECK_EQ(RegCloseKey(key), ERROR_SUCCESS);
	CHECK_EQ(RegOpenKeyExA(key, "", 0, KEY_READ, &key), ERROR_INVALID_HANDLE);
	CHECK_EQ(RegQueryValueExA(same, "FriendlyName", NULL, NULL, NULL, &size), ERROR_SUCCESS);
	CHECK_EQ(size, 5);
	CHECK_EQ(RegCloseKey(same), ERROR_SUCCESS);
	SetupDiDestroyDeviceInfoList(set);
}

static void test_default_device(void)
{
	HANDLE filter = NULL;

	CHECK_EQ(KsOpenDefaultDevice(&KSCATEGORY_VIDEO, GENERIC_READ, &filter), S_OK);
	CHECK(LibksDescriptor(filter) >= 0);
	CloseHandle(filter);
	CHECK_EQ(KsOpenDefaultDevice(&GUID_NULL, GENERIC_READ, &filter),
		 HRESULT_FROM_WIN32(ERROR_NO_MORE_ITEMS));
	CHECK(filter == INVALID_HANDLE_VALUE);
	CHECK_EQ(KsOpenDefaultDevice(&KSCATEGORY_VIDEO, GENERIC_READ, NULL), E_POINTER);
}

static void test_list(void)
{
	GUID category = KSCATEGORY_VIDEO_CAMERA, other = GUID_NULL;
	ULONG size = 0, wide_size = 0;
	char *list, *path;
	int count = 0;

	CHECK_EQ(CM_Get_Device_Interface_List_SizeA(&size, &category, NULL, 0), CR_SUCCESS);
	CHECK_EQ(CM_Get_Device_Interface_List_SizeW(&wide_size, &category, NULL, 0), CR_SUCCESS);
	CHECK_EQ(size, wide_size);
	list = malloc(size);
	CHECK_EQ(CM_Get_Device_Interface_ListA(&category, NULL, list, size - 1, 0),
		 CR_BUFFER_SMALL);
	CHECK_EQ(CM_Get_Device_Interface_ListA(&category, NULL, list, size, 0), CR_SUCCESS);
	for (path = list; *path; path += strlen(path) + 1)
		count++;
	CHECK_EQ(count, 4);
	CHECK_EQ(path + 1 - list, size);
	free(list);
	CHECK_EQ(CM_Get_Device_Interface_List_SizeA(&size, &other, NULL, 0), CR_SUCCESS);
	CHECK_EQ(size, 1);
	CHECK_EQ(CM_Get_Device_Interface_List_SizeA(&size, &category, (char *)"USB\\NONE", 0),
		 CR_SUCCESS);
	CHECK_EQ(size, 1);
	CHECK_EQ(CM_Get_Device_Interface_List_SizeA(NULL, &category, NULL, 0), CR_INVALID_POINTER);
	CHECK_EQ(CM_Get_Device_Interface_List_SizeA(&size, NULL, NULL, 0), CR_INVALID_POINTER);
	CHECK_EQ(CM_Get_Device_Interface_List_SizeA(&size, &category, NULL, 2), CR_INVALID_FLAG);
	CHECK_EQ(CM_Get_Device_Interface_ListA(&category, NULL, NULL, 1, 0), CR_INVALID_POINTER);
	CHECK_EQ(CM_Get_Device_Interface_ListA(&category, NULL, (char *)&size, 0, 0),
		 CR_INVALID_DATA);
}

/* DWORD */

/* Real programs have such functions. The type is wrong in the call of the library, or in theirs */
static BOOL control(unsigned long *bytes)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wincompatible-pointer-types"
	return DeviceIoControl(NULL, IOCTL_KS_PROPERTY, NULL, 0, NULL, 0, bytes, NULL);
#pragma GCC diagnostic pop
}

/* If the variable is a DWORD, eight bytes would be too many. */
static void test_dword(void)
{
	DWORD variables[2] __attribute__((aligned(8))) = { 7, 7 };

	CHECK(!control((void *)variables));
	CHECK_EQ(variables[0], 0);
	CHECK_EQ(variables[1], 7);
}

/* ntdll */

static NTSTATUS nt_open(HANDLE directory, const WCHAR *name, size_t bytes, HANDLE *handle)
{
	UNICODE_STRING string = { .Length = (USHORT)bytes, .Buffer = (PWSTR)name };
	OBJECT_ATTRIBUTES attributes;
	IO_STATUS_BLOCK status;

	InitializeObjectAttributes(&attributes, &string, 0, directory, NULL);
	return NtOpenFile(handle, GENERIC_READ, &attributes, &status, 0, 0);
}

/* J2: functions of ntdll.dll open a filter, refuse wrong names, and get a property. */
static void test_nt(void)
{
	WCHAR name[128], pin[200] = L"{146F1A80-4791-11D0-A5D6-28DB04C10000}\\";
	size_t prefix = 39 * sizeof(WCHAR), size;
	OBJECT_ATTRIBUTES attributes = { 0 };
	IO_STATUS_BLOCK status = { 0 };
	KSPROPERTY request = { .Set = GUID_NULL, .Flags = KSPROPERTY_TYPE_GET };
	HANDLE filter = NULL, handle;
	KSNODE_CREATE node = { 0 };
	UNICODE_STRING string;
	ULONG value;

	win_widen("\\??\\usb#vid_046d&pid_0825&mi_00#1-2&0#" CAPTURE "\\global", name, 128);
	RtlInitUnicodeString(&string, name);
	CHECK_EQ(string.MaximumLength, string.Length + sizeof(WCHAR));
	CHECK_EQ(nt_open(NULL, name, string.Length, &filter), STATUS_SUCCESS);
	CHECK_EQ(nt_open(NULL, name, string.Length - sizeof(WCHAR), &handle),
		 STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK_EQ(nt_open(filter, name, string.Length, &handle), STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK_EQ(nt_open(filter, pin, prefix - 1, &handle), STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK_EQ(nt_open(filter, pin, prefix + sizeof(KSPIN_CONNECT), &handle),
		 STATUS_INVALID_PARAMETER);
	/* A format that says that it is longer than the name */
	memset((char *)pin + prefix, 0xff, sizeof(pin) - prefix);
	size = prefix + sizeof(KSPIN_CONNECT) + sizeof(KSDATAFORMAT);
	CHECK_EQ(nt_open(filter, pin, size, &handle), STATUS_INVALID_PARAMETER);
	CHECK_EQ(NtOpenFile(&handle, 0, &attributes, &status, 0, 0), STATUS_INVALID_PARAMETER);
	CHECK_EQ(NtOpenFile(NULL, 0, &attributes, &status, 0, 0), STATUS_ACCESS_VIOLATION);

	CHECK_EQ(NtDeviceIoControlFile(filter, NULL, NULL, NULL, &status, IOCTL_KS_PROPERTY,
				       &request, sizeof(request), &value, sizeof(value)),
		 STATUS_PROPSET_NOT_FOUND);
	request = (KSPROPERTY) {
		.Set = KSPROPSETID_Pin, .Id = KSPROPERTY_PIN_CTYPES, .Flags = KSPROPERTY_TYPE_GET,
	};
	CHECK_EQ(NtDeviceIoControlFile(filter, NULL, NULL, NULL, &status, IOCTL_KS_PROPERTY,
				       &request, sizeof(request), &value, sizeof(value)),
		 STATUS_SUCCESS);
	CHECK_EQ(status.Information, sizeof(value));
	CHECK_EQ(value, 1);
	CHECK_EQ(KsCreateTopologyNode(filter, &node, 0, &handle), ERROR_NOT_SUPPORTED);
	CHECK_EQ(KsCreateTopologyNode(NULL, &node, 0, &handle), ERROR_INVALID_HANDLE);
	CHECK_EQ(KsCreateTopologyNode(filter, NULL, 0, &handle), ERROR_INVALID_PARAMETER);
	CHECK_EQ(NtClose(filter), STATUS_SUCCESS);
	CHECK_EQ(NtClose(filter), STATUS_INVALID_HANDLE);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "text", test_text },
		{ "text: errors", test_text_errors },
		{ "memory", test_memory },
		{ "sizes of memory", test_size },
		{ "pages", test_pages },
		{ "texts of errors", test_messages },
		{ "status codes", test_statuses },
		{ "functions of libraries", test_library },
		{ "time", test_time },
		{ "devices and their paths", test_devices },
		{ "finding a device", test_find },
		{ "sets of devices", test_sets },
		{ "keys of devices", test_keys },
		{ "registry", test_registry },
		{ "default device", test_default_device },
		{ "list of interfaces", test_list },
		{ "pointers to DWORD", test_dword },
		{ "functions of ntdll", test_nt },
	};
	int status;

	make_tree();
	status = tap_run(tests, ARRAY_SIZE(tests));
	remove_tree();
	return status;
}
