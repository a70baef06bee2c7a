/* SPDX-License-Identifier: MIT
 * Names of the pins.
 */
#include "protocol/pin.h"

const char *pin_name(enum pin pin)
{
    static const char *const names[] = {
#define PIN(symbol, name, what, until) name,
#include "protocol/pin.def"
#undef PIN
    };

    return names[pin];
}
