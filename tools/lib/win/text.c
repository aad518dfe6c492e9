// SPDX-License-Identifier: GPL-2.0-only
/* Conversion of text between UTF-8 and WCHAR, which is UTF-32 or UTF-16. */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "win.h"

#define REPLACEMENT 0xfffd
/* In the places of invalid characters, so that a caller can refuse them */
#define INVALID UINT32_MAX

/* A client that is compiled with -fshort-wchar has this constant too: see windef.h */
WIN_API __attribute__((weak)) const unsigned char LibksWcharBytes = sizeof(WCHAR);

size_t win_wchar_bytes(void)
{
	return __atomic_load_n(&LibksWcharBytes, __ATOMIC_RELAXED);
}

static uint32_t get_unit(const void *wide, size_t i)
{
	return win_wchar_bytes() == 2 ? ((const uint16_t *)wide)[i] : ((const uint32_t *)wide)[i];
}

static void set_unit(void *wide, size_t i, uint32_t unit)
{
	if (win_wchar_bytes() == 2)
		((uint16_t *)wide)[i] = (uint16_t)unit;
	else
		((uint32_t *)wide)[i] = unit;
}

size_t win_wide_length(const void *wide)
{
	size_t length = 0;

	while (get_unit(wide, length))
		length++;
	return length;
}

DWORD win_put_text(const char *text, bool wide, size_t zeros, void *to, size_t size,
		   PDWORD required)
{
	size_t bytes = wide ? win_wchar_bytes() : 1;
	size_t length = wide ? win_widen(text, NULL, 0) - 1 : strlen(text);
	size_t needed = (length + zeros) * bytes;

	if (required)
		*required = (DWORD)needed;
	if (!to || size < needed)
		return ERROR_INSUFFICIENT_BUFFER;
	memset(to, 0, needed);
	if (wide)
		win_widen(text, to, length + 1);
	else
		memcpy(to, text, length);
	return ERROR_SUCCESS;
}

static bool is_character(uint32_t c)
{
	return c < 0xd800 || (c > 0xdfff && c <= 0x10ffff);
}

