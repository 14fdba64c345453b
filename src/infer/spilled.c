/* SPDX-License-Identifier: MIT */
/*
 * Attention to keys and values of which some are on disk.
 *
 * A pass needs, layer by layer and session by session, all pages that a session's rows see, in
 * ascending order. That order is known when the pass begins, so the parts that are on disk are read
 * ahead through a small memory (kv/page_stage.h). In each layer the rows of a session attend to its
 * pages in parts: runs of pages in memory, and runs of parts that have come. Where a run ends
 * depends on the disk's mood; bits do not (kernel/attention.h).
 *
 * batch_seq.pages has two halves here: where each page lies, or NULL when it is on disk, as the
 * engine found it before the pass; and where the part of the layer in hand lies.
 */
#include "infer/spilled.h"

#include <assert.h>

/* Rows [row, end) of one session, and the pages [page, end_page) that they see. */
struct run {
    const struct batch_seq *seq;
    uint32_t row, end;
    uint32_t page, end_page;
};

/* The rows from @p row on that are of one session. Pages behind the end of what the rows see are of
 * no use, and so is what lies before the window. */
static struct run run_from(const struct pass *p, uint32_t row, uint32_t window)
{
    const struct batch *batch = p->batch;
    const struct kv_row *rows = p->f->kv_rows;
    struct run run = {.seq = &batch->seqs[batch->rows[row].seq_i], .row = row, .end = row};
    uint32_t lowest = UINT32_MAX;
    uint32_t seen = 0;
    for (; run.end < batch->n_rows && batch->rows[run.end].seq_i == batch->rows[row].seq_i;
         run.end++) {
        const uint32_t row_seen = (uint32_t)rows[run.end].pos + 1;
        const uint32_t row_lowest = window && row_seen > window ? row_seen - window : 0;
        if (row_seen > seen) seen = row_seen;
        if (row_lowest < lowest) lowest = row_lowest;
    }
    const uint32_t page_tokens = run.seq->table->page_tokens;
    run.page = lowest / page_tokens;
    run.end_page = (seen - 1) / page_tokens + 1;
    return run;
}

static uint32_t window_of(const struct forward *f, uint32_t layer_i)
{
    return hparams_layer_is_windowed(f->hp, layer_i) ? f->hp->window : 0;
}

/* The next part of the walk over layers, runs and pages that is on disk. */
static int next_part(void *arg, uint64_t *ret_offset)
{
    struct pass *p = arg;
    struct spilled_walk *at = &p->walk;
    const struct forward *f = p->f;
    for (; at->layer_i < f->hp->n_layers; at->layer_i++, at->row = 0) {
        while (at->row < p->batch->n_rows) {
            const struct run run = run_from(p, at->row, window_of(f, at->layer_i));
            if (at->page < run.page) at->page = run.page;
            while (at->page < run.end_page && run.seq->pages[at->page]) at->page++;
            if (at->page < run.end_page) {
                *ret_offset =
                    page_spill_offset(f->config.spill, run.seq->table->page_ids[at->page++]) +
                    f->kv_layer_i[at->layer_i] * f->kv_layer_bytes;
                return 1;
            }
            at->row = run.end;
            at->page = 0;
        }
    }
    return 0;
}

void spilled_begin(struct pass *p)
{
    p->walk = (struct spilled_walk){0};
    if (p->f->config.spill) page_stage_begin(p->f->config.stage, next_part, p);
}

void spilled_end(struct pass *p)
{
    if (p->f->config.spill) page_stage_end(p->f->config.stage);
}

/* Finds the parts of the run's pages from @p page on: of all that are in memory, or of those on
 * disk that have come, but at least of one. At most half of the slots are taken, so that the others
 * are filled meanwhile. */
static int find_parts(const struct pass *p, const struct run *run, uint32_t page, size_t offset,
                      uint32_t *ret_end)
{
    const struct forward *f = p->f;
    void **parts = run->seq->pages + run->seq->table->n_pages_max;
    const int is_here = run->seq->pages[page] != NULL;
    uint32_t end = page;
    for (; end < run->end_page && (run->seq->pages[end] != NULL) == is_here; end++) {
        if (is_here) {
            parts[end] = (char *)run->seq->pages[end] + offset;
            continue;
        }
        if (end - page == f->config.stage_parts) break;
        const int rc = page_stage_take(f->config.stage, end == page, &parts[end]);
        if (rc < 0) return rc;
        if (rc == 0) break;
    }
    assert(end > page);
    *ret_end = end;
    return 0;
}

static int attend_run(struct pass *p, const struct run *run, const struct attention_config *config,
                      size_t offset)
{
    struct forward *f = p->f;
    const uint32_t page_tokens = run->seq->table->page_tokens;
    uint32_t end = 0;
    for (uint32_t page = run->page; page < run->end_page; page = end) {
        TRY(find_parts(p, run, page, offset, &end));
        const struct attention_part part = {.first = page * page_tokens,
                                            .end = end * page_tokens,
                                            .is_first = page == run->page,
                                            .is_last = end == run->end_page};
        f->backend->ops->attention(f->backend, config, 0, f->kv_rows + run->row,
                                   run->end - run->row, f->q + (size_t)run->row * f->widths.q,
                                   f->attn_out + (size_t)run->row * f->widths.attn_out, &part);
        if (!run->seq->pages[page]) page_stage_give_back(f->config.stage);
    }
    return 0;
}

/* Where keys and values of the rows go. */
static void find_written(const struct pass *p, size_t offset)
{
    for (uint32_t s = 0; s < p->batch->n_seqs; s++) {
        const struct batch_seq *seq = &p->batch->seqs[s];
        const struct kv_table *table = seq->table;
        for (uint32_t i = table->len / table->page_tokens; i < table->n_pages; i++) {
            seq->pages[table->n_pages_max + i] = (char *)seq->pages[i] + offset;
        }
    }
}

int spilled_attention(struct pass *p, const struct attention_config *config, uint32_t layer_i)
{
    struct forward *f = p->f;
    const size_t offset = f->kv_layer_i[layer_i] * f->kv_layer_bytes;
    const struct backend_ops *ops = f->backend->ops;
    if (!f->config.spill) {
        ops->kv_store(f->backend, config, offset, f->kv_rows, p->n_rows, f->k, f->v);
        ops->attention(f->backend, config, offset, f->kv_rows, p->n_rows, f->q, f->attn_out, NULL);
        return 0;
    }
    find_written(p, offset);
    ops->kv_store(f->backend, config, 0, f->kv_rows, p->n_rows, f->k, f->v);
    for (uint32_t row = 0; row < p->n_rows;) {
        const struct run run = run_from(p, row, config->window);
        TRY(attend_run(p, &run, config, offset));
        row = run.end;
    }
    return 0;
}
