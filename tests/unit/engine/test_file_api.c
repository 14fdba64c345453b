/* SPDX-License-Identifier: MIT */
/* Proves that the public view of a model file tells what the file says, and that verification can
 * be stopped. */
#include <nmos/nmos.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../gguf/gguf_writer.h"

static struct nmos_file *file;

static int open_bytes(struct buf *buf)
{
    char path[] = "file-api-XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0 || write(fd, buf->data, buf->len) != (ssize_t)buf->len) return -1;
    close(fd);
    buf_deinit(buf);
    const int rc = nmos_file_open(path, &file);
    unlink(path);
    return rc;
}

static int set_up(void **state)
{
    (void)state;
    struct buf buf = {0};
    put_header(&buf, 3, 1, 3);
    put_kv_str(&buf, "general.architecture", "llama");
    put_key(&buf, "ints", GGUF_ARRAY);
    put_uint(&buf, GGUF_I8, 4);
    put_uint(&buf, 2, 8);
    put_uint(&buf, 0xff05, 2);
    put_key(&buf, "big", GGUF_U64);
    put_uint(&buf, UINT64_MAX, 8);
    put_tensor(&buf, "w", 32, 3, TENSOR_Q8_0, 0);
    put_padding(&buf, 32);
    put_zeros(&buf, 3 * 34);
    return open_bytes(&buf);
}

static int tear_down(void **state)
{
    (void)state;
    nmos_file_close(&file);
    return file == NULL ? 0 : -1;
}

static void totals_entries_and_tensors_are_told(void **state)
{
    (void)state;
    struct nmos_file_info info;
    struct nmos_metadata entry;
    struct nmos_value value;
    struct nmos_tensor tensor;
    nmos_file_info(file, &info);
    assert_int_equal(info.n_metadata, 3);
    assert_int_equal(info.n_tensors, 1);
    assert_int_equal(info.n_elems, 96);
    assert_int_equal(info.tensor_bytes, 102);
    assert_int_equal(info.file_bytes, info.header_bytes + 102);
    assert_int_equal(nmos_file_metadata(file, 1, &entry), 0);
    assert_true(entry.is_array);
    assert_int_equal(entry.n_elems, 2);
    assert_string_equal(entry.type, "i8");
    assert_int_equal(nmos_file_value(file, 1, 1, &value), 0);
    assert_int_equal(value.kind, NMOS_VALUE_INT);
    assert_int_equal(value.as.i, -1);
    assert_int_equal(nmos_file_value(file, 2, 0, &value), 0);
    assert_int_equal(value.kind, NMOS_VALUE_UINT);
    assert_true(value.as.u == UINT64_MAX);
    assert_int_equal(nmos_file_tensor(file, 0, &tensor), 0);
    assert_string_equal(tensor.type, "Q8_0");
    assert_int_equal(tensor.dims[1], 3);
    assert_int_equal(tensor.offset, info.header_bytes);
}

static void what_is_not_there_is_refused(void **state)
{
    (void)state;
    struct nmos_metadata entry;
    struct nmos_value value;
    struct nmos_tensor tensor;
    assert_int_equal(nmos_file_metadata(file, 3, &entry), NMOS_E_INVALID);
    assert_int_equal(nmos_file_value(file, 1, 2, &value), NMOS_E_INVALID);
    assert_int_equal(nmos_file_value(file, 9, 0, &value), NMOS_E_INVALID);
    assert_int_equal(nmos_file_tensor(file, 1, &tensor), NMOS_E_INVALID);
}

