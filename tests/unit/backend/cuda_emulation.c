/* SPDX-License-Identifier: MIT */
#include "cuda_emulation.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/cuda/device/device.h"

#define BLOCKS_MAX   600U
#define SHARED_MAX   49152U
#define GRID_Y_MAX   65535U
#define NOT_POSSIBLE 1 /* CUDA_ERROR_INVALID_VALUE */
#define NO_MEMORY    2 /* CUDA_ERROR_OUT_OF_MEMORY */
#define INJECTED     719

struct block {
    char *memory;
    size_t bytes;
};

static struct {
    pthread_mutex_t lock;
    int n_devices;
    size_t memory_bytes;
    int capability;
    size_t used_bytes;
    struct block blocks[BLOCKS_MAX];
    size_t n_blocks;
    int n_contexts, n_modules, n_streams, n_events, n_registered;
    unsigned long n_launches;
    int must_skip;
    const char *failing;
    int fail_after;
} gpu = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- kernels ---- */

#define THUNK(name, args)                                                                          \
    static void run_##name(const void *a, struct block_at at)                                      \
    {                                                                                              \
        name(*(const struct args *)a, at);                                                         \
    }
CUDA_KERNELS(THUNK)

struct cuda_function_opaque {
    const char *name;
    void (*run)(const void *args, struct block_at at);
};

#define ENTRY(name, args) {#name, run_##name},
static struct cuda_function_opaque kernels[] = {CUDA_KERNELS(ENTRY)};

/* ---- calls ---- */

/* Whether the call has to fail. */
static int fails(const char *symbol)
{
    pthread_mutex_lock(&gpu.lock);
    const int is_it = gpu.failing && strcmp(gpu.failing, symbol) == 0 && gpu.fail_after-- == 0;
    if (is_it) gpu.failing = NULL;
    pthread_mutex_unlock(&gpu.lock);
    return is_it ? INJECTED : 0;
}

static void count(int *counter, int n)
{
    pthread_mutex_lock(&gpu.lock);
    *counter += n;
    pthread_mutex_unlock(&gpu.lock);
}

/* Whether the bytes lie in one block. */
static int is_ours(cuda_address at, size_t bytes)
{
    int is = 0;
    pthread_mutex_lock(&gpu.lock);
    for (size_t i = 0; i < gpu.n_blocks; i++) {
        const uintptr_t from = (uintptr_t)gpu.blocks[i].memory;
        is |= at >= from && at + bytes <= from + gpu.blocks[i].bytes;
    }
    pthread_mutex_unlock(&gpu.lock);
    return is;
}

static int emu_init(unsigned flags)
{
    (void)flags;
    return fails("cuInit");
}

static int emu_driver_version(int *version)
{
    *version = 12040;
    return fails("cuDriverGetVersion");
}

static int emu_device_count(int *n)
{
    *n = gpu.n_devices;
    return fails("cuDeviceGetCount");
}

static int emu_device_get(int *device, int ordinal)
{
    *device = 7 + ordinal;
    return ordinal < gpu.n_devices ? fails("cuDeviceGet") : NOT_POSSIBLE;
}

static int emu_device_name(char *name, int n, int device)
{
    (void)device;
    strncpy(name, "Emulated GPU", (size_t)n);
    return fails("cuDeviceGetName");
}

static int emu_device_memory(size_t *bytes, int device)
{
    (void)device;
    *bytes = gpu.memory_bytes;
    return fails("cuDeviceTotalMem_v2");
}

static int emu_device_attribute(int *value, int attribute, int device)
{
    (void)device;
    *value =
        attribute == CUDA_ATTRIBUTE_CAPABILITY_MAJOR ? gpu.capability / 10 : gpu.capability % 10;
    return fails("cuDeviceGetAttribute");
}

static int emu_context_retain(cuda_context *context, int device)
{
    (void)device;
    if (fails("cuDevicePrimaryCtxRetain")) return INJECTED;
    *context = (cuda_context)(void *)&gpu;
    count(&gpu.n_contexts, 1);
    return 0;
}

static int emu_context_release(int device)
{
    (void)device;
    count(&gpu.n_contexts, -1);
    return 0;
}

