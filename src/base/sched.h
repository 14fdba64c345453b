/* SPDX-License-Identifier: MIT */
/* What a thread asks of the scheduler. */
#ifndef NMOS_BASE_SCHED_H
#define NMOS_BASE_SCHED_H

/**
 * Asks that the calling thread get a core soon when it wakes, though threads that compute have all
 * of them: its turns become short (0.1 ms), and Linux from 6.12 on lets a thread with shorter turns
 * go before one with longer ones. Its share of the processor and its nice value stay as they are,
 * and no privilege is needed. For threads that sleep nearly always and hand the disk its next
 * reads. Where the kernel does not know of it, or forbids it, nothing happens.
 * @see the file Documentation/scheduler/sched-eevdf.rst of the kernel.
 */
void sched_ask_short_slice(void);

#endif
