/* SPDX-License-Identifier: MIT */
#include "cli/line.h"

#include <errno.h>
#include <histedit.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#include "base/file_replace.h"
#include "base/mem.h"
#include "cli/pastes.h"
#include "cli/screen.h"

#define LINE_BYTES_MAX    ((size_t)64 << 20)
#define HISTORY_MAX       1000
#define HISTORY_CHARS_MAX 4096U /* longer lines are not kept */
#define WAIT_MS           100
#define INPUT_BYTES       4096U
#define PASTE_END         L"\x1b[201~"
#define PASTES_ON         "\x1b[?2004h"
#define PASTES_OFF        "\x1b[?2004l"

struct line {
    EditLine *edit; /* NULL: lines are read as they come */
    HistoryW *history;
    char *history_path;
    struct line_watcher watcher;
    struct pastes pastes;
    struct buf seen;         /* the text that was last told */
    struct buf now;          /* scratch */
    char input[INPUT_BYTES]; /* read, not yet given to libedit */
    size_t n_input;
    size_t input_i;
    mbstate_t decoder;
    int is_interrupted;
    int error;
};

/* ---- What the line says ---- */

/* Appends wide characters as UTF-8, pastes in their places. */
static int append_text(const struct line *line, const wchar_t *text, size_t n, struct buf *ret)
{
    mbstate_t state = {0};
    char bytes[MB_LEN_MAX];
    struct buf plain = {0};
    int rc = buf_reserve(&plain, n + 1);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const size_t len = wcrtomb(bytes, text[i], &state);
        if (len != (size_t)-1) rc = buf_append(&plain, bytes, len);
    }
    if (rc == 0) rc = pastes_expand(&line->pastes, plain.data, plain.len, ret);
    buf_deinit(&plain);
    return rc;
}

static void tell_change(struct line *line)
{
    if (!line->watcher.on_change) return;
    const LineInfoW *info = el_wline(line->edit);
    line->now.len = 0;
    if (append_text(line, info->buffer, (size_t)(info->lastchar - info->buffer), &line->now) < 0) {
        return; /* no memory to prepare an answer with: Enter will tell */
    }
    const struct buf seen = line->seen;
    if (seen.len == line->now.len && (!seen.len || !memcmp(seen.data, line->now.data, seen.len))) {
        return;
    }
    line->seen = line->now;
    line->now = seen;
    line->watcher.on_change(line->watcher.arg, line->seen.data ? line->seen.data : "",
                            line->seen.len);
}

/* ---- Characters for libedit ---- */

/* libedit is to know of the rows that scroll only. */
static void tell_size(struct line *line)
{
    char rows[16];
    snprintf(rows, sizeof(rows), "%d", screen_rows());
    el_resize(line->edit);
    (void)el_set(line->edit, EL_SETTC, "li", rows, NULL);
}

static void show_again(struct line *line)
{
    tell_size(line);
    (void)el_set(line->edit, EL_REFRESH);
}

/* @return 1 when ^C ends the line. */
static int handle_signals(struct line *line)
{
    if (screen_was_suspended()) {
        screen_suspend();
        (void)el_set(line->edit, EL_PREP_TERM, 1);
        printf(PASTES_ON);
        show_again(line);
    }
    if (screen_was_resized()) {
        screen_renew();
        show_again(line);
    }
    if (screen_was_interrupted()) line->is_interrupted = 1;
    return line->is_interrupted;
}

/* Waits until there are bytes to read. @return 1, or 0 when ^C came. */
static int wait_for_input(struct line *line)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    tell_change(line);
    for (;;) {
        if (handle_signals(line)) return 0;
        if (line->watcher.on_wait) line->watcher.on_wait(line->watcher.arg);
        fflush(stdout);
        const int n = poll(&in, 1, WAIT_MS);
        if (n > 0) return 1;
        if (n < 0 && errno != EINTR) return 1; /* reading tells what is wrong */
    }
}

