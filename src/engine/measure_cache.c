/* SPDX-License-Identifier: MIT */
/*
 * The file speeds.json of the cache:
 *
 *   {"boot": "...", "cpu": "...",
 *    "disks": {"MAJOR:MINOR": {"GBps": 2.1}},
 *    "kernels": {"Q4_K avx512 2": {"memory_GBps": .., "pinned_GBps": .., "streamed_GBps": ..,
 *                                  "product_us": .., "gmacs": ..}},
 *    "gpus": {"NAME": {"link_GBps": .., "weights_GBps": .., "gmacs": .., "launches_per_ms": ..}}}
 *
 * Numbers of devices and the speed of a virtual machine hold for one boot at most, so another boot
 * (or a machine that shares the folder) begins a new file.
 */
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <jansson.h>

#include "base/cache_file.h"
#include "base/cpu.h"
#include "engine/measure.h"

#define CACHE_NAME      "speeds.json"
#define CACHE_BYTES_MAX ((size_t)1 << 20)
#define GBPS_MIN        1e-6 /* a figure outside of these was not measured by us */
#define GBPS_MAX        1e5

/* One line of a file of the system, cut at @p size; "" when there is none. */
static void read_line(const char *path, const char *prefix, char *line, size_t size)
{
    FILE *in = fopen(path, "re");
    line[0] = '\0';
    while (in && fgets(line, (int)size, in)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, prefix, strlen(prefix)) == 0) break;
        line[0] = '\0';
    }
    if (in) fclose(in);
}

/* What the figures hold for: this boot of this processor. */
static json_t *identity(void)
{
    char boot[64];
    char cpu[256];
    read_line("/proc/sys/kernel/random/boot_id", "", boot, sizeof(boot));
    read_line("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
    return json_pack("{s:s, s:s}", "boot", boot, "cpu", cpu);
}

static void keys_of(const struct measure_config *config, char disk[64], char kernels[64])
{
    const uint64_t dev = config->file->identity.dev;
    snprintf(disk, 64, "%u:%u", major(dev), minor(dev));
    snprintf(kernels, 64, "%s %s %u", tensor_format_get(config->type)->name,
             cpu_level_name(cpu_level_get()), config->n_threads);
}

/* The file's object, if it is sound and of this boot; else NULL. */
static json_t *load(void)
{
    struct buf text = {0};
    json_t *object = NULL;
    if (cache_file_read(CACHE_NAME, CACHE_BYTES_MAX, &text) == 0) {
        object = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    }
    buf_deinit(&text);
    json_t *mine = identity();
    const char *key = NULL;
    json_t *value = NULL;
    int is_mine = mine && json_is_object(object);
    json_object_foreach(mine, key, value)
    {
        if (is_mine && !json_equal(value, json_object_get(object, key))) is_mine = 0;
    }
    json_decref(mine);
    if (is_mine) return object;
    json_decref(object);
    return NULL;
}

static int number(const json_t *object, const char *key, double unit, double *ret)
{
    const double value = json_number_value(json_object_get(object, key));
    if (!(value >= GBPS_MIN && value <= GBPS_MAX)) return 0;
    *ret = value * unit;
    return 1;
}

unsigned measure_cache_load(const struct measure_config *config, struct hardware *hw)
{
    char disk_key[64];
    char kernels_key[64];
    unsigned found = 0;
    struct hardware read = *hw;
    json_t *object = load();
    keys_of(config, disk_key, kernels_key);
    const json_t *disk = json_object_get(json_object_get(object, "disks"), disk_key);
    const json_t *kernels = json_object_get(json_object_get(object, "kernels"), kernels_key);
    if (number(disk, "GBps", 1e9, &read.disk_bytes_per_s)) {
        found |= MEASURE_DISK;
        hw->disk_bytes_per_s = read.disk_bytes_per_s;
    }
    if (number(kernels, "memory_GBps", 1e9, &read.memory_bytes_per_s) &&
        number(kernels, "pinned_GBps", 1e9, &read.pinned_bytes_per_s) &&
        number(kernels, "streamed_GBps", 1e9, &read.streamed_bytes_per_s) &&
        number(kernels, "product_us", 1e-6, &read.product_s) &&
        number(kernels, "gmacs", 1e9, &read.macs_per_s)) {
        found |= MEASURE_COMPUTE;
        read.disk_bytes_per_s = hw->disk_bytes_per_s;
        *hw = read;
    }
    json_decref(object);
    return found;
}

/* The object under @p key, made when it is missing or no object. Borrowed. */
static json_t *child(json_t *object, const char *key)
{
    json_t *found = json_object_get(object, key);
    if (json_is_object(found)) return found;
    if (json_object_set_new(object, key, json_object()) != 0) return NULL;
    return json_object_get(object, key);
}

/* Writes and releases @p object, unless making it has failed. */
static int write_object(json_t *object, int has_failed)
{
    char *text = has_failed ? NULL : json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (!text) return FAIL(NMOS_E_NOMEM, "no memory for the measured speeds");
    const int rc = cache_file_write(CACHE_NAME, text, strlen(text));
    free(text);
    return rc;
}

int measure_cache_store(const struct measure_config *config, const struct hardware *hw)
{
    char disk_key[64];
    char kernels_key[64];
    keys_of(config, disk_key, kernels_key);
    json_t *object = load();
    if (!object) object = identity();
    json_t *disk = json_pack("{s:f}", "GBps", hw->disk_bytes_per_s * 1e-9);
    json_t *kernels = json_pack(
        "{s:f, s:f, s:f, s:f, s:f}", "memory_GBps", hw->memory_bytes_per_s * 1e-9, "pinned_GBps",
        hw->pinned_bytes_per_s * 1e-9, "streamed_GBps", hw->streamed_bytes_per_s * 1e-9,
        "product_us", hw->product_s * 1e6, "gmacs", hw->macs_per_s * 1e-9);
    int failed = json_object_set_new(child(object, "disks"), disk_key, disk);
    failed |= json_object_set_new(child(object, "kernels"), kernels_key, kernels);
    return write_object(object, failed);
}

int measure_cache_load_gpu(const char *name, struct cuda_rates *rates)
{
    struct cuda_rates read = {0};
    json_t *object = load();
    const json_t *gpu = json_object_get(json_object_get(object, "gpus"), name);
    const int is_found = number(gpu, "link_GBps", 1e9, &read.link_bytes_per_s) &&
                         number(gpu, "weights_GBps", 1e9, &read.weight_bytes_per_s) &&
                         number(gpu, "gmacs", 1e9, &read.macs_per_s) &&
                         number(gpu, "launches_per_ms", 1e3, &read.launches_per_s);
    json_decref(object);
    if (is_found) *rates = read;
    return is_found;
}

int measure_cache_store_gpu(const char *name, const struct cuda_rates *rates)
{
    json_t *object = load();
    if (!object) object = identity();
    json_t *gpu =
        json_pack("{s:f, s:f, s:f, s:f}", "link_GBps", rates->link_bytes_per_s * 1e-9,
                  "weights_GBps", rates->weight_bytes_per_s * 1e-9, "gmacs",
                  rates->macs_per_s * 1e-9, "launches_per_ms", rates->launches_per_s * 1e-3);
    return write_object(object, json_object_set_new(child(object, "gpus"), name, gpu));
}
