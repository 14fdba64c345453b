/* SPDX-License-Identifier: MIT */
/* nmos detokenize: a JSON array of token ids on standard input to the bytes they stand for. */
#include <inttypes.h>
#include <nmos/nmos.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/output.h"

#define JSON_BYTES_MAX ((size_t)1 << 28)

/* Input that is no list of this vocabulary's ids is a bad file, not a bad option. */
static int read_ids(const json_t *list, int32_t n_vocab, int32_t **ret_ids)
{
    const size_t n = json_array_size(list);
    int32_t *ids = mem_alloc(MEM_GENERAL, n * sizeof(*ids), MEM_ALIGN_VECTOR);
    if (!ids) return NMOS_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        const json_int_t id = json_integer_value(item);
        if (json_is_integer(item) && id >= 0 && id < n_vocab) {
            ids[i] = (int32_t)id;
            continue;
        }
        mem_free(ids);
        if (!json_is_integer(item)) {
            return FAIL(NMOS_E_CORRUPT, "element %zu of the ids is not an integer", i);
        }
        return FAIL(NMOS_E_CORRUPT,
                    "element %zu of the ids is %" JSON_INTEGER_FORMAT
                    "; the vocabulary has the ids 0 to %" PRId32,
                    i, id, n_vocab - 1);
    }
    *ret_ids = ids;
    return 0;
}

static int print_text(const struct nmos_vocab *vocab, const int32_t *ids, size_t n)
{
    char *text = NULL;
    size_t len = 0;
    TRY(nmos_vocab_decode(vocab, ids, n, &text, &len));
    const int rc = output_write(text, len);
    nmos_free(text);
    return rc;
}

int cmd_detokenize(const struct cli_options *options)
{
    struct nmos_vocab *vocab = NULL;
    struct buf input = {0};
    json_t *list = NULL;
    json_error_t why;
    int32_t *ids = NULL;
    if (!options->model) {
        return FAIL(NMOS_E_INVALID, "detokenize needs a vocabulary: -m FILE (a GGUF file)");
    }
    int rc = nmos_vocab_open(options->model, &vocab);
    if (rc == 0) rc = buf_read_file(&input, "-", JSON_BYTES_MAX);
    if (rc < 0) goto out;
    list = json_loadb(input.data, input.len, 0, &why);
    if (!json_is_array(list)) {
        rc = FAIL(NMOS_E_CORRUPT, "standard input is not a JSON array of token ids: %s",
                  list ? "it is something else" : why.text);
        goto out;
    }
    rc = read_ids(list, nmos_vocab_size(vocab), &ids);
    if (rc == 0) rc = print_text(vocab, ids, json_array_size(list));
out:
    mem_free(ids);
    json_decref(list);
    buf_deinit(&input);
    nmos_vocab_close(&vocab);
    return rc;
}
