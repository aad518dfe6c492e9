/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In Windows, native_handle() of a std::thread is a HANDLE. Here it is a pthread_t. These
 * functions accept it, without a cast. They are templates so that NULL still means the function
 * of the library.
 */
#ifndef KS_WIN_NATIVE_H
#define KS_WIN_NATIVE_H

#include "winbase.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Not in Windows: WaitForSingleObject() of a pthread_t, which was not joined or detached before.
 * The thread still has to be joined after this
 */
DWORD LibksWaitForThread(ULONG_PTR thread, DWORD milliseconds);

#ifdef __cplusplus
}

/* Thread<unsigned long, R> is R; for any other type there is no such function */
namespace ks_win {
template <typename Argument, typename R> struct Thread {};
template <typename R> struct Thread<unsigned long, R> { typedef R type; };
}

template <typename Native>
inline typename ks_win::Thread<Native, DWORD>::type
WaitForSingleObject(Native thread, DWORD milliseconds)
{
	return LibksWaitForThread(thread, milliseconds);
}

template <typename Native>
inline typename ks_win::Thread<Native, DWORD>::type
WaitForSingleObjectEx(Native thread, DWORD milliseconds, BOOL)
{
	return LibksWaitForThread(thread, milliseconds);
}

template <typename Native>
inline typename ks_win::Thread<Native, BOOL>::type
CancelSynchronousIo(Native thread)
{
	return CancelSynchronousIo(reinterpret_cast<HANDLE>(static_cast<ULONG_PTR>(thread)));
}
#endif

#endif /* KS_WIN_NATIVE_H */