/* The next wide character. @return 1; 0 at the end of input. */
static int next_char(EditLine *edit, wchar_t *ret)
{
    struct line *line = NULL;
    (void)el_get(edit, EL_CLIENTDATA, &line);
    for (;;) {
        if (line->input_i == line->n_input) {
            if (!wait_for_input(line)) {
                *ret = L'\n'; /* ends the line, which then counts as given up */
                return 1;
            }
            const ssize_t n = read(STDIN_FILENO, line->input, INPUT_BYTES);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return 0;
            line->n_input = (size_t)n;
            line->input_i = 0;
        }
        const char byte = line->input[line->input_i++];
        const size_t len = mbrtowc(ret, &byte, 1, &line->decoder);
        if (len <= 1) return 1;
        if (len == (size_t)-2) continue;
        line->decoder = (mbstate_t){0}; /* not UTF-8: leave it out */
    }
}

/* ---- What keys do beside libedit's own ---- */

/* A bracketed paste: all characters up to its end. */
static unsigned char take_paste(EditLine *edit, wint_t key)
{
    (void)key;
    struct line *line = NULL;
    (void)el_get(edit, EL_CLIENTDATA, &line);
    const size_t n_end = wcslen(PASTE_END);
    wchar_t *text = NULL;
    size_t n = 0;
    wchar_t c;
    while (n < LINE_BYTES_MAX / sizeof(c) && !line->is_interrupted && next_char(edit, &c) == 1) {
        if ((n & (n + 1)) == 0) { /* a full power of two less one */
            wchar_t *grown = mem_grow(MEM_GENERAL, text, (2 * n + 2) * sizeof(*text));
            if (!grown) break;
            text = grown;
        }
        text[n++] = c == L'\r' ? L'\n' : c;
        if (n >= n_end && wmemcmp(text + n - n_end, PASTE_END, n_end) == 0) break;
    }
    n = n >= n_end ? n - n_end : 0;
    if (text) text[n] = L'\0';
    const wchar_t *shown = text && n ? pastes_take(&line->pastes, text, n) : NULL;
    const int is_there = shown && el_winsertstr(edit, shown) == 0;
    mem_free(text);
    return is_there ? CC_REFRESH : CC_NORM;
}

static unsigned char break_line(EditLine *edit, wint_t key)
{
    (void)key;
    return el_winsertstr(edit, L"\n") == 0 ? CC_REFRESH : CC_ERROR;
}

static wchar_t *prompt(EditLine *edit)
{
    static wchar_t text[] = L"> ";
    (void)edit;
    return text;
}

/* ---- Opening and closing ---- */

static int open_history(struct line *line)
{
    HistEventW event;
    line->history = history_winit();
    if (!line->history) return NMOS_E_NOMEM;
    (void)history_w(line->history, &event, H_SETSIZE, HISTORY_MAX);
    (void)history_w(line->history, &event, H_SETUNIQUE, 1);
    if (line->history_path) (void)history_w(line->history, &event, H_LOAD, line->history_path);
    return 0;
}

static int open_edit(struct line *line)
{
    TRY(open_history(line));
    EditLine *edit = el_init("nmos", stdin, stdout, stderr);
    if (!edit) return FAIL(NMOS_E_UNSUPPORTED, "the line editor does not work on this terminal");
    line->edit = edit;
    (void)el_set(edit, EL_CLIENTDATA, line);
    (void)el_wset(edit, EL_PROMPT, prompt);
    (void)el_wset(edit, EL_EDITOR, L"emacs");
    (void)el_wset(edit, EL_HIST, history_w, line->history);
    (void)el_wset(edit, EL_GETCFN, next_char);
    (void)el_wset(edit, EL_ADDFN, L"nmos-paste", L"take a paste", take_paste);
    (void)el_wset(edit, EL_ADDFN, L"nmos-break", L"begin a new row", break_line);
    (void)el_source(edit, NULL);
    (void)el_wset(edit, EL_BIND, L"\\e[200~", L"nmos-paste", NULL);
    (void)el_wset(edit, EL_BIND, L"\\e^M", L"nmos-break", NULL);
    (void)el_wset(edit, EL_BIND, L"\\e^J", L"nmos-break", NULL);
    (void)el_wset(edit, EL_BIND, L"^R", L"em-inc-search-prev", NULL);
    return 0;
}

