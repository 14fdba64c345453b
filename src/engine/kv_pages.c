/* SPDX-License-Identifier: MIT */
#include "engine/kv_pages.h"

#include <limits.h>

#include "base/cache_file.h"
#include "base/file_replace.h"
#include "base/log.h"
#include "engine/model.h"

#define PAGE_IO_DEPTH 8U
#define OLD_PASSES    16U /* a page not used for so long leaves memory to one on disk that is */
#define BROUGHT_MAX   8U  /* pages that one pass brings back for good */

static int write_page(void *arg, uint64_t offset, uint64_t n_bytes, const void *bytes)
{
    return file_write(arg, offset, n_bytes, bytes);
}

static int open_file(struct kv_pages *pages, uint64_t n_bytes)
{
    char folder[PATH_MAX];
    TRY(cache_file_path(".", folder, sizeof(folder)));
    file_make_folders(folder);
    return file_create_unnamed(folder, n_bytes, &pages->file);
}

static int open_queues(struct kv_pages *pages, enum nmos_io io, uint32_t n_slots)
{
    static const enum ioq_kind kinds[] = {
        [NMOS_IO_AUTO] = IOQ_AUTO, [NMOS_IO_URING] = IOQ_URING, [NMOS_IO_THREADS] = IOQ_THREADS};
    struct file *const *files = &pages->file;
    const enum ioq_mode mode = pages->file->direct_fd >= 0 ? IOQ_DIRECT : IOQ_BUFFERED;
    TRY(ioq_open(kinds[io], files, 1, mode, PAGE_IO_DEPTH, &pages->page_ioq));
    TRY(ioq_open(kinds[io], files, 1, mode, n_slots, &pages->stage_ioq));
    LOG_INFO("KV pages go to a file in %s, %s %s", pages->file->path, ioq_name(pages->stage_ioq),
             ioq_mode_name(pages->stage_ioq));
    return 0;
}

int kv_pages_open(struct nmos_model *model, enum nmos_io io)
{
    struct kv_pages *pages = &model->kv_pages;
    const struct kv_plan *plan = &model->kv;
    if (!plan->n_frames) return 0;
    TRY(open_file(pages, plan->disk_bytes));
    TRY(open_queues(pages, io, plan->n_slots));
    const struct page_stage_config stage = {.ioq = pages->stage_ioq,
                                            .n_slots = plan->n_slots,
                                            .part_bytes = (uint32_t)plan->layer_bytes,
                                            .cancel = &model->cancel};
    TRY(page_stage_create(&stage, &pages->stage));
    const struct page_spill_config spill = {.pool = &model->pages,
                                            .n_frames = plan->n_frames,
                                            .page_bytes = plan->page_bytes,
                                            .ioq = pages->page_ioq,
                                            .write = write_page,
                                            .write_arg = pages->file};
    return page_spill_create(&spill, &pages->spill);
}

void kv_pages_close(struct kv_pages *pages)
{
    page_stage_destroy(&pages->stage);
    page_spill_destroy(&pages->spill);
    ioq_close(&pages->stage_ioq);
    ioq_close(&pages->page_ioq);
    file_close(&pages->file);
}

/* Pins page @p i of a session; it will be written to. */
static int hold_to_write(struct page_spill *spill, const struct batch_seq *seq, uint32_t i)
{
    const uint32_t page = seq->table->page_ids[i];
    TRY(page_spill_hold(spill, page, i));
    page_spill_changes(spill, page);
    seq->pages[i] = page_spill_at(spill, page);
    return 0;
}

static int hold_range(struct page_spill *spill, const struct batch_seq *seq, uint32_t first,
                      uint32_t end)
{
    if (!page_spill_has_room(spill, end - first)) {
        return FAIL(NMOS_E_LIMIT,
                    "the rows of a pass are written to %u KV pages; memory has no room for so many "
                    "more of them (--kv-ram)",
                    end - first);
    }
    for (uint32_t i = first; i < end; i++) TRY(hold_to_write(spill, seq, i));
    return 0;
}

static void let_go_all(struct page_spill *spill, const struct batch_seq *seq)
{
    for (uint32_t i = 0; i < seq->table->n_pages; i++) {
        if (!seq->pages[i]) continue;
        page_spill_let_go(spill, seq->table->page_ids[i]);
        seq->pages[i] = NULL;
    }
}

static uint32_t end_page_of(const struct kv_table *table, uint32_t end_slot)
{
    return (end_slot + table->page_tokens - 1) / table->page_tokens;
}

