/* SPDX-License-Identifier: MIT */
#include "cli/screen.h"

#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#define ROWS_LEAST  5
#define STATUS_MAX  512
/* Lines wrap, the whole screen scrolls, and the cursor shows. */
#define RESET_TEXT  "\x1b[?2004l\x1b[?7h\x1b[r\x1b[?25h"
#define DIM_REVERSE "\x1b[2m"
#define PLAIN       "\x1b[0m"

static struct {
    int is_capable;
    int rows;
    int columns;
    struct termios saved; /* as the terminal was found */
    char status[STATUS_MAX];
} screen;

static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t resized;
static volatile sig_atomic_t suspended;

static void on_signal(int number)
{
    if (number == SIGINT) interrupted = 1;
    if (number == SIGWINCH) resized = 1;
    if (number == SIGTSTP) suspended = 1;
}

static void on_end(int number)
{
    (void)!write(STDOUT_FILENO, RESET_TEXT, sizeof(RESET_TEXT) - 1);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.saved);
    (void)signal(number, SIG_DFL); // NOLINT(cert-sig30-c,bugprone-signal-handler): POSIX allows it
    (void)raise(number);           // NOLINT(cert-sig30-c,bugprone-signal-handler): as above
}

static void catch_signal(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler}; /* waiting ends: no SA_RESTART */
    (void)sigaction(number, &action, NULL);
}

static int take(volatile sig_atomic_t *flag)
{
    const int was = *flag;
    *flag = 0;
    return was;
}

int screen_was_interrupted(void)
{
    return take(&interrupted);
}

int screen_was_resized(void)
{
    return take(&resized);
}

int screen_was_suspended(void)
{
    return take(&suspended);
}

static void read_size(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) size.ws_row = 0;
    screen.rows = size.ws_row;
    screen.columns = size.ws_col;
}

static int names_a_terminal(const char *term)
{
    static const char *const dumb[] = {"", "dumb", "unknown", "emacs", "cons25"};
    for (size_t i = 0; term && i < sizeof(dumb) / sizeof(dumb[0]); i++) {
        if (strcmp(term, dumb[i]) == 0) return 0;
    }
    return term != NULL;
}

/* The cursor keeps its place, one row higher where it stood in the last one. */
static void set_last_row_apart(void)
{
    printf("\n\x1b[A\x1b"
           "7\x1b[1;%dr\x1b"
           "8",
           screen.rows - 1);
    screen.status[0] = '\0';
    fflush(stdout);
}

void screen_open(void)
{
    catch_signal(SIGINT, on_signal);
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) return;
    if (!names_a_terminal(getenv("TERM")) || tcgetattr(STDIN_FILENO, &screen.saved) != 0) return;
    read_size();
    if (screen.rows < ROWS_LEAST || screen.columns < 20) return;
    screen.is_capable = 1;
    catch_signal(SIGWINCH, on_signal);
    catch_signal(SIGTSTP, on_signal);
    catch_signal(SIGTERM, on_end);
    catch_signal(SIGHUP, on_end);
    set_last_row_apart();
}

/* The last row is emptied, and all rows scroll again; the cursor keeps its place. */
static void give_back(void)
{
    printf("\x1b"
           "7\x1b[r\x1b[%d;1H\x1b[K\x1b"
           "8",
           screen.rows);
    fflush(stdout);
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.saved);
}

void screen_close(void)
{
    if (!screen.is_capable) return;
    give_back();
    screen.is_capable = 0;
}

int screen_is_capable(void)
{
    return screen.is_capable;
}

int screen_rows(void)
{
    return screen.rows - 1;
}

int screen_columns(void)
{
    return screen.columns;
}

void screen_renew(void)
{
    if (!screen.is_capable) return;
    read_size();
    if (screen.rows < 2) screen.rows = 2;
    set_last_row_apart();
}

void screen_suspend(void)
{
    if (!screen.is_capable) return;
    struct termios now;
    const int is_known = tcgetattr(STDIN_FILENO, &now) == 0;
    give_back();
    (void)raise(SIGSTOP);
    if (is_known) (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
    screen_renew();
}

void screen_echo(int is_on)
{
    struct termios now;
    if (!screen.is_capable || tcgetattr(STDIN_FILENO, &now) != 0) return;
    const tcflag_t flags = ECHO | ICANON;
    now.c_lflag = is_on ? now.c_lflag | flags : now.c_lflag & ~flags;
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
}

/* Bytes of @p text that fit in @p columns. */
static size_t fitting(const char *text, int columns)
{
    mbstate_t state = {0};
    size_t n = 0;
    while (text[n]) {
        wchar_t c;
        const size_t len = mbrtowc(&c, text + n, strlen(text + n), &state);
        if (len == 0 || len > MB_LEN_MAX) break;
        const int width = wcwidth(c);
        if (width < 0 || width > columns) break;
        columns -= width;
        n += len;
    }
    return n;
}

void screen_status(const char *text)
{
    if (!screen.is_capable || strncmp(text, screen.status, STATUS_MAX - 1) == 0) return;
    snprintf(screen.status, STATUS_MAX, "%s", text);
    /* Its last column stays free: writing there may scroll. Nothing wraps, as the terminal may be
     * narrower by now than it was known to be. */
    printf("\x1b"
           "7\x1b[?7l\x1b[%d;1H" DIM_REVERSE "%.*s" PLAIN "\x1b[K\x1b[?7h\x1b"
           "8",
           screen.rows, (int)fitting(screen.status, screen.columns - 1), screen.status);
    fflush(stdout);
}
