/* SPDX-License-Identifier: MIT */
#include "engine/hardware.h"

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/mem.h"

#define HEADROOM_SHARE     16U
#define HEADROOM_BYTES_MIN (64ULL << 20)
#define STAT_BYTES         8192 /* no file of the system that is read here is longer */
#define HELD_STEP          ((uint64_t)256 << 10)
#define NO_LIMIT           (1ULL << 60) /* what cgroup v1 says for "none" is above it */

/* A small file of the system, cut at @p size and zero-terminated; "" when there is none. Without
 * stdio, which would allocate. */
static void read_text(const char *dir, const char *name, char *text, size_t size)
{
    char path[PATH_MAX];
    const int n_path = snprintf(path, sizeof(path), "%s/%s", dir, name);
    size_t len = 0;
    const int fd = n_path < PATH_MAX ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    while (fd >= 0 && len + 1 < size) {
        const ssize_t n = read(fd, text + len, size - 1 - len);
        if (n <= 0) break;
        len += (size_t)n;
    }
    if (fd >= 0) (void)close(fd);
    text[len] = '\0';
}

/* The number behind @p key, which begins a line; 0 when there is no such line. */
static uint64_t number_behind(const char *text, const char *key)
{
    const size_t len = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) == 0) return strtoull(line + len, NULL, 10);
    }
    return 0;
}

/* A number in a file of its own; `fallback` when there is none ("max", no such file). */
static uint64_t number_in(const char *dir, const char *name, uint64_t fallback)
{
    char text[64];
    char *end = NULL;
    read_text(dir, name, text, sizeof(text));
    const uint64_t value = strtoull(text, &end, 10);
    return end != text ? value : fallback;
}

/* Files of a memory cgroup. */
struct cgroup_files {
    const char *root;
    const char *limits[2]; /* the second may be NULL */
    const char *usage;
    const char *cache_keys[2]; /* of memory.stat: page cache, which goes when it must */
};

static const struct cgroup_files cgroup_v1 = {"/sys/fs/cgroup/memory",
                                              {"memory.limit_in_bytes", NULL},
                                              "memory.usage_in_bytes",
                                              {"total_inactive_file ", "total_active_file "}};
static const struct cgroup_files cgroup_v2 = {"/sys/fs/cgroup",
                                              {"memory.max", "memory.high"},
                                              "memory.current",
                                              {"inactive_file ", "active_file "}};

/* What the limits of one cgroup and its parents still allow. */
static uint64_t room_in(const struct cgroup_files *files, char *dir)
{
    uint64_t room = NO_LIMIT;
    for (;;) {
        uint64_t limit = NO_LIMIT;
        for (int i = 0; i < 2 && files->limits[i]; i++) {
            const uint64_t value = number_in(dir, files->limits[i], NO_LIMIT);
            if (value < limit) limit = value;
        }
        if (limit < NO_LIMIT) {
            char stat[STAT_BYTES];
            read_text(dir, "memory.stat", stat, sizeof(stat));
            const uint64_t usage = number_in(dir, files->usage, 0);
            const uint64_t cache = number_behind(stat, files->cache_keys[0]) +
                                   number_behind(stat, files->cache_keys[1]);
            const uint64_t held = usage > cache ? usage - cache : 0;
            const uint64_t left = limit > held ? limit - held : 0;
            if (left < room) room = left;
        }
        char *slash = strrchr(dir, '/');
        if (!slash || (size_t)(slash - dir) < strlen(files->root)) break;
        *slash = '\0';
    }
    return room;
}

/* Folders of this process's memory cgroups, version 1 and 2; "" when it is in none. */
static void find_cgroups(char v1_dir[PATH_MAX], char v2_dir[PATH_MAX])
{
    char text[STAT_BYTES];
    v1_dir[0] = '\0';
    v2_dir[0] = '\0';
    read_text("/proc/self", "cgroup", text, sizeof(text));
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        const char *memory = strstr(line, ":memory:");
        if (memory) {
            snprintf(v1_dir, PATH_MAX, "%s%s", cgroup_v1.root, memory + strlen(":memory:"));
        } else if (strncmp(line, "0::", 3) == 0) {
            snprintf(v2_dir, PATH_MAX, "%s%s", cgroup_v2.root, line + 3);
        }
    }
}

static uint64_t available_bytes(void)
{
    char text[STAT_BYTES];
    read_text("/proc", "meminfo", text, sizeof(text));
    return number_behind(text, "MemAvailable:") << 10;
}

uint64_t hardware_free_bytes(void)
{
    char v1_dir[PATH_MAX];
    char v2_dir[PATH_MAX];
    uint64_t room = available_bytes();
    find_cgroups(v1_dir, v2_dir);
    const uint64_t v1_room = v1_dir[0] ? room_in(&cgroup_v1, v1_dir) : NO_LIMIT;
    const uint64_t v2_room = v2_dir[0] ? room_in(&cgroup_v2, v2_dir) : NO_LIMIT;
    if (v1_room < room) room = v1_room;
    return v2_room < room ? v2_room : room;
}

