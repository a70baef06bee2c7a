/* SPDX-License-Identifier: MIT
 * The page at /, as proxy/page/embed.cmake joins it from the files beside that.
 */
#ifndef SLUSE_PROXY_STATS_PAGE_H
#define SLUSE_PROXY_STATS_PAGE_H

#include <stddef.h>

extern const unsigned char stats_page[];
extern const size_t stats_page_size;
/* In quotes, as the header has it. */
extern const char stats_page_etag[];
/* Content-Security-Policy: nothing but this style, this script, its icon, and requests to where it came from. */
extern const char stats_page_policy[];

#endif
