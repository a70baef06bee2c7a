/* SPDX-License-Identifier: MIT
 * Reasons that keep a session on its backend; the rows are in pin.def.
 */
#ifndef SLUSE_PROTOCOL_PIN_H
#define SLUSE_PROTOCOL_PIN_H

#include <stdint.h>

enum pin {
#define PIN(symbol, name, what, until) symbol,
#include "protocol/pin.def"
#undef PIN
    PINS
};

/* Pins together, as bits. */
typedef uint32_t pin_set;

#define PIN_BIT(pin) ((pin_set)1 << (pin))

const char *pin_name(enum pin pin);

#endif
