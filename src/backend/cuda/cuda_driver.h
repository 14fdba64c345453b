/* SPDX-License-Identifier: MIT */
/*
 * NVIDIA's driver interface, as far as this program calls it.
 *
 * The library of the driver, libcuda.so.1, is opened at run time, so that the same program runs
 * where there is none. What stands here are facts of its binary interface: names of functions, with
 * the suffix of the version whose arguments these are, and numbers. Tests put a table of their own
 * in its place.
 */
#ifndef NMOS_BACKEND_CUDA_CUDA_DRIVER_H
#define NMOS_BACKEND_CUDA_CUDA_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef int cuda_result; /* 0: success */
typedef uint64_t cuda_address;
typedef struct cuda_context_opaque *cuda_context;
typedef struct cuda_module_opaque *cuda_module;
typedef struct cuda_function_opaque *cuda_function;
typedef struct cuda_stream_opaque *cuda_stream;
typedef struct cuda_event_opaque *cuda_event;

#define CUDA_ERROR_NO_BINARY            209 /* for this card */
#define CUDA_ERROR_INVALID_PTX          218
#define CUDA_ERROR_NO_COMPILER          221
#define CUDA_ERROR_NEW_PTX              222 /* newer than the driver */
#define CUDA_ERROR_ILLEGAL_ADDRESS      700
#define CUDA_ERROR_ASSERT               710 /* the first of those that end a context ... */
#define CUDA_ERROR_LAUNCH_FAILED        719 /* ... and the last */
#define CUDA_STREAM_NON_BLOCKING        1U
#define CUDA_EVENT_DISABLE_TIMING       2U
#define CUDA_EVENT_BLOCKING_SYNC        1U
#define CUDA_ATTRIBUTE_CAPABILITY_MAJOR 75
#define CUDA_ATTRIBUTE_CAPABILITY_MINOR 76

/** X(member, symbol, arguments): every function returns cuda_result. */
#define CUDA_CALLS(X)                                                                              \
    X(init, cuInit, (unsigned flags))                                                              \
    X(driver_version, cuDriverGetVersion, (int *version))                                          \
    X(device_count, cuDeviceGetCount, (int *count))                                                \
    X(device_get, cuDeviceGet, (int *device, int ordinal))                                         \
    X(device_name, cuDeviceGetName, (char *name, int n, int device))                               \
    X(device_memory, cuDeviceTotalMem_v2, (size_t * bytes, int device))                            \
    X(device_attribute, cuDeviceGetAttribute, (int *value, int attribute, int device))             \
    X(context_retain, cuDevicePrimaryCtxRetain, (cuda_context * context, int device))              \
    X(context_release, cuDevicePrimaryCtxRelease_v2, (int device))                                 \
    X(context_enter, cuCtxSetCurrent, (cuda_context context))                                      \
    X(memory_info, cuMemGetInfo_v2, (size_t * free, size_t * total))                               \
    X(module_load, cuModuleLoadData, (cuda_module * module, const void *image))                    \
    X(module_unload, cuModuleUnload, (cuda_module module))                                         \
    X(module_function, cuModuleGetFunction,                                                        \
      (cuda_function * function, cuda_module module, const char *name))                            \
    X(memory_alloc, cuMemAlloc_v2, (cuda_address * address, size_t bytes))                         \
    X(memory_free, cuMemFree_v2, (cuda_address address))                                           \
    X(host_register, cuMemHostRegister_v2, (void *at, size_t bytes, unsigned flags))               \
    X(host_unregister, cuMemHostUnregister, (void *at))                                            \
    X(copy_up, cuMemcpyHtoDAsync_v2,                                                               \
      (cuda_address to, const void *from, size_t bytes, cuda_stream stream))                       \
    X(copy_down, cuMemcpyDtoHAsync_v2,                                                             \
      (void *to, cuda_address from, size_t bytes, cuda_stream stream))                             \
    X(copy_there, cuMemcpyDtoDAsync_v2,                                                            \
      (cuda_address to, cuda_address from, size_t bytes, cuda_stream stream))                      \
    X(fill, cuMemsetD8Async,                                                                       \
      (cuda_address at, unsigned char byte, size_t bytes, cuda_stream stream))                     \
    X(stream_create, cuStreamCreate, (cuda_stream * stream, unsigned flags))                       \
    X(stream_destroy, cuStreamDestroy_v2, (cuda_stream stream))                                    \
    X(stream_wait, cuStreamSynchronize, (cuda_stream stream))                                      \
    X(stream_wait_event, cuStreamWaitEvent,                                                        \
      (cuda_stream stream, cuda_event event, unsigned flags))                                      \
    X(event_create, cuEventCreate, (cuda_event * event, unsigned flags))                           \
    X(event_destroy, cuEventDestroy_v2, (cuda_event event))                                        \
    X(event_record, cuEventRecord, (cuda_event event, cuda_stream stream))                         \
    X(event_wait, cuEventSynchronize, (cuda_event event))                                          \
    X(launch, cuLaunchKernel,                                                                      \
      (cuda_function function, unsigned grid_x, unsigned grid_y, unsigned grid_z,                  \
       unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,                \
       cuda_stream stream, void **args, void **extra))                                             \
    X(error_text, cuGetErrorString, (cuda_result result, const char **text))

/* NOLINTNEXTLINE(bugprone-macro-parentheses): these are a declarator and its parameters. */
#define CUDA_MEMBER(member, symbol, args) cuda_result(*member) args;
struct cuda_driver {
    CUDA_CALLS(CUDA_MEMBER)
};
#undef CUDA_MEMBER

/** What can be said of a GPU without using it. */
struct cuda_device_info {
    char name[64];
    uint64_t memory_bytes;
    int capability;     /* 10 * major + minor */
    int driver_version; /* 1000 * major + 10 * minor of the CUDA that the driver knows */
};

/** The oldest capability that the kernels run on: it has their dot product of bytes. */
#define CUDA_CAPABILITY_MIN 61

/**
 * The driver's functions, opened at the first call.
 * @return 0; NMOS_E_UNSUPPORTED saying what is missing: the library, a function of it, or a GPU.
 * @note Thread-safe.
 */
int cuda_driver_open(const struct cuda_driver **ret_driver) NMOS_MUST_CHECK;

/** Whether the driver's library could be opened, whatever it says then. Thread-safe. */
int cuda_driver_is_there(void);

/** Number of GPUs; 0 without a driver, with the reason in error_message(). */
int cuda_device_count(void);

/** @return 0, or NMOS_E_UNSUPPORTED for a number that no GPU has, or what the driver says. */
int cuda_device_describe(int ordinal, struct cuda_device_info *ret_info) NMOS_MUST_CHECK;

/** NMOS_E_IO with the driver's sentence behind @p what, for a result other than 0, and whether the
 * process has to be started anew; NMOS_E_UNSUPPORTED when the driver cannot compile kernels. */
int cuda_fail(const struct cuda_driver *driver, cuda_result result, const char *what);

/** For tests: this table is the driver's from now on; NULL: the real one again. */
void cuda_driver_replace(const struct cuda_driver *driver);

#endif
