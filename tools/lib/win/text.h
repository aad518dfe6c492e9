/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text. Inside of the library it is UTF-8. The functions whose names end in W convert it.
 * A WCHAR of the client has four bytes, or two with -fshort-wchar, so pointers to it are void
 * pointers here.
 */
#ifndef KSWIN_TEXT_H
#define KSWIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <ks/win/windef.h>

extern const unsigned char LibksWcharBytes;

/* Size of a WCHAR of the client */
size_t win_wchar_bytes(void);
/* Number of characters before the zero */
size_t win_wide_length(const void *wide);
/*
 * Converts the text to WCHAR, with the zero. Writes at most @room of them, which end in a zero
 * if there is room for one. Returns the number that the whole text needs.
 */
size_t win_widen(const char *text, void *wide, size_t room);
/*
 * Writes a text with @zeros at the end. @size and the required size are in bytes. Nothing is
 * written if it does not fit: ERROR_INSUFFICIENT_BUFFER.
 */
DWORD win_put_text(const char *text, bool wide, size_t zeros, void *to, size_t size,
		   PDWORD required);
/* Returns the text in UTF-8, for free(); NULL without memory */
char *win_narrow(const void *wide, size_t length);

#endif /* KSWIN_TEXT_H */