static int emu_context_enter(cuda_context context)
{
    assert_ptr_equal(context, &gpu);
    return fails("cuCtxSetCurrent");
}

static int emu_memory_info(size_t *free_bytes, size_t *total)
{
    *free_bytes = gpu.memory_bytes - gpu.used_bytes;
    *total = gpu.memory_bytes;
    return fails("cuMemGetInfo_v2");
}

static int emu_module_load(cuda_module *module, const void *image)
{
    if (fails("cuModuleLoadData")) return INJECTED;
    assert_non_null(strstr(image, ".visible .entry"));
    *module = (cuda_module)(void *)(uintptr_t)image;
    count(&gpu.n_modules, 1);
    return 0;
}

static int emu_module_unload(cuda_module module)
{
    (void)module;
    count(&gpu.n_modules, -1);
    return 0;
}

static int emu_module_function(cuda_function *function, cuda_module module, const char *name)
{
    char entry[80];
    snprintf(entry, sizeof(entry), ".visible .entry %s(", name);
    if (!strstr((const char *)(void *)module, entry)) return NOT_POSSIBLE;
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        if (strcmp(kernels[i].name, name) == 0) *function = &kernels[i];
    }
    return fails("cuModuleGetFunction");
}

static int emu_memory_alloc(cuda_address *address, size_t bytes)
{
    void *memory = NULL;
    if (fails("cuMemAlloc_v2")) return NO_MEMORY;
    if (bytes == 0 || bytes > gpu.memory_bytes - gpu.used_bytes || gpu.n_blocks == BLOCKS_MAX) {
        return NO_MEMORY;
    }
    if (posix_memalign(&memory, 256, bytes) != 0) return NO_MEMORY;
    memset(memory, 0xa5, bytes);
    pthread_mutex_lock(&gpu.lock);
    gpu.blocks[gpu.n_blocks++] = (struct block){memory, bytes};
    gpu.used_bytes += bytes;
    pthread_mutex_unlock(&gpu.lock);
    *address = (uintptr_t)memory;
    return 0;
}

static int emu_memory_free(cuda_address address)
{
    size_t i = 0;
    pthread_mutex_lock(&gpu.lock);
    while (i < gpu.n_blocks && (uintptr_t)gpu.blocks[i].memory != address) i++;
    const int is_known = i < gpu.n_blocks;
    if (is_known) {
        free(gpu.blocks[i].memory);
        gpu.used_bytes -= gpu.blocks[i].bytes;
        gpu.blocks[i] = gpu.blocks[--gpu.n_blocks];
    }
    pthread_mutex_unlock(&gpu.lock);
    return is_known ? 0 : NOT_POSSIBLE;
}

static int emu_host_register(void *at, size_t bytes, unsigned flags)
{
    (void)flags;
    if (fails("cuMemHostRegister_v2")) return INJECTED;
    if ((uintptr_t)at % 4096 != 0 || bytes % 4096 != 0) return NOT_POSSIBLE;
    count(&gpu.n_registered, 1);
    return 0;
}

static int emu_host_unregister(void *at)
{
    (void)at;
    count(&gpu.n_registered, -1);
    return 0;
}

static int emu_copy_up(cuda_address to, const void *from, size_t bytes, cuda_stream stream)
{
    (void)stream;
    if (fails("cuMemcpyHtoDAsync_v2")) return INJECTED;
    if (!is_ours(to, bytes)) return NOT_POSSIBLE;
    memcpy((void *)(uintptr_t)to, from, bytes);
    return 0;
}

static int emu_copy_down(void *to, cuda_address from, size_t bytes, cuda_stream stream)
{
    (void)stream;
    if (fails("cuMemcpyDtoHAsync_v2")) return INJECTED;
    if (!is_ours(from, bytes)) return NOT_POSSIBLE;
    memcpy(to, (const void *)(uintptr_t)from, bytes);
    return 0;
}

static int emu_copy_there(cuda_address to, cuda_address from, size_t bytes, cuda_stream stream)
{
    (void)stream;
    if (fails("cuMemcpyDtoDAsync_v2")) return INJECTED;
    if (!is_ours(to, bytes) || !is_ours(from, bytes)) return NOT_POSSIBLE;
    memmove((void *)(uintptr_t)to, (const void *)(uintptr_t)from, bytes);
    return 0;
}

