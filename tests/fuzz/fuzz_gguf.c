/* SPDX-License-Identifier: MIT */
/*
 * Any bytes are parsed as a GGUF file: once as a whole file and once as the beginning of a longer
 * one. What is accepted is walked in full, so that every pointer is followed, and must keep the
 * parser's promises.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "gguf/gguf.h"

static volatile uint64_t read_sum; /* keeps the reads */

static void require(int condition)
{
    if (!condition) abort();
}

static uint64_t walk_kv(const struct gguf *gguf, const struct gguf_kv *kv)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < kv->n_elems; i++) {
        if (kv->strings) {
            for (size_t b = 0; b < kv->strings[i].len; b++)
                sum += (unsigned char)kv->strings[i].data[b];
        } else {
            sum += gguf_kv_u64(kv, i) + (gguf_kv_f64(kv, i) > 0);
        }
    }
    char key[256];
    if (kv->key.len >= sizeof(key)) return sum;
    memcpy(key, kv->key.data, kv->key.len);
    key[kv->key.len] = '\0';
    require(gguf_find(gguf, key) == kv);
    uint64_t number = 0;
    float real = 0;
    int flag = 0;
    struct str text = {0};
    sum += gguf_get_u64(gguf, key, 1, &number) == 0;
    sum += gguf_get_f32(gguf, key, 1, &real) == 0;
    sum += gguf_get_bool(gguf, key, 1, &flag) == 0;
    sum += gguf_get_str(gguf, key, text, &text) == 0;
    return sum + number + text.len;
}

static uint64_t walk(const struct gguf *gguf, uint64_t file_bytes)
{
    uint64_t sum = 0;
    require(gguf->n_kvs <= GGUF_KVS_MAX && gguf->n_tensors <= GGUF_TENSORS_MAX);
    for (uint64_t i = 0; i < gguf->n_kvs; i++) sum += walk_kv(gguf, &gguf->kvs[i]);
    for (uint64_t i = 0; i < gguf->n_tensors; i++) {
        const struct gguf_tensor *tensor = &gguf->tensors[i];
        require((tensor->offset - gguf->header_bytes) % gguf->alignment == 0);
        require(tensor->offset >= gguf->header_bytes && tensor->offset <= file_bytes);
        require(tensor->n_bytes > 0 && tensor->n_bytes <= file_bytes - tensor->offset);
        for (size_t b = 0; b < tensor->name.len; b++) sum += (unsigned char)tensor->name.data[b];
    }
    return sum;
}

static void parse(const uint8_t *data, size_t size, uint64_t file_bytes)
{
    struct gguf *gguf = NULL;
    const int rc = gguf_parse(data, size, file_bytes, &gguf);
    require(rc == 0 ? gguf != NULL : gguf == NULL && error_message()[0]);
    require(rc != NMOS_E_TRUNCATED || file_bytes > size);
    if (gguf) read_sum = walk(gguf, file_bytes);
    gguf_close(&gguf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse(data, size, size);
    parse(data, size, size + ((uint64_t)1 << 32));
    return 0;
}