/* Pages that are only read and are here stay; the latest come back for good while there is room. */
static int hold_to_read(struct page_spill *spill, const struct batch_seq *seq, uint32_t *n_brought)
{
    const uint32_t n_full = seq->table->len / seq->table->page_tokens;
    for (uint32_t i = n_full; i-- > 0;) {
        const uint32_t page = seq->table->page_ids[i];
        if (!page_spill_hold_if_there(spill, page, i)) {
            if (*n_brought == BROUGHT_MAX || !page_spill_is_roomy(spill, OLD_PASSES)) continue;
            TRY(page_spill_hold(spill, page, i));
            ++*n_brought;
        }
        seq->pages[i] = page_spill_at(spill, page);
        TRY(page_spill_spare(spill));
    }
    return 0;
}

int kv_pages_enter(struct nmos_model *model, uint32_t n_seqs)
{
    struct page_spill *spill = model->kv_pages.spill;
    uint32_t n_brought = 0;
    if (!spill) return 0;
    page_spill_tick(spill);
    for (uint32_t s = 0; s < n_seqs; s++) {
        const struct batch_seq *seq = &model->seqs[s];
        const uint32_t len = seq->table->len;
        const int rc =
            hold_range(spill, seq, len / seq->table->page_tokens,
                       end_page_of(seq->table, len + model->pass_sessions[s]->n_pending));
        if (rc == NMOS_E_LIMIT && model->n_entered) return NMOS_E_BUSY;
        TRY(rc);
    }
    TRY(page_spill_spare(spill));
    for (uint32_t s = 0; s < n_seqs; s++) TRY(hold_to_read(spill, &model->seqs[s], &n_brought));
    return 0;
}

void kv_pages_leave(struct nmos_model *model, uint32_t n_seqs)
{
    if (!model->kv_pages.spill) return;
    for (uint32_t s = 0; s < n_seqs; s++) let_go_all(model->kv_pages.spill, &model->seqs[s]);
}

void kv_pages_count(const struct kv_pages *pages, struct nmos_stats *stats)
{
    struct page_spill_stats counted;
    if (!pages->spill) return;
    page_spill_stats(pages->spill, &counted);
    page_stage_stats(pages->stage, &stats->kv_read_bytes, &stats->kv_wait_ns);
    stats->kv_read_bytes += counted.bytes_read;
    stats->kv_spilled_bytes = counted.bytes_written;
}

int kv_pages_hold(struct nmos_model *model, uint32_t page, uint32_t index, int will_change)
{
    struct page_spill *spill = model->kv_pages.spill;
    if (!spill) return 0;
    TRY(page_spill_hold(spill, page, index));
    if (will_change) page_spill_changes(spill, page);
    return 0;
}

void kv_pages_unhold(struct nmos_model *model, uint32_t page)
{
    if (model->kv_pages.spill) page_spill_let_go(model->kv_pages.spill, page);
}

int kv_pages_copy_page(struct nmos_model *model, const struct kv_page_copy *copy, uint32_t index)
{
    TRY(kv_pages_hold(model, copy->from, index, 0));
    int rc = kv_pages_hold(model, copy->to, index, 1);
    if (rc == 0) {
        forward_copy_page(model->forward, copy);
        rc = forward_settle(model->forward);
        kv_pages_unhold(model, copy->to);
    }
    kv_pages_unhold(model, copy->from);
    return rc;
}

int kv_pages_copy(struct nmos_model *model, struct kv_table *table, const struct kv_page_copy *copy)
{
    if (!copy->is_needed) return 0;
    const int rc = kv_pages_copy_page(model, copy, table->len / table->page_tokens);
    if (rc < 0) kv_table_undo_copy(table, copy);
    return rc;
}

int kv_pages_hold_slots(struct nmos_session *session, uint32_t first, uint32_t end)
{
    struct page_spill *spill = session->model->kv_pages.spill;
    const struct batch_seq seq = {.table = &session->table, .pages = session->pages};
    if (!spill) return 0;
    return hold_range(spill, &seq, first / session->table.page_tokens,
                      end_page_of(&session->table, end));
}

void kv_pages_let_go(struct nmos_session *session)
{
    const struct batch_seq seq = {.table = &session->table, .pages = session->pages};
    if (session->model->kv_pages.spill) let_go_all(session->model->kv_pages.spill, &seq);
}