int line_open(const char *history_path, const struct line_watcher *watcher, struct line **ret_line)
{
    struct line *line = mem_calloc(MEM_GENERAL, 1, sizeof(*line));
    if (!line) return NMOS_E_NOMEM;
    if (watcher) line->watcher = *watcher;
    int rc = 0;
    if (history_path) {
        line->history_path = mem_strndup(MEM_GENERAL, history_path, strlen(history_path));
        if (!line->history_path) rc = NMOS_E_NOMEM;
    }
    if (rc == 0 && screen_is_capable()) rc = open_edit(line);
    if (rc < 0) {
        line_close(&line);
        return rc;
    }
    *ret_line = line;
    return 0;
}

void line_close(struct line **line)
{
    if (!line || !*line) return;
    if ((*line)->edit) el_end((*line)->edit);
    if ((*line)->history) history_wend((*line)->history);
    pastes_deinit(&(*line)->pastes);
    buf_deinit(&(*line)->seen);
    buf_deinit(&(*line)->now);
    mem_free((*line)->history_path);
    mem_free(*line);
    *line = NULL;
}

/* ---- Reading ---- */

/* Keeps a line for later; a history that cannot be written is no reason to stop. */
static void remember(struct line *line, const wchar_t *text, size_t n)
{
    HistEventW event;
    if (wcsstr(text, L"[paste ")) return; /* its text is gone when the program ends */
    wchar_t *own =
        n && n <= HISTORY_CHARS_MAX ? mem_calloc(MEM_GENERAL, n + 1, sizeof(*own)) : NULL;
    if (!own) return;
    wmemcpy(own, text, n);
    (void)history_w(line->history, &event, H_ENTER, own);
    mem_free(own);
    if (!line->history_path) return;
    struct buf draft = {0};
    file_make_folders(line->history_path);
    if (buf_printf(&draft, "%s.%d.tmp", line->history_path, (int)getpid()) == 0 &&
        history_w(line->history, &event, H_SAVE, draft.data) >= 0) {
        (void)rename(draft.data, line->history_path);
    }
    buf_deinit(&draft);
}

static int read_edited(struct line *line, struct buf *text)
{
    int n = 0;
    line->is_interrupted = 0;
    line->seen.len = 0;
    printf(PASTES_ON);
    tell_size(line);
    const wchar_t *got = el_wgets(line->edit, &n);
    printf(PASTES_OFF);
    fflush(stdout);
    if (line->is_interrupted) return LINE_INTERRUPTED;
    if (!got || n <= 0) return LINE_END;
    size_t len = (size_t)n;
    if (got[len - 1] == L'\n') len--;
    TRY(append_text(line, got, len, text));
    remember(line, got, len);
    return LINE_READ;
}

/* Waits for input, in steps: ^C that comes right before a wait would not end it. @return whether it
 * was ^C. */
static int is_given_up(void)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    int n = 0;
    while (n == 0 || (n < 0 && errno == EINTR)) {
        if (screen_was_interrupted()) return 1;
        n = poll(&in, 1, WAIT_MS);
    }
    return 0; /* reading tells what there is */
}

/* A line of a pipe, a file or a terminal that cannot move its cursor. */
static int read_plain(struct line *line, struct buf *text)
{
    if (isatty(STDIN_FILENO)) {
        fputs("> ", stdout);
        fflush(stdout);
    }
    for (;;) {
        while (line->input_i < line->n_input) {
            const char *from = line->input + line->input_i;
            const size_t n = line->n_input - line->input_i;
            const char *end = memchr(from, '\n', n);
            const size_t n_now = end ? (size_t)(end - from) : n;
            if (text->len + n_now > LINE_BYTES_MAX) {
                return FAIL(NMOS_E_LIMIT, "a line of more than %zu MiB", LINE_BYTES_MAX >> 20);
            }
            TRY(buf_append(text, from, n_now));
            line->input_i += n_now + (end != NULL);
            if (end) return LINE_READ;
        }
        if (is_given_up()) return LINE_INTERRUPTED;
        const ssize_t n = read(STDIN_FILENO, line->input, INPUT_BYTES);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return FAIL(NMOS_E_IO, "cannot read standard input: %s", strerror(errno));
        if (n == 0) return text->len ? LINE_READ : LINE_END;
        line->n_input = (size_t)n;
        line->input_i = 0;
    }
}

int line_read(struct line *line, struct buf *text)
{
    text->len = 0;
    return line->edit ? read_edited(line, text) : read_plain(line, text);
}
