/* SPDX-License-Identifier: MIT */
/* nmos_doctor(): looks at what matters to speed and safety on this machine; changes nothing. */
#include <nmos/nmos.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/cuda/cuda_driver.h"
#include "base/cpu.h"
#include "engine/hardware.h"
#include "engine/measure.h"
#include "engine/model.h"
#include "io/ioq.h"

#define MESSAGE_BYTES 600U

struct doctor {
    nmos_finding_fn on_finding;
    void *arg;
};

static void tell(const struct doctor *doctor, const char *subject, const char *text,
                 const char *remedy)
{
    const struct nmos_finding finding = {subject, text, remedy};
    doctor->on_finding(doctor->arg, &finding);
}

static void check_cpu(const struct doctor *doctor)
{
    char text[MESSAGE_BYTES];
    const enum cpu_level level = cpu_level_get();
    snprintf(text, sizeof(text), "%d cores, %s", cpu_physical_cores(), cpu_level_name(level));
    tell(doctor, "cpu", text,
         level == CPU_SCALAR ? "computing is tens of times slower without AVX2; use a processor "
                               "that has it, or a virtual machine that passes it on"
                             : NULL);
}

static void check_memory(const struct doctor *doctor)
{
    char text[MESSAGE_BYTES];
    const uint64_t safe = hardware_safe_ram();
    snprintf(text, sizeof(text), "%.1f GB may be filled safely", (double)safe * 1e-9);
    tell(doctor, "memory", text,
         safe < (1ULL << 30) ? "close other programs or raise the memory limit of this group"
                             : NULL);
}

static void check_queue(const struct doctor *doctor, struct file *file)
{
    struct ioq *ioq = NULL;
    if (ioq_open(IOQ_URING, &file, 1, IOQ_BUFFERED, 1, &ioq) == 0) {
        tell(doctor, "io_uring", "available", NULL);
    } else {
        tell(doctor, "io_uring", nmos_last_error(),
             "reading threads are used instead; they cost a little processor time");
    }
    ioq_close(&ioq);
}

static int check_disk(const struct doctor *doctor, struct file *file)
{
    char text[MESSAGE_BYTES];
    struct hardware hw = {0};
    const struct measure_config config = {.file = file,
                                          .type = TENSOR_Q4_K,
                                          .n_threads = (uint32_t)cpu_physical_cores(),
                                          .cache = MEASURE_UNKEPT};
    TRY(measure_hardware(&config, &hw));
    snprintf(text, sizeof(text), "%.2f GB/s", hw.memory_bytes_per_s * 1e-9);
    tell(doctor, "memory bandwidth", text, NULL);
    snprintf(text, sizeof(text), "%.2f GB/s %s", hw.disk_bytes_per_s * 1e-9,
             file->direct_fd >= 0 ? "by direct reads" : "through the page cache");
    tell(doctor, "disk bandwidth", text,
         file->direct_fd < 0 ? "this file system refuses direct reads; keep models on ext4 or xfs"
         : hw.disk_bytes_per_s < 1e9 ? "a model larger than memory runs at the disk's pace; "
                                       "keep it on an NVMe disk"
                                     : NULL);
    return 0;
}

static void describe_gpu(const struct doctor *doctor, int ordinal)
{
    char text[MESSAGE_BYTES];
    struct cuda_device_info info;
    if (cuda_device_describe(ordinal, &info) < 0) {
        tell(doctor, "gpu", nmos_last_error(), "all is computed on the processor");
        return;
    }
    snprintf(text, sizeof(text),
             "cuda:%d is %s, %.1f GB, compute capability %d.%d, its driver knows CUDA %d.%d",
             ordinal, info.name, (double)info.memory_bytes * 1e-9, info.capability / 10,
             info.capability % 10, info.driver_version / 1000, info.driver_version % 1000 / 10);
    tell(doctor, "gpu", text,
         info.capability < CUDA_CAPABILITY_MIN
             ? "capability 6.1 is the least that works; all is computed on the processor"
             : NULL);
}

/* A card whose kernel module is there without the library is worth a word. */
static void check_gpu(const struct doctor *doctor)
{
    const int n = cuda_device_count();
    for (int i = 0; i < n; i++) describe_gpu(doctor, i);
    if (n > 0) return;
    const int has_module = access("/proc/driver/nvidia/version", F_OK) == 0;
    if (cuda_driver_is_there()) {
        tell(doctor, "gpu", nmos_last_error(),
             "look at nvidia-smi: kernel module and library have to be of one version; until then "
             "all is computed on the processor");
    } else if (has_module) {
        tell(doctor, "gpu", nmos_last_error(),
             "an NVIDIA GPU is there: install its driver's library, libcuda.so.1; until then all "
             "is computed on the processor");
    } else {
        tell(doctor, "gpu", "none was found; all is computed on the processor", NULL);
    }
}

static int check_model(const struct doctor *doctor, const char *path)
{
    struct gguf *gguf = NULL;
    struct weight_map *map = NULL;
    char text[MESSAGE_BYTES];
    int rc = gguf_open(path, &gguf);
    if (rc == 0) rc = weight_map_create(gguf, &map);
    if (rc == 0) {
        const char *slash = strrchr(path, '/');
        snprintf(text, sizeof(text), "%s: %s", slash ? slash + 1 : path, map->hp.arch->name);
        tell(doctor, "model", text, NULL);
    }
    weight_map_destroy(&map);
    gguf_close(&gguf);
    return rc;
}

int nmos_doctor(const char *model_path, nmos_finding_fn on_finding, void *arg)
{
    const struct doctor doctor = {on_finding, arg};
    struct file *file = NULL;
    check_cpu(&doctor);
    check_memory(&doctor);
    check_gpu(&doctor);
    int rc = file_open(model_path ? model_path : "/proc/self/exe", &file);
    if (rc == 0) check_queue(&doctor, file);
    if (rc == 0 && model_path) rc = check_model(&doctor, model_path);
    if (rc == 0) rc = check_disk(&doctor, file);
    file_close(&file);
    return rc;
}
