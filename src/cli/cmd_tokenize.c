/* SPDX-License-Identifier: MIT */
/* nmos tokenize: the exact bytes of standard input to token ids, [1,2,3]. */
#include <inttypes.h>
#include <nmos/nmos.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/output.h"

#define TEXT_BYTES_MAX ((size_t)1 << 30)

static int print_ids(const int32_t *ids, size_t n)
{
    TRY(output_write("[", 1));
    for (size_t i = 0; i < n; i++) TRY(output_printf(i ? ",%" PRId32 : "%" PRId32, ids[i]));
    return output_write("]\n", 2);
}

int cmd_tokenize(const struct cli_options *options)
{
    struct nmos_vocab *vocab = NULL;
    struct buf text = {0};
    int32_t *ids = NULL;
    size_t n = 0;
    unsigned flags = options->special ? NMOS_ENCODE_SPECIAL : 0;
    if (options->bos) flags |= NMOS_ENCODE_BOS | NMOS_ENCODE_EOS;
    if (!options->model) {
        return FAIL(NMOS_E_INVALID, "tokenize needs a vocabulary: -m FILE (a GGUF file)");
    }
    int rc = nmos_vocab_open(options->model, &vocab);
    if (rc == 0) rc = buf_read_file(&text, "-", TEXT_BYTES_MAX);
    if (rc == 0) rc = nmos_vocab_encode(vocab, text.data, text.len, flags, &ids, &n);
    if (rc == 0) rc = print_ids(ids, n);
    nmos_free(ids);
    buf_deinit(&text);
    nmos_vocab_close(&vocab);
    return rc;
}
