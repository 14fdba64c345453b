/* SPDX-License-Identifier: MIT */
#include "backend/cuda/cuda_backend.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend/cuda/cuda_internal.h"
#include "quant/iq_grids.h"

/* Made by tools/embed.py of ptx/: text with a zero byte behind it. */
extern const uint32_t cuda_rows_words[];
extern const uint32_t cuda_linear_words[];
extern const uint32_t cuda_attention_words[];

/* Of the card's memory, for what the driver takes when kernels are first started, and for a
 * measurement. */
#define CUDA_RESERVE ((uint64_t)128 << 20)

#define CUDA_NAME(name, args) #name,
static const char *const kernel_names[CUDA_KERNEL_COUNT] = {CUDA_KERNELS(CUDA_NAME)};
#undef CUDA_NAME

void cuda_note(struct cuda_backend *cuda, int rc)
{
    if (rc >= 0 || cuda->failed) return;
    cuda->failed = rc;
    snprintf(cuda->failure, sizeof(cuda->failure), "%s", error_message());
}

static void note_result(struct cuda_backend *cuda, cuda_result result, const char *what)
{
    if (result != 0) cuda_note(cuda, cuda_fail(cuda->driver, result, what));
}

/* Tells a failure once. */
static int tell(struct cuda_backend *cuda)
{
    const int rc = cuda->failed;
    cuda->failed = 0;
    return rc < 0 ? FAIL(rc, "%s", cuda->failure) : 0;
}

/* The current context is a thread's, and a program that calls us may have made another its own
 * since the last verb. */
static const struct cuda_driver *enter(struct cuda_backend *cuda)
{
    note_result(cuda, cuda->driver->context_enter(cuda->context), "enter its context");
    return cuda->driver;
}

void cuda_launch(struct cuda_backend *cuda, enum cuda_kernel kernel, uint32_t grid_x,
                 uint32_t grid_y, uint32_t n_threads, size_t shared_bytes, const void *args)
{
    char what[64];
    void *list[] = {(void *)(uintptr_t)args};
    if (grid_x == 0 || grid_y == 0) return;
    const cuda_result result =
        enter(cuda)->launch(cuda->functions[kernel], grid_x, grid_y, 1, n_threads, 1, 1,
                            (unsigned)shared_bytes, cuda->stream, list, NULL);
    if (result == 0) return;
    snprintf(what, sizeof(what), "start the kernel %s", kernel_names[kernel]);
    note_result(cuda, result, what);
}

/* ---- memory ---- */

/* Adds to the message what the card has and what it may give. */
static void explain_shortage(const struct cuda_backend *cuda)
{
    char why[ERROR_MESSAGE_MAX / 2];
    size_t free_bytes = 0;
    size_t all_bytes = 0;
    snprintf(why, sizeof(why), "%s", error_message());
    if (cuda->driver->memory_info(&free_bytes, &all_bytes) != 0) return;
    (void)FAIL(NMOS_E_NOMEM,
               "%s; %" PRIu64 " of the %" PRIu64
               " bytes of --vram are in use and the card has %zu free: name less, or end what "
               "else uses it",
               why, cuda->used_bytes, cuda->limit_bytes, free_bytes);
}

static void *cuda_alloc(struct backend *b, enum mem_tag tag, size_t bytes)
{
    struct cuda_backend *cuda = cuda_of(b);
    const uint64_t counted = size_round_up(bytes ? bytes : 1, MEM_ALIGN_VECTOR);
    const uint64_t left = cuda->limit_bytes - cuda->used_bytes;
    cuda_address address = 0;
    (void)tag;
    if (counted > left || cuda->n_blocks == CUDA_BLOCKS_MAX) {
        (void)FAIL(NMOS_E_NOMEM,
                   "the device's memory is full: %" PRIu64 " bytes are wanted, %" PRIu64
                   " of %" PRIu64 " are free; %u of %u blocks are in use",
                   counted, left, cuda->limit_bytes, cuda->n_blocks, CUDA_BLOCKS_MAX);
        return NULL;
    }
    const struct cuda_driver *cu = enter(cuda);
    cuda_result result = cu->memory_alloc(&address, counted);
    if (result != 0) {
        char what[64];
        snprintf(what, sizeof(what), "give %" PRIu64 " bytes of the card's memory", counted);
        (void)cuda_fail(cu, result, what);
        explain_shortage(cuda);
        return NULL;
    }
    result = cu->fill(address, 0, counted, cuda->stream);
    if (result == 0) result = cu->stream_wait(cuda->stream);
    if (result != 0) {
        (void)cuda_fail(cu, result, "clear memory");
        (void)cu->memory_free(address);
        return NULL;
    }
    cuda->blocks[cuda->n_blocks++] = (struct cuda_block){address, counted};
    cuda->used_bytes += counted;
    if (cuda->used_bytes > cuda->peak_bytes) cuda->peak_bytes = cuda->used_bytes;
    return (void *)(uintptr_t)address;
}

