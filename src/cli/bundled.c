/* SPDX-License-Identifier: MIT */
#include "cli/bundled.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

/* From the folder of the program: installed (bin), and built in the source tree (build/src/cli). */
static const char *const beside[] = {"../share/nmos/models", "../../../models"};

#define PROGRAM_PATH_MAX 4096

/* The folder of the running program into @p path; the length, or 0 when the system does not say. */
static size_t program_folder(char *path, size_t size)
{
    const ssize_t n = readlink("/proc/self/exe", path, size - 1);
    if (n <= 0 || (size_t)n >= size - 1) return 0;
    path[n] = '\0';
    char *const slash = strrchr(path, '/');
    if (!slash) return 0;
    *slash = '\0';
    return (size_t)(slash - path);
}

static int is_there(struct buf *path, const char *folder, const char *below, const char *name)
{
    path->len = 0;
    TRY(buf_printf(path, "%s%s%s/%s", folder, *folder ? "/" : "", below, name));
    return access(path->data, R_OK) == 0;
}

int bundled_find(const char *name, char **ret_path)
{
    char folder[PROGRAM_PATH_MAX];
    struct buf path = {0};
    int found = 0;
    *ret_path = NULL;
    if (program_folder(folder, sizeof(folder))) {
        for (size_t i = 0; found == 0 && i < sizeof(beside) / sizeof(beside[0]); i++) {
            found = is_there(&path, folder, beside[i], name);
        }
    }
    if (found == 0) found = is_there(&path, "", NMOS_MODELS_DIR, name);
    if (found > 0) *ret_path = mem_strndup(MEM_GENERAL, path.data, path.len);
    if (found > 0 && !*ret_path) found = NMOS_E_NOMEM;
    buf_deinit(&path);
    return found < 0 ? found : 0;
}