/* A llama of one layer, all F32, width 32, the numbers zero. */
static void put_llama(struct buf *buf)
{
    static const struct {
        const char *name;
        uint64_t n_cols, n_rows; /* n_rows 0: a vector */
    } tensors[] = {{"token_embd.weight", 32, 4},         {"output_norm.weight", 32, 0},
                   {"blk.0.attn_norm.weight", 32, 0},    {"blk.0.attn_q.weight", 32, 32},
                   {"blk.0.attn_k.weight", 32, 32},      {"blk.0.attn_v.weight", 32, 32},
                   {"blk.0.attn_output.weight", 32, 32}, {"blk.0.ffn_norm.weight", 32, 0},
                   {"blk.0.ffn_gate.weight", 32, 32},    {"blk.0.ffn_up.weight", 32, 32},
                   {"blk.0.ffn_down.weight", 32, 32}};
    const size_t n = sizeof(tensors) / sizeof(tensors[0]);
    uint64_t offset = 0;
    put_header(buf, 3, n, 10);
    put_kv_str(buf, "general.architecture", "llama");
    put_kv_u32(buf, "llama.block_count", 1);
    put_kv_u32(buf, "llama.context_length", 64);
    put_kv_u32(buf, "llama.embedding_length", 32);
    put_kv_u32(buf, "llama.feed_forward_length", 32);
    put_kv_u32(buf, "llama.attention.head_count", 1);
    put_kv_u32(buf, "llama.attention.head_count_kv", 1);
    put_kv_u32(buf, "llama.vocab_size", 4);
    put_key(buf, "llama.attention.layer_norm_rms_epsilon", GGUF_F32);
    put_uint(buf, 0x3727c5ac, 4);
    put_key(buf, "tokenizer.ggml.tokens", GGUF_ARRAY);
    put_uint(buf, GGUF_STRING, 4);
    put_uint(buf, 4, 8);
    for (int i = 0; i < 4; i++) put_str(buf, "t");
    for (size_t i = 0; i < n; i++) {
        const uint64_t n_rows = tensors[i].n_rows ? tensors[i].n_rows : 1;
        put_str(buf, tensors[i].name);
        put_uint(buf, tensors[i].n_rows ? 2 : 1, 4);
        put_uint(buf, tensors[i].n_cols, 8);
        if (tensors[i].n_rows) put_uint(buf, n_rows, 8);
        put_uint(buf, TENSOR_F32, 4);
        put_uint(buf, offset, 8);
        offset += tensors[i].n_cols * n_rows * 4;
    }
    put_padding(buf, 32);
    put_zeros(buf, offset);
}

/* Counts calls and stops at the third when asked to. */
struct watch {
    int n_calls;
    int stops;
    uint64_t done_bytes, total_bytes;
};

static int on_progress(void *arg, uint64_t done_bytes, uint64_t total_bytes)
{
    struct watch *watch = arg;
    watch->n_calls++;
    watch->done_bytes = done_bytes;
    watch->total_bytes = total_bytes;
    return watch->stops && watch->n_calls == 3;
}

static void verification_reports_every_byte_and_stops_when_told(void **state)
{
    (void)state;
    struct buf buf = {0};
    struct nmos_file_info info;
    struct watch watch = {0};
    nmos_file_close(&file);
    put_llama(&buf);
    assert_int_equal(open_bytes(&buf), 0);
    nmos_file_info(file, &info);
    assert_int_equal(nmos_file_verify(file, NULL, NULL), NMOS_E_IO); /* the file is gone by now */
    nmos_file_close(&file);
    put_llama(&buf);
    FILE *kept = fopen("file-api.gguf", "wb");
    assert_non_null(kept);
    assert_int_equal(fwrite(buf.data, 1, buf.len, kept), buf.len);
    fclose(kept);
    buf_deinit(&buf);
    assert_int_equal(nmos_file_open("file-api.gguf", &file), 0);
    assert_int_equal(nmos_file_verify(file, on_progress, &watch), 0);
    assert_int_equal(watch.n_calls, 11);
    assert_int_equal(watch.done_bytes, info.tensor_bytes);
    assert_int_equal(watch.total_bytes, info.tensor_bytes);
    watch = (struct watch){.stops = 1};
    assert_int_equal(nmos_file_verify(file, on_progress, &watch), NMOS_E_CANCELLED);
    assert_int_equal(watch.n_calls, 3);
    unlink("file-api.gguf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_entries_and_tensors_are_told),
        cmocka_unit_test(what_is_not_there_is_refused),
        cmocka_unit_test(verification_reports_every_byte_and_stops_when_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