static void cuda_free(struct backend *b, void *mem)
{
    struct cuda_backend *cuda = cuda_of(b);
    uint32_t i = 0;
    if (!mem) return;
    while (i < cuda->n_blocks && cuda->blocks[i].address != (uintptr_t)mem) i++;
    assert(i < cuda->n_blocks);
    cuda->used_bytes -= cuda->blocks[i].bytes;
    cuda->blocks[i] = cuda->blocks[--cuda->n_blocks];
    (void)enter(cuda)->memory_free((uintptr_t)mem); /* waits for what is queued */
}

static void cuda_usage(struct backend *b, struct backend_usage *ret_usage)
{
    const struct cuda_backend *cuda = cuda_of(b);
    *ret_usage =
        (struct backend_usage){.limit_bytes = cuda->limit_bytes,
                               .used_bytes = cuda->used_bytes,
                               .peak_bytes = cuda->peak_bytes,
                               .up_bytes = cuda_link_up_bytes(cuda->link) + cuda->up_bytes,
                               .down_bytes = cuda->down_bytes,
                               .up_busy_ns = transfer_queue_busy_ns(cuda_link_queue(cuda->link))};
}

/* ---- transfers ---- */

static int cuda_upload(struct backend *b, void *to, const void *host, size_t bytes)
{
    struct cuda_backend *cuda = cuda_of(b);
    const struct cuda_driver *cu = enter(cuda);
    cuda_result result = 0;
    transfer_queue_begin(cuda_link_queue(cuda->link));
    for (size_t done = 0; result == 0 && done < bytes; done += CUDA_STAGING) {
        const size_t n = bytes - done < CUDA_STAGING ? bytes - done : CUDA_STAGING;
        memcpy(cuda->staging, (const char *)host + done, n);
        result = cu->copy_up((uintptr_t)to + done, cuda->staging, n, cuda->stream);
        if (result == 0) result = cu->stream_wait(cuda->stream);
    }
    transfer_queue_end(cuda_link_queue(cuda->link));
    if (result != 0) return cuda_fail(cu, result, "take an upload");
    cuda->up_bytes += bytes;
    return 0;
}

static int cuda_download(struct backend *b, void *host, const void *from, size_t bytes)
{
    struct cuda_backend *cuda = cuda_of(b);
    const struct cuda_driver *cu = enter(cuda);
    cuda_result result = 0;
    for (size_t done = 0; result == 0 && done < bytes; done += CUDA_STAGING) {
        const size_t n = bytes - done < CUDA_STAGING ? bytes - done : CUDA_STAGING;
        result = cu->copy_down(cuda->staging, (uintptr_t)from + done, n, cuda->stream);
        if (result == 0) result = cu->stream_wait(cuda->stream);
        if (result == 0) memcpy((char *)host + done, cuda->staging, n);
    }
    note_result(cuda, result, "compute and give the result back");
    cuda->down_bytes += bytes;
    return tell(cuda);
}

static void cuda_copy(struct backend *b, void *to, const void *from, size_t bytes)
{
    struct cuda_backend *cuda = cuda_of(b);
    if (bytes == 0) return;
    note_result(cuda, enter(cuda)->copy_there((uintptr_t)to, (uintptr_t)from, bytes, cuda->stream),
                "copy within its memory");
}

