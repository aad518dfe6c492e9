/* SPDX-License-Identifier: GPL-2.0-only */
/* Text that is CHAR, or WCHAR if UNICODE is defined. */
#ifndef KS_WIN_TCHAR_H
#define KS_WIN_TCHAR_H

#include "windef.h"

#define _T(quote) TEXT(quote)
#define _TEXT(quote) TEXT(quote)

#endif /* KS_WIN_TCHAR_H */
