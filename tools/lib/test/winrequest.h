/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests to libkswin with the model of a camera, for several test programs. */
#ifndef WINREQUEST_H
#define WINREQUEST_H

#include "windevice.h"

/* A test program that takes longer hangs */
#define WIN_PATIENCE_S 300

/* Memory behind an answer that must not change */
#define GUARD 0x5a

/* The filter of the running test, and the size of the last answer */
extern HANDLE filter;
extern ULONG returned;

void open_camera(void);
/* These return 0, or the last error */
DWORD call(HANDLE handle, DWORD code, const void *in, ULONG in_size, void *out, ULONG size);
DWORD property(HANDLE handle, const GUID *set, ULONG id, ULONG flags, void *out, ULONG size);
/* Gets a property of the filter about a pin */
DWORD pin_property(ULONG pin, ULONG id, void *out, ULONG size);
DWORD node_property(ULONG node, const GUID *set, ULONG id, ULONG flags, void *out, ULONG size);

/* The request for a pin with its format */
struct win_request {
	KSPIN_CONNECT connect;
	union {
		KSDATAFORMAT any;
		KS_DATAFORMAT_VIDEOINFOHEADER first;
		KS_DATAFORMAT_VIDEOINFOHEADER2 second;
	} format;
};

extern struct win_request request;

DWORD create_pin(HANDLE of, HANDLE *pin);
/* The whole list of ranges, which the caller frees */
KSMULTIPLE_ITEM *get_ranges(void);
/* The range with this number, or NULL */
KSDATARANGE *range_number(KSMULTIPLE_ITEM *list, ULONG number);
/* Makes it the format of the request */
void take_range(const KSDATARANGE *range);
/* The same with a range of the camera */
void take_range_number(ULONG number);

#endif /* WINREQUEST_H */