static uint64_t cuda_upload_async(struct backend *b, void *to, const void *host, size_t bytes)
{
    (void)enter(cuda_of(b));
    return transfer_queue_send(cuda_link_queue(cuda_of(b)->link), to, host, bytes);
}

static int cuda_fence_wait(struct backend *b, uint64_t fence, uint32_t timeout_ms)
{
    TRY(transfer_queue_wait(cuda_link_queue(cuda_of(b)->link), fence, timeout_ms));
    return tell(cuda_of(b));
}

static void cuda_abandon(struct backend *b)
{
    transfer_queue_abandon(cuda_link_queue(cuda_of(b)->link));
}

size_t cuda_image_bytes(uint32_t n_rows)
{
    const size_t a_row = sizeof(struct cuda_row) + CUDA_TAILS_A_ROW * sizeof(int32_t);
    return size_round_up(n_rows * a_row + CUDA_PAGES_MAX * sizeof(uint64_t) + MEM_ALIGN_VECTOR,
                         MEM_ALIGN_PAGE);
}

int cuda_image_send(struct cuda_backend *cuda, size_t bytes)
{
    const struct cuda_driver *cu = enter(cuda);
    if (bytes <= cuda->image_used && memcmp(cuda->image_host, cuda->image_next, bytes) == 0) {
        return 0;
    }
    /* What was sent from there last may not have left yet. */
    cuda_result result = cu->stream_wait(cuda->stream);
    cuda->image_used = 0;
    if (result == 0) {
        memcpy(cuda->image_host, cuda->image_next, bytes);
        result = cu->copy_up((uintptr_t)cuda->image, cuda->image_host, bytes, cuda->stream);
    }
    if (result != 0) return cuda_fail(cu, result, "take the places of a batch's keys");
    cuda->image_used = bytes;
    cuda->up_bytes += bytes;
    return 0;
}

/* ---- plan ---- */

static int cuda_weights_prepare(struct backend *b, void *data, enum tensor_type type, uint32_t n_in,
                                uint32_t n_out)
{
    (void)b;
    (void)data;
    (void)type;
    (void)n_in;
    (void)n_out;
    return 0;
}

static size_t act_room(uint32_t n_rows, uint32_t n_in_max)
{
    const size_t a_row = ACT_ROW_DWORDS(size_round_up(n_in_max, ACT_BLOCK)) * sizeof(uint32_t);
    return size_round_up(n_rows * a_row, MEM_ALIGN_VECTOR);
}

static size_t cuda_plan_bytes(struct backend *b, uint32_t n_rows, uint32_t n_in_max,
                              const struct attention_config *attention)
{
    (void)b;
    (void)attention;
    return act_room(n_rows, n_in_max) + cuda_image_bytes(n_rows) +
           size_round_up(sizeof(struct cuda_books), MEM_ALIGN_VECTOR);
}

static int upload_books(struct cuda_backend *cuda)
{
    struct cuda_books *books = mem_calloc(MEM_GENERAL, 1, sizeof(*books));
    if (!books) return NMOS_E_NOMEM;
    memcpy(books->iq1, iq1_grid, sizeof(books->iq1));
    memcpy(books->iq2_xxs, iq2_xxs_grid, sizeof(books->iq2_xxs));
    memcpy(books->iq2_xs, iq2_xs_grid, sizeof(books->iq2_xs));
    memcpy(books->iq2_s, iq2_s_grid, sizeof(books->iq2_s));
    memcpy(books->iq3_xxs, iq3_xxs_grid, sizeof(books->iq3_xxs));
    memcpy(books->iq3_s, iq3_s_grid, sizeof(books->iq3_s));
    memcpy(books->iq4_levels, iq4_levels, sizeof(iq4_levels));
    memcpy(books->mxfp4_levels, mxfp4_levels, sizeof(mxfp4_levels));
    memcpy(books->iq3_xxs_levels, iq3_xxs_levels, sizeof(iq3_xxs_levels));
    memcpy(books->iq3_s_levels, iq3_s_levels, sizeof(iq3_s_levels));
    memcpy(books->iq2_levels, iq2_levels, sizeof(iq2_levels));
    memcpy(books->iq1_levels, iq1_levels, sizeof(iq1_levels));
    const int rc = cuda_upload(&cuda->base, cuda->books, books, sizeof(*books));
    mem_free(books);
    return rc;
}

