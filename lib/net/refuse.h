/* refuse.h - what must not go on the wire, whoever asks for it. */
#ifndef OC_NET_REFUSE_H
#define OC_NET_REFUSE_H

#include "base/exchange.h"

/* NULL if the exchange may be sent, else what is wrong with it, for the log: characters in header,
 * path or credential that would end it early, a header that is net's or the identity's to set, no
 * identity, no usable site. Pure; any thread. */
const char *oc_refuse_exchange(const oc_exchange_t *x);

#endif
