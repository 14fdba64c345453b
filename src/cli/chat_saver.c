/* SPDX-License-Identifier: MIT */
#include "cli/chat_saver.h"

#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"

struct chat_saver {
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows; a leaf */
    pthread_cond_t wake;
    struct nmos_snapshot *next; /* to be written; NULL: nothing is */
    int is_closing;
    int rc; /* why one could not be written, not told yet; 0: none */
    char message[ERROR_MESSAGE_MAX];
};

static void write_snapshot(struct chat_saver *saver, struct nmos_snapshot *snapshot)
{
    const int rc = nmos_snapshot_save(snapshot, 0);
    nmos_snapshot_destroy(&snapshot);
    if (rc == 0) return;
    pthread_mutex_lock(&saver->lock);
    saver->rc = rc;
    snprintf(saver->message, sizeof(saver->message), "%s", nmos_last_error());
    pthread_mutex_unlock(&saver->lock);
}

static void *run(void *arg)
{
    struct chat_saver *saver = arg;
    pthread_mutex_lock(&saver->lock);
    while (saver->next || !saver->is_closing) {
        struct nmos_snapshot *snapshot = saver->next;
        if (!snapshot) {
            pthread_cond_wait(&saver->wake, &saver->lock);
            continue;
        }
        saver->next = NULL;
        pthread_mutex_unlock(&saver->lock);
        write_snapshot(saver, snapshot);
        pthread_mutex_lock(&saver->lock);
    }
    pthread_mutex_unlock(&saver->lock);
    return NULL;
}

int chat_saver_create(struct chat_saver **ret_saver)
{
    struct chat_saver *saver = mem_calloc(MEM_GENERAL, 1, sizeof(*saver));
    if (!saver) return NMOS_E_NOMEM;
    pthread_mutex_init(&saver->lock, NULL);
    pthread_cond_init(&saver->wake, NULL);
    if (pthread_create(&saver->thread, NULL, run, saver) != 0) {
        pthread_cond_destroy(&saver->wake);
        pthread_mutex_destroy(&saver->lock);
        mem_free(saver);
        return FAIL(NMOS_E_NOMEM, "no thread can be started that keeps the conversation");
    }
    *ret_saver = saver;
    return 0;
}

int chat_saver_give(struct chat_saver *saver, struct nmos_snapshot *snapshot)
{
    pthread_mutex_lock(&saver->lock);
    struct nmos_snapshot *older = saver->next;
    saver->next = snapshot;
    const int rc = saver->rc < 0 ? FAIL(saver->rc, "%s", saver->message) : 0;
    saver->rc = 0;
    pthread_cond_signal(&saver->wake);
    pthread_mutex_unlock(&saver->lock);
    nmos_snapshot_destroy(&older);
    return rc;
}

void chat_saver_destroy(struct chat_saver **saver)
{
    if (!saver || !*saver) return;
    struct chat_saver *s = *saver;
    pthread_mutex_lock(&s->lock);
    s->is_closing = 1;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
    *saver = NULL;
}