static int cuda_plan(struct backend *b, uint32_t n_rows, uint32_t n_in_max,
                     const struct attention_config *attention)
{
    struct cuda_backend *cuda = cuda_of(b);
    (void)attention;
    assert(!cuda->image_host);
    cuda->n_rows_max = n_rows;
    cuda->n_in_max = n_in_max;
    cuda->image_bytes = cuda_image_bytes(n_rows);
    cuda->act = cuda_alloc(b, MEM_SCRATCH, act_room(n_rows, n_in_max));
    cuda->books = cuda_alloc(b, MEM_SCRATCH, sizeof(*cuda->books));
    cuda->image = cuda_alloc(b, MEM_SCRATCH, cuda->image_bytes);
    cuda->image_next = mem_alloc(MEM_SCRATCH, cuda->image_bytes, MEM_ALIGN_VECTOR);
    char *image_host = mem_alloc(MEM_SCRATCH, cuda->image_bytes, MEM_ALIGN_PAGE);
    if (!cuda->act || !cuda->books || !cuda->image || !cuda->image_next || !image_host) {
        mem_free(image_host);
        return NMOS_E_NOMEM;
    }
    const cuda_result result = enter(cuda)->host_register(image_host, cuda->image_bytes, 0);
    if (result != 0) {
        mem_free(image_host);
        return cuda_fail(cuda->driver, result, "lock a piece of the host's memory");
    }
    cuda->image_host = image_host;
    return upload_books(cuda);
}

/* ---- life ---- */

static void cuda_destroy(struct backend *b)
{
    struct cuda_backend *cuda = cuda_of(b);
    const struct cuda_driver *cu = cuda->driver;
    if (cuda->context) {
        (void)enter(cuda);
        cuda_link_destroy(&cuda->link);
        cuda_free(b, cuda->act);
        cuda_free(b, cuda->books);
        cuda_free(b, cuda->image);
        if (cuda->image_host) (void)cu->host_unregister(cuda->image_host);
        if (cuda->staging) (void)cu->host_unregister(cuda->staging);
        for (uint32_t i = 0; i < CUDA_MODULES; i++) {
            if (cuda->modules[i]) (void)cu->module_unload(cuda->modules[i]);
        }
        if (cuda->stream) (void)cu->stream_destroy(cuda->stream);
        (void)cu->context_release(cuda->device);
    }
    mem_free(cuda->image_host);
    mem_free(cuda->image_next);
    mem_free(cuda->staging);
    mem_free(cuda);
}

static const struct backend_ops cuda_ops = {.name = "cuda",
                                            .destroy = cuda_destroy,
                                            .alloc = cuda_alloc,
                                            .free = cuda_free,
                                            .usage = cuda_usage,
                                            .upload = cuda_upload,
                                            .download = cuda_download,
                                            .copy = cuda_copy,
                                            .upload_async = cuda_upload_async,
                                            .fence_wait = cuda_fence_wait,
                                            .abandon = cuda_abandon,
                                            .weights_prepare = cuda_weights_prepare,
                                            .plan_bytes = cuda_plan_bytes,
                                            .plan = cuda_plan,
                                            .linear = cuda_linear,
                                            .rms_norm = cuda_rms_norm,
                                            .head_norm = cuda_head_norm,
                                            .rope = cuda_rope,
                                            .attention_check = cuda_attention_check,
                                            .kv_layer_bytes = cuda_kv_layer_bytes,
                                            .kv_store = cuda_kv_store,
                                            .kv_move = cuda_kv_move,
                                            .attention = cuda_attention,
                                            .glu = cuda_glu,
                                            .add = cuda_add,
                                            .scale = cuda_scale,
                                            .softcap = cuda_softcap,
                                            .gather_rows = cuda_gather_rows,
                                            .weighted_rows = cuda_weighted_rows,
                                            .add_gated = cuda_add_gated,
                                            .softmax = cuda_softmax};

