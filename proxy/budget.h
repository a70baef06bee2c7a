/* SPDX-License-Identifier: MIT
 * How much memory one connection may make us hold for it.
 *
 * Bytes of a peer are held in two cases only: kept because they can't be used yet, and stuck because the other side does not take
 * them. Both stop the reading of whatever feeds them when they pass a budget, so a connection never holds more than a budget and
 * one scratch buffer on each side.
 */
#ifndef SLUSE_PROXY_BUDGET_H
#define SLUSE_PROXY_BUDGET_H

/* Commands that a client has sent ahead while one is under way. */
#define BUDGET_KEPT (32u * 1024)
/* Handshakes and COM_CHANGE_USER packets are kept whole; servers take connection attributes of up to 64 KiB. */
#define BUDGET_HANDSHAKE (72u * 1024)

#endif
