/* SPDX-License-Identifier: MIT */
/*
 * Verification of a model file: the shapes first, which costs nothing, then every byte of every
 * tensor.
 *
 * Tensors are read in file order through one buffer; the kernel fetches the next piece while one is
 * checked. The first thing that is wrong is named and ends the work.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <nmos/nmos.h>

#include "base/mem.h"
#include "engine/file_view.h"
#include "io/file.h"
#include "model/weights.h"
#include "quant/validate.h"

/* Large enough for any disk to read at full speed, small beside any budget. */
#define PIECE_BYTES ((uint64_t)4 << 20)

struct verifier {
    const struct gguf *gguf;
    struct file **files; /* [n_files] */
    unsigned char *piece;
    uint64_t done_bytes;
    uint64_t total_bytes;
    nmos_progress_fn on_progress;
    void *arg;
};

/* Tensors whose type cannot be computed with have no scales that we know of. */
static int check_piece(const struct verifier *v, const struct gguf_tensor *tensor, uint64_t begin,
                       uint64_t n_bytes)
{
    const struct tensor_format *format = tensor_format_get(tensor->type);
    if (!format->is_weight) return 0;
    const uint64_t n_blocks = n_bytes / format->block_bytes;
    const size_t bad = tensor_blocks_check(tensor->type, v->piece, n_blocks);
    if (bad == n_blocks) return 0;
    const uint64_t block_i = begin / format->block_bytes + bad;
    return FAIL(NMOS_E_CORRUPT,
                "tensor %.*s: %s %" PRIu64 " of %" PRIu64 " (%s, at byte %" PRIu64
                " of %s) holds a number that is not finite: the file is damaged",
                STR_ARG(tensor->name), format->block_elems > 1 ? "block" : "value", block_i,
                tensor->n_bytes / format->block_bytes, format->name,
                tensor->offset + block_i * format->block_bytes, v->gguf->paths[tensor->file_i]);
}

static int report(struct verifier *v, uint64_t n_bytes)
{
    v->done_bytes += n_bytes;
    if (!v->on_progress || v->on_progress(v->arg, v->done_bytes, v->total_bytes) == 0) return 0;
    return FAIL(NMOS_E_CANCELLED, "verification was stopped after %" PRIu64 " of %" PRIu64 " bytes",
                v->done_bytes, v->total_bytes);
}

static int verify_tensor(struct verifier *v, const struct gguf_tensor *tensor)
{
    const struct file *file = v->files[tensor->file_i];
    const uint64_t block_bytes = tensor_format_get(tensor->type)->block_bytes;
    const uint64_t piece_bytes = PIECE_BYTES / block_bytes * block_bytes;
    for (uint64_t begin = 0; begin < tensor->n_bytes; begin += piece_bytes) {
        const uint64_t left = tensor->n_bytes - begin;
        const uint64_t n = left < piece_bytes ? left : piece_bytes;
        const uint64_t next = tensor->offset + begin + n;
        (void)posix_fadvise(file->fd, (off_t)next, (off_t)PIECE_BYTES, POSIX_FADV_WILLNEED);
        if (file_read(file, tensor->offset + begin, n, v->piece) < 0) {
            return FAIL(NMOS_E_IO, "tensor %.*s: %s", STR_ARG(tensor->name), error_message());
        }
        TRY(check_piece(v, tensor, begin, n));
        TRY(report(v, n));
    }
    return 0;
}

static int check_shapes(const struct gguf *gguf)
{
    if (gguf->n_tensors == 0) return 0; /* a vocabulary only */
    struct weight_map *map = NULL;
    TRY(weight_map_create(gguf, &map));
    weight_map_destroy(&map);
    return 0;
}

int nmos_file_verify(const struct nmos_file *file, nmos_progress_fn on_progress, void *arg)
{
    const struct gguf *gguf = nmos_file_gguf(file);
    struct verifier v = {.gguf = gguf, .on_progress = on_progress, .arg = arg};
    TRY(check_shapes(gguf));
    v.files = mem_calloc(MEM_IO, gguf->n_files, sizeof(struct file *));
    v.piece = mem_alloc(MEM_IO, PIECE_BYTES, MEM_ALIGN_PAGE);
    int rc = v.files && v.piece ? 0 : NMOS_E_NOMEM;
    for (uint32_t i = 0; i < gguf->n_files && rc == 0; i++)
        rc = file_open(gguf->paths[i], &v.files[i]);
    for (uint64_t i = 0; i < gguf->n_tensors; i++) v.total_bytes += gguf->tensors[i].n_bytes;
    for (uint64_t i = 0; i < gguf->n_tensors && rc == 0; i++)
        rc = verify_tensor(&v, &gguf->tensors[i]);
    for (uint32_t i = 0; v.files && i < gguf->n_files; i++) file_close(&v.files[i]);
    mem_free(v.files);
    mem_free(v.piece);
    return rc;
}