double hardware_memory_stall(void)
{
    char text[256];
    char v1_dir[PATH_MAX];
    char v2_dir[PATH_MAX];
    find_cgroups(v1_dir, v2_dir);
    text[0] = '\0';
    if (v2_dir[0]) read_text(v2_dir, "memory.pressure", text, sizeof(text));
    if (!text[0]) {
        /* Version 1 tells no stall of a group. Where the group is the tighter limit the machine's
         * may be that of others, which run short in groups of their own. */
        if (v1_dir[0] && room_in(&cgroup_v1, v1_dir) < available_bytes()) return 0;
        read_text("/proc/pressure", "memory", text, sizeof(text));
    }
    const char *full = strstr(text, "full avg10=");
    return full ? strtod(full + strlen("full avg10="), NULL) / 100 : 0;
}

uint64_t hardware_resident_bytes(void)
{
    char text[128];
    unsigned long long total = 0;
    unsigned long long resident = 0;
    read_text("/proc/self", "statm", text, sizeof(text));
    if (sscanf(text, "%llu %llu", &total, &resident) != 2) resident = 0;
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Adds the bytes of one loaded file, program or library, that are mapped and never written. */
static int add_mapped(struct dl_phdr_info *info, size_t size, void *arg)
{
    uint64_t *bytes = arg;
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    for (uint32_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_W)) continue;
        const uint64_t first = part->p_vaddr / page;
        const uint64_t end = (part->p_vaddr + part->p_memsz + page - 1) / page;
        *bytes += (end - first) * page;
    }
    (void)size;
    return 0;
}

uint64_t hardware_held_bytes(void)
{
    char text[STAT_BYTES];
    uint64_t bytes = 0;
    (void)dl_iterate_phdr(add_mapped, &bytes);
    /* The other counters of resident memory are off by some dozen pages for each processor. */
    read_text("/proc/self", "smaps_rollup", text, sizeof(text));
    bytes += number_behind(text, "Anonymous:") << 10;
    const uint64_t resident = text[0] ? 0 : hardware_resident_bytes(); /* before Linux 4.14 */
    read_text("/proc/self", "status", text, sizeof(text));
    bytes += number_behind(text, "RssShmem:") << 10; /* a GPU's driver shares memory */
    return size_round_up(bytes > resident ? bytes : resident, HELD_STEP);
}

uint64_t hardware_safe_ram(void)
{
    const uint64_t free_bytes = hardware_free_bytes();
    uint64_t headroom = free_bytes / HEADROOM_SHARE;
    if (headroom < HEADROOM_BYTES_MIN) headroom = HEADROOM_BYTES_MIN;
    const uint64_t more = free_bytes > headroom ? free_bytes - headroom : 0;
    return hardware_resident_bytes() + more;
}

static int number_of(const json_t *object, const char *path, const char *key, double unit,
                     double *ret)
{
    const double value = json_number_value(json_object_get(object, key));
    if (!(value > 0) || value > 1e9) {
        return FAIL(NMOS_E_CORRUPT, "%s: \"%s\" must be a number above 0", path, key);
    }
    *ret = value * unit;
    return 0;
}

int hardware_read(const char *path, struct hardware *ret)
{
    json_error_t error;
    struct hardware hw = {0};
    double ram = 0;
    json_t *object = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!object && error.line < 0) return FAIL(NMOS_E_IO, "%s", error.text); /* it names the path */
    if (!object) return FAIL(NMOS_E_CORRUPT, "%s, line %d: %s", path, error.line, error.text);
    int rc = number_of(object, path, "ram_GiB", 1024.0 * 1024 * 1024, &ram);
    if (rc == 0) rc = number_of(object, path, "disk_GBps", 1e9, &hw.disk_bytes_per_s);
    if (rc == 0) rc = number_of(object, path, "memory_GBps", 1e9, &hw.memory_bytes_per_s);
    if (rc == 0) rc = number_of(object, path, "gmacs", 1e9, &hw.macs_per_s);
    hw.ram_bytes = (uint64_t)ram;
    hw.pinned_bytes_per_s = hw.memory_bytes_per_s;
    hw.streamed_bytes_per_s = hw.memory_bytes_per_s;
    const struct {
        const char *key;
        double unit;
        double *ret;
    } more[] = {{"pinned_GBps", 1e9, &hw.pinned_bytes_per_s},
                {"streamed_GBps", 1e9, &hw.streamed_bytes_per_s},
                {"product_us", 1e-6, &hw.product_s}};
    for (size_t i = 0; rc == 0 && i < sizeof(more) / sizeof(more[0]); i++) {
        if (!json_object_get(object, more[i].key)) continue;
        rc = number_of(object, path, more[i].key, more[i].unit, more[i].ret);
    }
    json_decref(object);
    if (rc < 0) return rc;
    *ret = hw;
    return 0;
}