/* Returns a character of UTF-8 and moves @text behind it */
static uint32_t from_utf8(const unsigned char **text, const unsigned char *end)
{
	static const uint32_t smallest[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t c = *(*text)++;
	int more, i;

	if (c < 0x80)
		return c;
	more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
	if (c < 0xc0 || c > 0xf7)
		return INVALID;
	c &= 0x3f >> more;
	for (i = 0; i < more; i++) {
		if (*text == end || (**text & 0xc0) != 0x80)
			return INVALID;
		c = c << 6 | (*(*text)++ & 0x3f);
	}
	return c >= smallest[more] && is_character(c) ? c : INVALID;
}

/* Returns the number of bytes; writes none if there is not enough room for all */
static size_t to_utf8(uint32_t c, char *to, size_t room)
{
	size_t bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	size_t i;

	if (bytes > room)
		return bytes;
	for (i = bytes - 1; i; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(bytes == 1 ? c : (0xf00u >> bytes & 0xff) | c);
	return bytes;
}

static uint32_t from_wide(const void *wide, size_t *at, size_t length)
{
	uint32_t c = get_unit(wide, (*at)++), low;

	if (win_wchar_bytes() == 2 && c >= 0xd800 && c < 0xdc00 && *at < length) {
		low = get_unit(wide, *at);
		if (low >= 0xdc00 && low < 0xe000) {
			(*at)++;
			return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		}
	}
	return is_character(c) ? c : INVALID;
}

static size_t to_wide(uint32_t c, void *wide, size_t at, size_t room)
{
	if (win_wchar_bytes() != 2 || c < 0x10000) {
		if (at < room)
			set_unit(wide, at, c);
		return 1;
	}
	if (at + 1 < room) {
		set_unit(wide, at, 0xd800 + ((c - 0x10000) >> 10));
		set_unit(wide, at + 1, 0xdc00 + (c & 0x3ff));
	}
	return 2;
}

/* Both return the size of the result, or -EILSEQ for a wrong character if @strict */

static ssize_t widen(const char *text, size_t length, void *wide, size_t room, bool strict)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + length;
	size_t size = 0;
	uint32_t c;

	while (at < end) {
		c = from_utf8(&at, end);
		if (c == INVALID && strict)
			return -EILSEQ;
		size += to_wide(c == INVALID ? REPLACEMENT : c, wide, size, room);
	}
	return (ssize_t)size;
}

static ssize_t narrow(const void *wide, size_t length, char *text, size_t room, bool strict)
{
	size_t at = 0, size = 0;
	uint32_t c;

	while (at < length) {
		c = from_wide(wide, &at, length);
		if (c == INVALID && strict)
			return -EILSEQ;
		size += to_utf8(c == INVALID ? REPLACEMENT : c, text + size,
				size < room ? room - size : 0);
	}
	return (ssize_t)size;
}

size_t win_widen(const char *text, void *wide, size_t room)
{
	size_t needed = (size_t)widen(text, strlen(text), wide, room, false) + 1;

	if (room)
		set_unit(wide, needed <= room ? needed - 1 : room - 1, 0);
	return needed;
}

char *win_narrow(const void *wide, size_t length)
{
	size_t bytes = (size_t)narrow(wide, length, NULL, 0, false);
	char *text = malloc(bytes + 1);

	if (!text)
		return NULL;
	narrow(wide, length, text, bytes, false);
	text[bytes] = '\0';
	return text;
}

static int check_conversion(UINT code_page, const void *from, int length, const void *to, int size)
{
	if (code_page != CP_ACP && code_page != CP_UTF8)
		return -EINVAL;
	return !from || !length || length < -1 || size < 0 || (size && !to) || from == to ?
	       -EINVAL : 0;
}

/* Returns the result of a conversion function, which has 0 for an error */
static int converted(ssize_t ret, int size)
{
	DWORD error = 0;

	if (ret == -EILSEQ)
		error = ERROR_NO_UNICODE_TRANSLATION;
	else if (ret > INT_MAX)
		error = ERROR_INVALID_PARAMETER;
	else if (size && ret > size)
		error = ERROR_INSUFFICIENT_BUFFER;
	if (!error)
		return (int)ret;
	SetLastError(error);
	return 0;
}

WIN_API int MultiByteToWideChar(UINT code_page, DWORD flags, LPCSTR from, int length, LPWSTR to,
				int size)
{
	size_t bytes;

	if (!win_result(check_conversion(code_page, from, length, to, size)))
		return 0;
	bytes = length < 0 ? strlen(from) + 1 : (size_t)length;
	return converted(widen(from, bytes, to, (size_t)size, flags & MB_ERR_INVALID_CHARS), size);
}

WIN_API int WideCharToMultiByte(UINT code_page, DWORD flags, LPCWSTR from, int length, LPSTR to,
				int size, LPCSTR default_char, LPBOOL used_default)
{
	size_t chars;
	int ret;

	ret = check_conversion(code_page, from, length, to, size);
	/* All characters exist in UTF-8, so Windows refuses these */
	if (code_page == CP_UTF8 && (default_char || used_default))
		ret = -EINVAL;
	if (!win_result(ret))
		return 0;
	if (used_default)
		*used_default = FALSE;
	chars = length < 0 ? win_wide_length(from) + 1 : (size_t)length;
	return converted(narrow(from, chars, to, (size_t)size, flags & WC_ERR_INVALID_CHARS), size);
}

WIN_API int lstrlenA(LPCSTR text)
{
	return text ? (int)strlen(text) : 0;
}

WIN_API int lstrlenW(LPCWSTR text)
{
	return text ? (int)win_wide_length(text) : 0;
}

/* Functions that only convert a name */

WIN_API HANDLE CreateFileW(LPCWSTR name, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES security,
			   DWORD disposition, DWORD flags, HANDLE template_file)
{
	char *text = name ? win_narrow(name, win_wide_length(name)) : NULL;
	HANDLE handle;

	if (name && !text) {
		win_result(-ENOMEM);
		return INVALID_HANDLE_VALUE;
	}
	handle = CreateFileA(text, access, share, security, disposition, flags, template_file);
	free(text);
	return handle;
}

WIN_API VOID OutputDebugStringA(LPCSTR text)
{
	if (text && getenv("KS_DEBUG"))
		fputs(text, stderr);
}

WIN_API VOID OutputDebugStringW(LPCWSTR text)
{
	char *narrow_text = text ? win_narrow(text, win_wide_length(text)) : NULL;

	OutputDebugStringA(narrow_text);
	free(narrow_text);
}
