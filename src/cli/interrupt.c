/* SPDX-License-Identifier: MIT */
#include "cli/interrupt.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define EXIT_INTERRUPTED 130
#define AGAIN_NS         50000000L /* a pass that was just ending may have taken the last one */

static _Atomic int is_caught;
static _Atomic int is_interrupted;

static struct {
    sem_t wake; /* by ^C, or because it is over */
    _Atomic int is_over;
    struct nmos_model *model; /* NULL: none is watched */
    pthread_t thread;
} watch;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    if (!atomic_load(&is_caught) || atomic_exchange(&is_interrupted, 1)) _exit(EXIT_INTERRUPTED);
    const int error = errno;
    (void)sem_post(&watch.wake);
    errno = error;
}

void interrupt_set_up(void)
{
    const struct sigaction action = {.sa_handler = on_interrupt};
    (void)sem_init(&watch.wake, 0, 0);
    (void)sigaction(SIGINT, &action, NULL);
}

void cli_catch_interrupt(void)
{
    atomic_store(&is_caught, 1);
}

void cli_note_interrupt(void)
{
    atomic_store(&is_interrupted, 1);
}

int cli_interrupted(void)
{
    return atomic_load_explicit(&is_interrupted, memory_order_relaxed);
}

/* Each call ends one pass at most, so it is made until the command has ended its work. */
static void *cancel_passes(void *arg)
{
    (void)arg;
    while (!atomic_load(&watch.is_over)) {
        if (!cli_interrupted()) {
            (void)sem_wait(&watch.wake);
            continue;
        }
        const struct timespec pause = {.tv_nsec = AGAIN_NS};
        nmos_model_cancel(watch.model);
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

int interrupt_watch(struct nmos_model *model)
{
    watch.model = model;
    atomic_store(&watch.is_over, 0);
    cli_catch_interrupt();
    if (pthread_create(&watch.thread, NULL, cancel_passes, NULL) == 0) return 0;
    watch.model = NULL;
    return FAIL(NMOS_E_NOMEM, "no thread is left to wait for an interrupt");
}

void interrupt_unwatch(void)
{
    if (!watch.model) return;
    atomic_store(&watch.is_over, 1);
    (void)sem_post(&watch.wake);
    (void)pthread_join(watch.thread, NULL);
    watch.model = NULL;
}
