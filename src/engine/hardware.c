/* SPDX-License-Identifier: MIT */
#include "engine/hardware.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#define HEADROOM_SHARE     16U
#define HEADROOM_BYTES_MIN (64ULL << 20)
#define NO_LIMIT           (1ULL << 60) /* what cgroup v1 says for "none" is above it */

/* A number in a file of its own; `fallback` when there is none ("max", no such file). */
static uint64_t number_in(const char *dir, const char *name, uint64_t fallback)
{
    char path[4400];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *in = fopen(path, "re");
    if (!in) return fallback;
    unsigned long long value = 0;
    const int n = fscanf(in, "%llu", &value);
    fclose(in);
    return n == 1 ? value : fallback;
}

/* What the limits of one cgroup and its parents still allow. */
static uint64_t room_in(char *dir, size_t root_len, const char *limit_name, const char *usage_name)
{
    uint64_t room = NO_LIMIT;
    for (;;) {
        const uint64_t limit = number_in(dir, limit_name, NO_LIMIT);
        const uint64_t usage = number_in(dir, usage_name, 0);
        const uint64_t left = limit > usage ? limit - usage : 0;
        if (limit < NO_LIMIT && left < room) room = left;
        char *slash = strrchr(dir, '/');
        if (!slash || (size_t)(slash - dir) < root_len) break;
        *slash = '\0';
    }
    return room;
}

static uint64_t cgroup_room(void)
{
    static const char v1_root[] = "/sys/fs/cgroup/memory";
    static const char v2_root[] = "/sys/fs/cgroup";
    uint64_t room = NO_LIMIT;
    char line[4200];
    FILE *in = fopen("/proc/self/cgroup", "re");
    while (in && fgets(line, sizeof(line), in)) {
        line[strcspn(line, "\n")] = '\0';
        const char *memory = strstr(line, ":memory:");
        char dir[4300];
        uint64_t left = NO_LIMIT;
        if (memory) {
            snprintf(dir, sizeof(dir), "%s%s", v1_root, memory + strlen(":memory:"));
            left =
                room_in(dir, sizeof(v1_root) - 1, "memory.limit_in_bytes", "memory.usage_in_bytes");
        } else if (strncmp(line, "0::", 3) == 0) {
            snprintf(dir, sizeof(dir), "%s%s", v2_root, line + 3);
            left = room_in(dir, sizeof(v2_root) - 1, "memory.max", "memory.current");
        }
        if (left < room) room = left;
    }
    if (in) fclose(in);
    return room;
}

static uint64_t available_bytes(void)
{
    unsigned long long kib = 0;
    char line[200];
    FILE *in = fopen("/proc/meminfo", "re");
    while (in && fgets(line, sizeof(line), in)) {
        if (sscanf(line, "MemAvailable: %llu", &kib) == 1) break;
    }
    if (in) fclose(in);
    return (uint64_t)kib << 10;
}

uint64_t hardware_resident_bytes(void)
{
    unsigned long long total = 0;
    unsigned long long resident = 0;
    FILE *in = fopen("/proc/self/statm", "re");
    if (in && fscanf(in, "%llu %llu", &total, &resident) != 2) resident = 0;
    if (in) fclose(in);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t hardware_safe_ram(void)
{
    const uint64_t available = available_bytes();
    const uint64_t room = cgroup_room();
    const uint64_t free_bytes = room < available ? room : available;
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
        return FAIL(NMOS_E_INVALID, "%s: \"%s\" must be a number above 0", path, key);
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
    if (!object) return FAIL(NMOS_E_IO, "%s, line %d: %s", path, error.line, error.text);
    int rc = number_of(object, path, "ram_GiB", 1024.0 * 1024 * 1024, &ram);
    if (rc == 0) rc = number_of(object, path, "disk_GBps", 1e9, &hw.disk_bytes_per_s);
    if (rc == 0) rc = number_of(object, path, "memory_GBps", 1e9, &hw.memory_bytes_per_s);
    if (rc == 0) rc = number_of(object, path, "gmacs", 1e9, &hw.macs_per_s);
    json_decref(object);
    if (rc < 0) return rc;
    hw.ram_bytes = (uint64_t)ram;
    hw.pinned_bytes_per_s = hw.memory_bytes_per_s;
    hw.streamed_bytes_per_s = hw.memory_bytes_per_s;
    *ret = hw;
    return 0;
}
