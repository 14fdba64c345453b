/* SPDX-License-Identifier: MIT */
/* nmos verify: reads a whole model file and says whether it is sound. */
#include <inttypes.h>
#include <nmos/nmos.h>

#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/output.h"

static int on_progress(void *arg, uint64_t done_bytes, uint64_t total_bytes)
{
    progress_update(arg, done_bytes, total_bytes);
    return cli_interrupted();
}

static int print_result(const struct cli_options *options, const struct nmos_file_info *info)
{
    if (options->json) {
        return output_json(json_pack("{s:b, s:I, s:I, s:i}", "ok", 1, "tensors",
                                     (json_int_t)info->n_tensors, "tensor_bytes",
                                     (json_int_t)info->tensor_bytes, "files", (int)info->n_parts),
                           1);
    }
    char size[32];
    output_size(info->tensor_bytes, size);
    return output_printf("%s: ok, %" PRIu64 " tensors, %s\n", options->args[0], info->n_tensors,
                         size);
}

int cmd_verify(const struct cli_options *options)
{
    struct nmos_file *file = NULL;
    struct nmos_file_info info;
    struct progress progress;
    TRY(nmos_file_open(options->args[0], &file));
    nmos_file_info(file, &info);
    cli_catch_interrupt();
    progress_begin(&progress, "verifying");
    int rc = nmos_file_verify(file, on_progress, &progress);
    progress_end(&progress);
    if (rc == 0) rc = print_result(options, &info);
    nmos_file_close(&file);
    return rc;
}
