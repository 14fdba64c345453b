/* SPDX-License-Identifier: MIT */
/* nmos logits: the raw scores of every position, for comparing engines. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli_model.h"
#include "cli/kv_cap.h"
#include "cli/output.h"

#define TOKENS_MAX (1U << 24)

/* "1,2,3" into an array that the caller frees. */
static int parse_tokens(const char *text, int32_t **ret_tokens, size_t *ret_n)
{
    size_t n = 1;
    for (const char *c = text; *c; c++) n += *c == ',';
    if (n > TOKENS_MAX) return FAIL(NMOS_E_LIMIT, "%zu tokens; %u are possible", n, TOKENS_MAX);
    int32_t *tokens = mem_calloc(MEM_GENERAL, n, sizeof(*tokens));
    if (!tokens) return NMOS_E_NOMEM;
    const char *at = text;
    for (size_t i = 0; i < n; i++) {
        char *end = NULL;
        errno = 0;
        const long id = strtol(at, &end, 10);
        const int is_last = i + 1 == n;
        if (end == at || errno || id < 0 || id > INT32_MAX || *end != (is_last ? '\0' : ',')) {
            mem_free(tokens);
            return FAIL(
                NMOS_E_INVALID,
                "--tokens: entry %zu of \"%.60s\" is not a token id; ids are separated by commas",
                i + 1, text);
        }
        tokens[i] = (int32_t)id;
        at = end + 1;
    }
    *ret_tokens = tokens;
    *ret_n = n;
    return 0;
}

/* The whole request must make sense before the output file is touched. */
static int check_tokens(const struct nmos_model_info *info, const int32_t *tokens, size_t n_tokens)
{
    if (n_tokens > info->ctx) {
        return FAIL(NMOS_E_LIMIT, "%zu tokens do not fit into a context of %u positions (--ctx)",
                    n_tokens, info->ctx);
    }
    for (size_t i = 0; i < n_tokens; i++) {
        if ((uint32_t)tokens[i] < info->n_vocab) continue;
        return FAIL(NMOS_E_INVALID,
                    "--tokens: entry %zu, %d, is outside the vocabulary of %u tokens", i + 1,
                    tokens[i], info->n_vocab);
    }
    return 0;
}

struct logits_file {
    FILE *file;
    const char *path;
    uint32_t n_vocab;
};

static int write_logits(void *arg, size_t row_i, float *logits)
{
    const struct logits_file *out = arg;
    (void)row_i;
    if (fwrite(logits, sizeof(float), out->n_vocab, out->file) != out->n_vocab) {
        return FAIL(NMOS_E_IO, "cannot write %s: %s", out->path, strerror(errno));
    }
    return 0;
}

/* A result must not be written over what it is computed from. */
static int refuse_own_input(const struct cli_options *options)
{
    const char *const inputs[] = {options->model, options->draft};
    struct stat out;
    if (stat(options->output, &out) != 0) return 0;
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        struct stat in;
        if (!inputs[i] || stat(inputs[i], &in) != 0) continue;
        if (in.st_dev != out.st_dev || in.st_ino != out.st_ino) continue;
        return FAIL(NMOS_E_INVALID, "-o %s would overwrite the model %s", options->output,
                    inputs[i]);
    }
    return 0;
}

/* Whether the path names a plain file, or nothing yet: not a device, nor a link such as
 * /dev/stdout. */
static int is_plain_file(const char *path)
{
    struct stat at;
    return lstat(path, &at) == 0 ? S_ISREG(at.st_mode) : errno == ENOENT;
}

/* Opens what is written to: a plain file is written beside its place and renamed when it is whole,
 * so that no other program ever finds a part of it. Devices and links are written through. */
static int open_output(struct logits_file *out, char draft[PATH_MAX])
{
    draft[0] = '\0';
    if (is_plain_file(out->path)) {
        const int len = snprintf(draft, PATH_MAX, "%s.%d.tmp", out->path, (int)getpid());
        if (len < 0 || len >= PATH_MAX) return FAIL(NMOS_E_INVALID, "-o: the path is too long");
    }
    out->file = fopen(draft[0] ? draft : out->path, "wbe");
    return out->file ? 0 : FAIL(NMOS_E_IO, "cannot write %s: %s", out->path, strerror(errno));
}

static int close_output(struct logits_file *out, const char *draft, int rc)
{
    if (fclose(out->file) != 0 && rc == 0) {
        rc = FAIL(NMOS_E_IO, "cannot write %s: %s", out->path, strerror(errno));
    }
    if (!draft[0]) return rc;
    if (rc == 0 && rename(draft, out->path) != 0) {
        rc = FAIL(NMOS_E_IO, "cannot write %s: %s", out->path, strerror(errno));
    }
    if (rc < 0) (void)remove(draft);
    return rc;
}

/* Feeds the tokens to the opened model. */
static int write_all(struct nmos_model *model, const int32_t *tokens, size_t n_tokens,
                     struct logits_file *out)
{
    struct nmos_session *session = NULL;
    char draft[PATH_MAX];
    TRY(nmos_session_create(model, &session));
    int rc = open_output(out, draft);
    if (rc == 0) {
        rc = cli_feed(model, session, tokens, n_tokens, 1, write_logits, out);
        rc = close_output(out, draft, rc);
    }
    nmos_session_destroy(&session);
    return rc;
}

static int run_tokens(const struct cli_options *options, const int32_t *tokens, size_t n_tokens,
                      struct logits_file *out, json_t *fields)
{
    struct nmos_model *model = NULL;
    struct nmos_model_info info;
    const size_t chunk = (size_t)options->chunk < n_tokens ? (size_t)options->chunk : n_tokens;
    TRY(cli_model_open(options, (uint32_t)chunk, (uint32_t)chunk, &model));
    nmos_model_get_info(model, &info);
    out->n_vocab = info.n_vocab;
    int rc = check_tokens(&info, tokens, n_tokens);
    if (rc == 0) rc = write_all(model, tokens, n_tokens, out);
    if (rc == 0) kv_cap_tell(model, options);
    if (rc == 0) kv_cap_add_fields(fields, model, options);
    cli_model_close(&model);
    return rc;
}

int cmd_logits(const struct cli_options *options)
{
    int32_t *tokens = NULL;
    size_t n_tokens = 0;
    if (!options->tokens) return FAIL(NMOS_E_INVALID, "which tokens? Give --tokens 1,2,3");
    if (!options->output) return FAIL(NMOS_E_INVALID, "where to? Give -o FILE");
    TRY(refuse_own_input(options));
    TRY(parse_tokens(options->tokens, &tokens, &n_tokens));
    struct logits_file out = {.path = options->output};
    json_t *fields = json_object();
    const int rc = run_tokens(options, tokens, n_tokens, &out, fields);
    mem_free(tokens);
    if (rc < 0 || !options->json) {
        json_decref(fields);
        return rc;
    }
    json_object_update_new(fields,
                           json_pack("{s:o*, s:I, s:I}", "file",
                                     output_json_string(out.path, strlen(out.path)), "tokens",
                                     (json_int_t)n_tokens, "vocab", (json_int_t)out.n_vocab));
    return output_json(fields, 1);
}
