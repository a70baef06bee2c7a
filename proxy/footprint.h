/* SPDX-License-Identifier: MIT
 * What has run on a backend since it was last clean, and so what a session may have left there.
 */
#ifndef SLUSE_PROXY_FOOTPRINT_H
#define SLUSE_PROXY_FOOTPRINT_H

enum footprint {
    FOOTPRINT_NONE,   /* nothing: the image is exactly what was loaded */
    FOOTPRINT_PLAIN,  /* nothing that a reset and our own statements would not undo */
    FOOTPRINT_SCHEMA, /* it may have left its schema, which a reset keeps */
    FOOTPRINT_OPAQUE, /* anything: procedures, dynamic statements, profiling, options */
};

#endif