static int load_kernels(struct cuda_backend *cuda)
{
    const uint32_t *const images[CUDA_MODULES] = {cuda_rows_words, cuda_linear_words,
                                                  cuda_attention_words};
    const uint32_t ends[CUDA_MODULES] = {CUDA_k_softmax + 1, CUDA_k_linear_float + 1,
                                         CUDA_KERNEL_COUNT};
    const struct cuda_driver *cu = cuda->driver;
    uint32_t kernel = 0;
    for (uint32_t i = 0; i < CUDA_MODULES; i++) {
        cuda_result result = cu->module_load(&cuda->modules[i], images[i]);
        if (result != 0) return cuda_fail(cu, result, "compile the kernels");
        for (; result == 0 && kernel < ends[i]; kernel++) {
            result = cu->module_function(&cuda->functions[kernel], cuda->modules[i],
                                         kernel_names[kernel]);
        }
        if (result != 0) return cuda_fail(cu, result, "find a kernel");
    }
    return 0;
}

static int check_memory(const struct cuda_backend *cuda, int ordinal,
                        const struct cuda_device_info *info)
{
    size_t free_bytes = 0;
    size_t all_bytes = 0;
    const cuda_result result = cuda->driver->memory_info(&free_bytes, &all_bytes);
    if (result != 0) return cuda_fail(cuda->driver, result, "tell its memory");
    if (free_bytes >= CUDA_RESERVE && cuda->limit_bytes <= free_bytes - CUDA_RESERVE) return 0;
    return FAIL(NMOS_E_INVALID,
                "--vram %" PRIu64 ": GPU %d (%s) has %zu bytes free of %" PRIu64
                ", of which %" PRIu64 " are left to its driver; name at most %" PRIu64
                ", or end what uses it",
                cuda->limit_bytes, ordinal, info->name, free_bytes, info->memory_bytes,
                CUDA_RESERVE, free_bytes > CUDA_RESERVE ? free_bytes - CUDA_RESERVE : 0);
}

static int set_up(struct cuda_backend *cuda, const struct cuda_config *config)
{
    struct cuda_device_info info;
    TRY(cuda_device_describe(config->ordinal, &info));
    TRY(cuda_driver_open(&cuda->driver));
    if (info.capability < CUDA_CAPABILITY_MIN) {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "GPU %d (%s) has compute capability %d.%d; %d.%d is the least that works",
                    config->ordinal, info.name, info.capability / 10, info.capability % 10,
                    CUDA_CAPABILITY_MIN / 10, CUDA_CAPABILITY_MIN % 10);
    }
    const struct cuda_driver *cu = cuda->driver;
    cuda_result result = cu->device_get(&cuda->device, config->ordinal);
    if (result == 0) result = cu->context_retain(&cuda->context, cuda->device);
    if (result != 0) return cuda_fail(cu, result, "open the GPU");
    (void)enter(cuda);
    TRY(tell(cuda));
    result = cu->stream_create(&cuda->stream, CUDA_STREAM_NON_BLOCKING);
    if (result != 0) return cuda_fail(cu, result, "make a queue");
    TRY(load_kernels(cuda));
    TRY(check_memory(cuda, config->ordinal, &info));
    char *staging = mem_alloc(MEM_DEVICE, CUDA_STAGING, MEM_ALIGN_PAGE);
    if (!staging) return NMOS_E_NOMEM;
    result = cu->host_register(staging, CUDA_STAGING, 0);
    if (result != 0) {
        mem_free(staging);
        return cuda_fail(cu, result, "lock 1 MiB of the host's memory");
    }
    cuda->staging = staging;
    return cuda_link_create(cu, cuda->context, cuda->stream, &cuda->link);
}

int cuda_backend_create(const struct cuda_config *config, struct backend **ret_backend)
{
    struct cuda_backend *cuda = mem_calloc(MEM_GENERAL, 1, sizeof(*cuda));
    if (!cuda) return NMOS_E_NOMEM;
    cuda->base.ops = &cuda_ops;
    cuda->limit_bytes = config->memory_bytes;
    const int rc = set_up(cuda, config);
    if (rc < 0) {
        cuda_destroy(&cuda->base);
        return rc;
    }
    *ret_backend = &cuda->base;
    return 0;
}