static int emu_fill(cuda_address at, unsigned char byte, size_t bytes, cuda_stream stream)
{
    (void)stream;
    if (fails("cuMemsetD8Async")) return INJECTED;
    if (!is_ours(at, bytes)) return NOT_POSSIBLE;
    memset((void *)(uintptr_t)at, byte, bytes);
    return 0;
}

static int emu_stream_create(cuda_stream *stream, unsigned flags)
{
    (void)flags;
    if (fails("cuStreamCreate")) return INJECTED;
    count(&gpu.n_streams, 1);
    *stream = (cuda_stream)(void *)&gpu.n_streams;
    return 0;
}

static int emu_stream_destroy(cuda_stream stream)
{
    (void)stream;
    count(&gpu.n_streams, -1);
    return 0;
}

static int emu_stream_wait(cuda_stream stream)
{
    (void)stream;
    return fails("cuStreamSynchronize");
}

static int emu_stream_wait_event(cuda_stream stream, cuda_event event, unsigned flags)
{
    (void)stream;
    (void)event;
    (void)flags;
    return fails("cuStreamWaitEvent");
}

static int emu_event_create(cuda_event *event, unsigned flags)
{
    (void)flags;
    if (fails("cuEventCreate")) return INJECTED;
    count(&gpu.n_events, 1);
    *event = (cuda_event)(void *)&gpu.n_events;
    return 0;
}

static int emu_event_destroy(cuda_event event)
{
    (void)event;
    count(&gpu.n_events, -1);
    return 0;
}

static int emu_event_record(cuda_event event, cuda_stream stream)
{
    (void)event;
    (void)stream;
    return fails("cuEventRecord");
}

static int emu_event_wait(cuda_event event)
{
    (void)event;
    return fails("cuEventSynchronize");
}

static int emu_launch(cuda_function function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                      unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                      cuda_stream stream, void **args, void **extra)
{
    _Alignas(16) static _Thread_local char shared[SHARED_MAX];
    (void)stream;
    if (fails("cuLaunchKernel")) return INJECTED;
    gpu.n_launches++;
    if (!grid_x || !grid_y || grid_y > GRID_Y_MAX || grid_z != 1 || block_x > CUDA_THREADS ||
        block_y != 1 || block_z != 1 || shared_bytes > SHARED_MAX || extra) {
        return NOT_POSSIBLE;
    }
    for (unsigned y = 0; y < grid_y && !gpu.must_skip; y++) {
        for (unsigned x = 0; x < grid_x; x++) {
            memset(shared, 0xa5, shared_bytes);
            function->run(args[0], (struct block_at){x, y, block_x, shared});
        }
    }
    return 0;
}

static int emu_error_text(int result, const char **text)
{
    *text = result == INJECTED ? "injected failure" : "bad argument";
    return 0;
}

#define MEMBER(member, symbol, args) .member = emu_##member,
static const struct cuda_driver table = {CUDA_CALLS(MEMBER)};

void emulation_start(int n_devices, size_t memory_bytes, int capability)
{
    gpu.n_devices = n_devices;
    gpu.memory_bytes = memory_bytes;
    gpu.capability = capability;
    gpu.failing = NULL;
    gpu.must_skip = 0;
    cuda_driver_replace(&table);
}

void emulation_end(void)
{
    cuda_driver_replace(NULL);
    assert_int_equal(gpu.used_bytes, 0);
    assert_int_equal(gpu.n_contexts, 0);
    assert_int_equal(gpu.n_modules, 0);
    assert_int_equal(gpu.n_streams, 0);
    assert_int_equal(gpu.n_events, 0);
    assert_int_equal(gpu.n_registered, 0);
}

void emulation_fail(const char *symbol, int n)
{
    pthread_mutex_lock(&gpu.lock);
    gpu.failing = symbol;
    gpu.fail_after = n;
    pthread_mutex_unlock(&gpu.lock);
}

void emulation_skip_kernels(int must_skip)
{
    gpu.must_skip = must_skip;
}

size_t emulation_used(void)
{
    return gpu.used_bytes;
}

unsigned long emulation_launches(void)
{
    return gpu.n_launches;
}
