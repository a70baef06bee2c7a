/* SPDX-License-Identifier: MIT
 * The one place where the version stands.
 */
#ifndef SLUSE_PROXY_VERSION_H
#define SLUSE_PROXY_VERSION_H

#define SLUSE_VERSION "0.1.0"

#endif
