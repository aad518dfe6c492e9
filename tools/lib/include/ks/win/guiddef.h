/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GUIDs: the type, comparison, and DEFINE_GUID(), which declares an object. If INITGUID is
 * defined, or after <initguid.h>, it defines the object, as in Windows.
 */
#ifndef KS_WIN_GUIDDEF_H
#define KS_WIN_GUIDDEF_H

#include <stdint.h>

typedef struct _GUID {
	uint32_t Data1;
	uint16_t Data2;
	uint16_t Data3;
	uint8_t Data4[8];
} GUID, IID, CLSID, FMTID;

typedef GUID *LPGUID;
typedef const GUID *LPCGUID;
typedef IID *LPIID;
typedef CLSID *LPCLSID;

#define IID_NULL GUID_NULL
#define CLSID_NULL GUID_NULL

#ifdef __cplusplus

typedef const GUID &REFGUID;
typedef const IID &REFIID;
typedef const CLSID &REFCLSID;
typedef const FMTID &REFFMTID;

inline int InlineIsEqualGUID(REFGUID a, REFGUID b)
{
	return !__builtin_memcmp(&a, &b, sizeof(GUID));
}

inline int IsEqualGUID(REFGUID a, REFGUID b)
{
	return InlineIsEqualGUID(a, b);
}

inline bool operator==(REFGUID a, REFGUID b)
{
	return IsEqualGUID(a, b);
}

inline bool operator!=(REFGUID a, REFGUID b)
{
	return !IsEqualGUID(a, b);
}

#else

typedef const GUID *REFGUID;
typedef const IID *REFIID;
typedef const CLSID *REFCLSID;
typedef const FMTID *REFFMTID;

#define IsEqualGUID(a, b) (!__builtin_memcmp((a), (b), sizeof(GUID)))
#define InlineIsEqualGUID(a, b) IsEqualGUID(a, b)

#endif

#define IsEqualIID(a, b) IsEqualGUID(a, b)
#define IsEqualCLSID(a, b) IsEqualGUID(a, b)

#ifdef __cplusplus
#define KS_WIN_EXTERN_C extern "C"
#else
#define KS_WIN_EXTERN_C extern
#endif

#define KS_WIN_DECLARE_GUID(name) KS_WIN_EXTERN_C const GUID name
/* Several files may define the same GUID, and the library has those of KS */
#define KS_WIN_DEFINE_GUID(name, d1, d2, d3, b0, b1, b2, b3, b4, b5, b6, b7) \
	KS_WIN_DECLARE_GUID(name) __attribute__((weak)); \
	const GUID name = { \
		(uint32_t)(d1), d2, d3, { b0, b1, b2, b3, b4, b5, b6, b7 } \
	}

#endif /* KS_WIN_GUIDDEF_H */

/* Outside of the guard, because <initguid.h> includes this file again */
#undef DEFINE_GUID
#ifdef INITGUID
#define DEFINE_GUID(name, d1, d2, d3, b0, b1, b2, b3, b4, b5, b6, b7) \
	KS_WIN_DEFINE_GUID(name, d1, d2, d3, b0, b1, b2, b3, b4, b5, b6, b7)
#else
#define DEFINE_GUID(name, d1, d2, d3, b0, b1, b2, b3, b4, b5, b6, b7) \
	KS_WIN_DECLARE_GUID(name)
#endif
