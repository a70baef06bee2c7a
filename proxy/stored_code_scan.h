/* SPDX-License-Identifier: MIT
 * Reads the text of one view, trigger, routine or default value and tells what it may do to the session that runs it.
 *
 * The text was accepted by the server, so its form is right; what is not understood makes it opaque all the same.
 */
#ifndef SLUSE_PROXY_STORED_CODE_SCAN_H
#define SLUSE_PROXY_STORED_CODE_SCAN_H

#include "proxy/stored_code_text.h"

/* Replaces what `found` holds. */
void code_scan(const struct code_text *text, struct code_findings *found);

#endif
