/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"

#define BAR_COLUMNS     30
#define BAR_DELAY_NS    1000000000U
#define BAR_INTERVAL_NS 100000000U
#define REPLACEMENT     "\xef\xbf\xbd"

/* The first failure has the cause; what is written behind it fails without one. */
static int write_failed(void)
{
    static int first_error;
    if (!first_error) first_error = errno;
    const char *cause = strerror(first_error);
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP))) {
        return FAIL(NMOS_E_CANCELLED, "the reader of standard output has closed it");
    }
    return FAIL(NMOS_E_IO, "cannot write to standard output: %s", cause);
}

int output_write(const void *data, size_t n)
{
    return n == 0 || fwrite(data, 1, n, stdout) == n ? 0 : write_failed();
}

int output_printf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = vprintf(fmt, args);
    va_end(args);
    return n >= 0 ? 0 : write_failed();
}

int output_flush(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : write_failed();
}

static int write_piece(const char *buffer, size_t size, void *data)
{
    (void)data;
    return output_write(buffer, size) < 0 ? -1 : 0;
}

int output_json(json_t *value, int is_line)
{
    if (!value) return FAIL(NMOS_E_NOMEM, "cannot build the JSON result: out of memory");
    const size_t flags = is_line ? JSON_COMPACT : JSON_INDENT(2);
    const int failed = json_dump_callback(value, write_piece, NULL, flags | JSON_REAL_PRECISION(9));
    json_decref(value);
    return failed ? write_failed() : output_write("\n", 1);
}

int output_utf8(struct buf *text, const char *data, size_t len)
{
    for (size_t i = 0; i < len;) {
        const int n = utf8_char_len(data + i, len - i);
        TRY(n > 0 && data[i] ? buf_append(text, data + i, (size_t)n)
                             : buf_append(text, REPLACEMENT, 3));
        i += n > 0 ? (size_t)n : 1;
    }
    return 0;
}

json_t *output_json_string(const char *data, size_t len)
{
    struct buf text = {0};
    int rc = buf_reserve(&text, len);
    for (size_t i = 0; i < len && rc == 0;) {
        const int n = utf8_char_len(data + i, len - i);
        rc = n > 0 ? buf_append(&text, data + i, (size_t)n) : buf_append(&text, REPLACEMENT, 3);
        i += n > 0 ? (size_t)n : 1;
    }
    json_t *string = rc == 0 ? json_stringn(text.data, text.len) : NULL;
    buf_deinit(&text);
    return string;
}

static int is_control(const unsigned char *at, int n)
{
    /* C0 controls and DEL, and the C1 controls U+0080 to U+009F. */
    return at[0] < 0x20 || at[0] == 0x7f || (n == 2 && at[0] == 0xc2 && at[1] < 0xa0);
}

int output_safe_text(const char *data, size_t len)
{
    for (size_t i = 0; i < len;) {
        const unsigned char *at = (const unsigned char *)data + i;
        const int n = utf8_char_len(data + i, len - i);
        TRY(n > 0 && !is_control(at, n) ? output_write(at, (size_t)n) : output_write("?", 1));
        i += n > 0 ? (size_t)n : 1;
    }
    return 0;
}

int output_safe_lines(const char *data, size_t len)
{
    size_t begin = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && data[i] != '\n' && data[i] != '\t') continue;
        TRY(output_safe_text(data + begin, i - begin));
        if (i < len) TRY(output_write(data + i, 1));
        begin = i + 1;
    }
    return 0;
}

void output_size(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    int unit = 0;
    while (value >= 999.95 && unit < 4) {
        value /= 1000;
        unit++;
    }
    snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void progress_begin(struct progress *progress, const char *label)
{
    *progress = (struct progress){
        .label = label, .begin_ns = clock_ns(), .is_terminal = isatty(STDERR_FILENO)};
}

void progress_update(struct progress *progress, uint64_t done, uint64_t total)
{
    if (!progress->is_terminal || total == 0) return;
    const uint64_t now_ns = clock_ns();
    const uint64_t since_ns = progress->shown_ns ? progress->shown_ns + BAR_INTERVAL_NS
                                                 : progress->begin_ns + BAR_DELAY_NS;
    if (now_ns < since_ns) return;
    progress->shown_ns = now_ns;
    const double share = done < total ? (double)done / (double)total : 1;
    char bar[BAR_COLUMNS + 1];
    const int n_full = (int)(share * BAR_COLUMNS);
    for (int i = 0; i < BAR_COLUMNS; i++) bar[i] = i < n_full ? '#' : '.';
    bar[BAR_COLUMNS] = '\0';
    char size[32];
    output_size(total, size);
    const double seconds = (double)(now_ns - progress->begin_ns) * 1e-9;
    fprintf(stderr, "\r%s [%s] %3.0f %% of %s, %.1f GB/s\x1b[K", progress->label, bar, share * 100,
            size, (double)done / seconds * 1e-9);
}

void progress_end(struct progress *progress)
{
    if (progress->shown_ns) fprintf(stderr, "\r\x1b[K");
    progress->shown_ns = 0;
}
