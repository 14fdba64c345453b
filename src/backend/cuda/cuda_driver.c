/* SPDX-License-Identifier: MIT */
#include "backend/cuda/cuda_driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libcuda.so.1"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* guarded by lock */
static const struct cuda_driver *replaced;
static struct cuda_driver opened;
static int is_opened;

/* Errors behind which the driver does nothing more for this process. */
static int is_lasting(cuda_result result)
{
    return result == CUDA_ERROR_ILLEGAL_ADDRESS ||
           (result >= CUDA_ERROR_ASSERT && result <= CUDA_ERROR_LAUNCH_FAILED);
}

/* The driver has no compiler, or an old one. */
static int is_no_compiler(cuda_result result)
{
    return result == CUDA_ERROR_NO_BINARY || result == CUDA_ERROR_INVALID_PTX ||
           result == CUDA_ERROR_NO_COMPILER || result == CUDA_ERROR_NEW_PTX;
}

int cuda_fail(const struct cuda_driver *driver, cuda_result result, const char *what)
{
    const char *text = NULL;
    if (driver->error_text(result, &text) != 0 || !text) text = "an error that it does not name";
    if (is_no_compiler(result)) {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "the GPU's driver failed to %s: %s (%d); it needs its library "
                    "libnvidia-ptxjitcompiler.so.1, of a driver for CUDA 11.0 or newer",
                    what, text, result);
    }
    return FAIL(NMOS_E_IO, "the GPU's driver failed to %s: %s (%d)%s", what, text, result,
                is_lasting(result) ? "; this process cannot use the GPU any more, start it anew"
                                   : "");
}

#define CUDA_SYMBOL(member, symbol, args) {#symbol, offsetof(struct cuda_driver, member)},
static const struct {
    const char *name;
    size_t member;
} symbols[] = {CUDA_CALLS(CUDA_SYMBOL)};
#undef CUDA_SYMBOL

/* POSIX has dlsym() give functions as object pointers. */
static int find_all(void *library, struct cuda_driver *driver)
{
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        void *found = dlsym(library, symbols[i].name);
        if (!found) {
            return FAIL(NMOS_E_UNSUPPORTED,
                        "no GPU can be used: its driver is too old, " LIBRARY " has no %s",
                        symbols[i].name);
        }
        memcpy((char *)driver + symbols[i].member, &found, sizeof(found));
    }
    return 0;
}

/* The library stays open until the program ends: its threads may be alive. */
static int open_library(struct cuda_driver *driver)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        return FAIL(NMOS_E_UNSUPPORTED, "no GPU can be used: NVIDIA's driver is not installed (%s)",
                    dlerror());
    }
    return find_all(library, driver);
}

static int init(const struct cuda_driver *driver)
{
    const cuda_result result = driver->init(0);
    const char *text = NULL;
    if (result == 0) return 0;
    if (driver->error_text(result, &text) != 0 || !text) text = "unknown error";
    return FAIL(NMOS_E_UNSUPPORTED, "no GPU can be used: its driver says \"%s\" (%d)", text,
                result);
}

int cuda_driver_open(const struct cuda_driver **ret_driver)
{
    int rc = 0;
    pthread_mutex_lock(&lock);
    const struct cuda_driver *driver = replaced;
    if (!driver) {
        driver = &opened;
        if (!is_opened) rc = open_library(&opened);
        is_opened = rc == 0;
    }
    pthread_mutex_unlock(&lock);
    TRY(rc);
    TRY(init(driver));
    *ret_driver = driver;
    return 0;
}

int cuda_driver_is_there(void)
{
    pthread_mutex_lock(&lock);
    const int is_there = replaced || is_opened;
    pthread_mutex_unlock(&lock);
    return is_there;
}

void cuda_driver_replace(const struct cuda_driver *driver)
{
    pthread_mutex_lock(&lock);
    replaced = driver;
    pthread_mutex_unlock(&lock);
}

int cuda_device_count(void)
{
    const struct cuda_driver *driver = NULL;
    int count = 0;
    if (cuda_driver_open(&driver) < 0) return 0;
    const cuda_result result = driver->device_count(&count);
    if (result != 0) {
        (void)cuda_fail(driver, result, "count its GPUs");
        return 0;
    }
    if (count <= 0) (void)FAIL(NMOS_E_UNSUPPORTED, "no GPU can be used: its driver knows of none");
    return count > 0 ? count : 0;
}

static int describe(const struct cuda_driver *driver, int device, struct cuda_device_info *info)
{
    size_t bytes = 0;
    int major = 0;
    int minor = 0;
    cuda_result result = driver->device_name(info->name, (int)sizeof(info->name), device);
    if (result == 0) result = driver->device_memory(&bytes, device);
    if (result == 0) {
        result = driver->device_attribute(&major, CUDA_ATTRIBUTE_CAPABILITY_MAJOR, device);
    }
    if (result == 0) {
        result = driver->device_attribute(&minor, CUDA_ATTRIBUTE_CAPABILITY_MINOR, device);
    }
    if (result == 0) result = driver->driver_version(&info->driver_version);
    if (result != 0) return cuda_fail(driver, result, "describe a GPU");
    info->name[sizeof(info->name) - 1] = '\0';
    info->memory_bytes = bytes;
    info->capability = 10 * major + minor;
    return 0;
}

int cuda_device_describe(int ordinal, struct cuda_device_info *ret_info)
{
    const struct cuda_driver *driver = NULL;
    struct cuda_device_info info = {{0}, 0, 0, 0};
    int device = 0;
    TRY(cuda_driver_open(&driver));
    const int count = cuda_device_count();
    if (count == 0) return NMOS_E_UNSUPPORTED; /* which has said why */
    if (ordinal < 0 || ordinal >= count) {
        return FAIL(NMOS_E_UNSUPPORTED, "there is no GPU number %d; this machine has %d", ordinal,
                    count);
    }
    const cuda_result result = driver->device_get(&device, ordinal);
    if (result != 0) return cuda_fail(driver, result, "find a GPU");
    TRY(describe(driver, device, &info));
    *ret_info = info;
    return 0;
}
